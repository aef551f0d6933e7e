// Serves check.sh, on machines without Python, and pack.sh:
//   gpu_files digests RUN            a line for each output of each manifest below RUN, sorted: MANIFEST:OUTPUT DIGEST
//   gpu_files labels A B             the label PNGs of A against those of the same names in B, as one line of JSON
//   gpu_files cut IN OUT NAME...     an HDF5 file with some of another one's groups and datasets, and its attributes
#include <hdf5.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/runtime/program.h"

namespace boxseg {
namespace {

int print_digests(const fs::path& run) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.path().filename() != "manifest.h5") continue;
    const std::string name = fs::relative(entry.path(), run).string();
    for (const auto& output : read_manifest(entry.path()).outputs)
      lines.push_back(fmt::format("{}:{} {}", name, output.path, output.digest));
  }
  if (lines.empty())
    fail_input("{}: no manifest below it; it is not a folder of a run, or nothing was finished in it", run.string());
  std::sort(lines.begin(), lines.end());
  for (const auto& line : lines) std::printf("%s\n", line.c_str());
  return 0;
}

int print_agreement(const fs::path& a, const fs::path& b) {
  int64_t images = 0, pixels = 0, equal = 0;
  double lowest = 1;
  std::string lowest_name;
  for (const auto& entry : fs::recursive_directory_iterator(a)) {
    if (entry.path().extension() != ".png") continue;
    const fs::path name = fs::relative(entry.path(), a);
    const LabelMap left = read_label_png(entry.path()), right = read_label_png(b / name);
    if (left.height != right.height || left.width != right.width)
      fail_input("{}: {}x{}, but {}x{} in {}", entry.path().string(), left.width, left.height, right.width,
                 right.height, b.string());
    int64_t here = 0;
    for (size_t i = 0; i < left.pixels.size(); ++i) here += left.pixels[i] == right.pixels[i] ? 1 : 0;
    const auto count = static_cast<int64_t>(left.pixels.size());
    const double share = static_cast<double>(here) / static_cast<double>(count);
    if (share < lowest) lowest = share, lowest_name = name.string();
    ++images, pixels += count, equal += here;
  }
  if (images == 0) fail_input("{}: holds no label PNGs", a.string());
  std::printf(
      "{\"images\": %lld, \"pixels\": %lld, \"equal_share\": %.7f, \"lowest_share\": %.7f, \"lowest_image\": \"%s\"}\n",
      static_cast<long long>(images), static_cast<long long>(pixels),
      static_cast<double>(equal) / static_cast<double>(pixels), lowest, lowest_name.c_str());
  return 0;
}

herr_t copy_attribute(hid_t from, const char* name, const H5A_info_t*, void* to) {
  const hid_t attribute = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(attribute),
              space = H5Aget_space(attribute);
  std::vector<char> value(H5Tget_size(type) * static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
  const hid_t copy = H5Acreate2(*static_cast<hid_t*>(to), name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool is_copied = H5Aread(attribute, type, value.data()) >= 0 && H5Awrite(copy, type, value.data()) >= 0;
  H5Aclose(copy), H5Sclose(space), H5Tclose(type), H5Aclose(attribute);
  return is_copied ? 0 : -1;
}

int cut(const std::string& in, const std::string& out, const std::vector<std::string>& names) {
  const hid_t from = H5Fopen(in.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (from < 0) fail_input("{}: cannot be opened as HDF5", in);
  hid_t to = H5Fcreate(out.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ensure(to >= 0, "{}: cannot be written", out);
  ensure(H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, nullptr, copy_attribute, &to) >= 0,
         "{}: its attributes cannot be copied", in);
  for (const auto& name : names) {
    if (H5Lexists(from, name.c_str(), H5P_DEFAULT) <= 0) fail_input("{}: holds no {}", in, name);
    ensure(H5Ocopy(from, name.c_str(), to, name.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0, "{}: {} cannot be copied", in,
           name);
  }
  ensure(H5Fclose(to) >= 0, "{}: cannot be written", out);
  H5Fclose(from);
  return 0;
}

int body(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "digests") return print_digests(words[1]);
  if (words.size() == 3 && words[0] == "labels") return print_agreement(words[1], words[2]);
  if (words.size() >= 4 && words[0] == "cut") return cut(words[1], words[2], {words.begin() + 3, words.end()});
  fail_usage("expected: gpu_files digests RUN, gpu_files labels A B, or gpu_files cut IN OUT NAME...");
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("gpu_files", argc, argv, boxseg::body); }
