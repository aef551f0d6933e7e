#include "common/pipeline/stage/artifact_check.h"

#include <cstdio>

#include "common/base/error.h"
#include "common/io/label_png.h"

namespace boxseg {
namespace {

bool has_content(const fs::path& file, const Digest& recorded, const ContentChecks& checks) {
  const std::string suffix = file.extension().string();
  if (const auto known = checks.find(suffix); known != checks.end()) return known->second(file, recorded);
  if (suffix == ".png") return digest_of_labels(read_label_png(file)) == recorded;
  return digest_of_file(file) == recorded;
}

bool is_manifest(const fs::path& path) {
  return path.extension() == ".h5" && path.filename().string().find("manifest") != std::string::npos;
}

}  // namespace

Manifest check_manifest(const fs::path& path, const fs::path& folder, const ContentChecks& checks) {
  Manifest manifest = read_manifest(path);
  for (const auto& output : manifest.outputs) {
    if (!fs::exists(folder / output.path))
      fail_input("{}: {} is missing; run {} again", path.string(), output.path, manifest.program);
    if (!has_content(folder / output.path, output.digest, checks))
      fail_input("{}: {} is not what {} wrote; run it again", path.string(), output.path, manifest.program);
  }
  return manifest;
}

bool answered_check(const fs::path& path, const ContentChecks& checks) {
  if (path.extension() == ".png") {
    const LabelMap labels = read_label_png(path);
    std::printf("%s: whole, %lld x %lld labels\n", path.c_str(), static_cast<long long>(labels.width),
                static_cast<long long>(labels.height));
    return true;
  }
  if (!is_manifest(path)) return false;
  fs::path folder = fs::absolute(path).parent_path();
  if (folder.filename() == "attention") folder = folder.parent_path();  // of a shard
  std::printf("%s: whole, %zu files\n", path.c_str(), check_manifest(path, folder, checks).outputs.size());
  return true;
}

}  // namespace boxseg
