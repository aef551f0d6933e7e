#include "common/pipeline/plan/classifier_file.h"

#include <algorithm>
#include <chrono>

#include "common/base/error.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/stage_inputs.h"

namespace boxseg {
namespace {

// A file that was put in the place of another keeps the other's manifest beside it. Manifests are written last; some
// seconds are left to whoever copies both.
bool is_of_manifest(const fs::path& path, const fs::path& beside, const Manifest& manifest) {
  constexpr auto kCopying = std::chrono::seconds(10);
  std::error_code ignored;
  if (fs::last_write_time(path, ignored) > fs::last_write_time(beside, ignored) + kCopying) return false;
  const auto listed = std::find_if(manifest.outputs.begin(), manifest.outputs.end(),
                                   [&](const ManifestOutput& output) { return output.path == path.filename(); });
  return listed != manifest.outputs.end() && static_cast<int64_t>(fs::file_size(path, ignored)) == listed->size_bytes;
}

}  // namespace

Digest digest_of_classifier(const fs::path& path) {
  const fs::path beside = path.parent_path() / "manifest.h5";
  const auto manifest = try_read_manifest(beside);
  if (!manifest) fail("{} has no manifest beside it, so that the program itself has to look", path.string());
  if (!is_of_manifest(path, beside, *manifest))
    fail("{} is not the file that the manifest beside it lists, so that the program itself has to look", path.string());
  return output_digest(*manifest, path.filename().string());
}

}  // namespace boxseg
