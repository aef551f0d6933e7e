#include "common/base/outputs.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

using FileId = std::pair<dev_t, ino_t>;

std::optional<FileId> id_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

[[noreturn]] void refuse(const fs::path& output, const char* option, const std::string& input) {
  fail_usage("{} {}: is the file that is read as {}, and would be replaced; choose another", option, output.string(),
             input);
}

}  // namespace

void refuse_special_file(const fs::path& path, const char* option) {
  if (const std::string kind = special_kind(path); !kind.empty() && !fs::is_directory(path))
    fail_usage("{} {}: is {}, not a file; name another file to write", option, path.string(), kind);
}

void require_name_of(Format format, const fs::path& path, const char* option) {
  struct Known {
    const char* words;
    std::vector<std::string> suffixes;  // the usual one first
  };
  static const std::map<Format, Known> formats = {{Format::png, {"a PNG", {".png"}}},
                                                  {Format::npy, {"a NumPy array", {".npy"}}},
                                                  {Format::hdf5, {"an HDF5 file", {".h5", ".hdf5", ".hdf"}}}};
  static const std::vector<std::string> others = {".jpg", ".jpeg", ".bmp", ".webp", ".tif",  ".tiff", ".gif", ".npz",
                                                  ".txt", ".xml",  ".csv", ".json", ".yaml", ".yml",  ".mat"};
  const std::string suffix = lower_case(path.extension().string());
  const auto holds = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), suffix) != list.end();
  };
  const Known& written = formats.at(format);
  const bool is_other = holds(others) || std::any_of(formats.begin(), formats.end(), [&](const auto& known) {
                          return known.first != format && holds(known.second.suffixes);
                        });
  if (is_other && !holds(written.suffixes))
    fail_usage("{} {}: {} is written; name it {}", option, path.string(), written.words,
               fs::path(path).replace_extension(written.suffixes[0]).filename().string());
}

void require_writable_file(const fs::path& path, const char* option) {
  if (const std::string kind = special_kind(path); !kind.empty())
    fail_usage("{} {}: is {}, not a file; name another file to write", option, path.string(), kind);
  require_writable_directory(fs::absolute(path).parent_path(), option);
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  const auto id = id_of(a);
  return id && id == id_of(b);
}

void refuse_same_file(const fs::path& output, const char* option, const fs::path& input, const std::string& what) {
  if (is_same_file(output, input)) refuse(output, option, what + " " + input.string());
}

void refuse_folder_of(const fs::path& output, const char* option, const fs::path& folder, const std::string& what) {
  std::error_code ignored;
  const fs::path there = folder.empty() ? fs::path(".") : folder;
  if (fs::exists(there / "manifest.h5", ignored) && fs::equivalent(output, there, ignored))
    fail_usage("{} {}: is the folder of {} as well, whose manifest.h5 would be replaced; choose another", option,
               output.string(), what);
}

void refuse_inputs_among(const std::vector<fs::path>& outputs, const char* option,
                         const std::vector<fs::path>& inputs) {
  std::map<FileId, fs::path> existing;
  for (const auto& output : outputs)
    if (const auto id = id_of(output)) existing.emplace(*id, output);
  if (existing.empty()) return;
  for (const auto& input : inputs) {
    const auto id = id_of(input);
    if (const auto found = id ? existing.find(*id) : existing.end(); found != existing.end())
      refuse(found->second, option, input.string());
  }
}

}  // namespace boxseg
