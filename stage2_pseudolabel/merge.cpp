#include "stage2_pseudolabel/merge.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/pipeline/stage/lock.h"
#include "common/pipeline/stage/staleness.h"
#include "stage2_pseudolabel/instance_files.h"

namespace boxseg {
namespace {

constexpr const char* kManifest = "manifest.h5";

bool is_number(const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

// Adds up the numbers in `facts`, and joins different texts by lines.
void add_facts(std::map<std::string, std::string>& sum, const std::map<std::string, std::string>& facts) {
  for (const auto& [name, value] : facts) {
    if (value.empty()) continue;
    const auto [place, is_first] = sum.emplace(name, value);
    std::string& total = place->second;
    if (is_first) continue;
    if (is_number(value) && is_number(total))
      total = std::to_string(std::stoll(total) + std::stoll(value));
    else if (total != value)
      total += "\n" + value;
  }
}

Manifest merged(const std::vector<Manifest>& shards) {
  Manifest all = shards.front();
  all.outputs.clear();
  all.facts.clear();
  all.wall_time_s = 0;
  std::set<std::string> devices;
  for (const auto& shard : shards) {
    all.outputs.insert(all.outputs.end(), shard.outputs.begin(), shard.outputs.end());
    all.wall_time_s += shard.wall_time_s;
    all.threads = std::max(all.threads, shard.threads);
    devices.insert(shard.device);
    add_facts(all.facts, shard.facts);
  }
  all.device = join({devices.begin(), devices.end()}, ", ");
  all.facts["shards"] = std::to_string(shards.size());
  return all;
}

// Puts more outputs among those of a manifest, in the order of their paths.
void add_outputs(const std::vector<ManifestOutput>& outputs, Manifest& manifest) {
  auto& all = manifest.outputs;
  all.insert(all.end(), outputs.begin(), outputs.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
}

std::string missing_shards(const std::vector<Shard>& found, int64_t count) {
  std::vector<std::string> missing;
  for (int64_t i = 0; i < count; ++i)
    if (std::find(found.begin(), found.end(), Shard{i, count}) == found.end())
      missing.push_back(fmt::format("{}/{}", i, count));
  if (missing.size() > 10) {
    const size_t more = missing.size() - 10;
    missing.resize(10);
    missing.push_back(fmt::format("and {} more", more));
  }
  return join(missing, ", ");
}

}  // namespace

std::string merge_shards(const fs::path& output) {
  const std::vector<Shard> found = find_shard_manifests(output);
  if (found.empty()) return fmt::format("{}: no shard is done there", output.string());
  for (const auto& shard : found)
    if (shard.count != found.front().count)
      return fmt::format("{}: shards of {} and of {} stand side by side; label all of one division again",
                         output.string(), found.front().count, shard.count);
  const int64_t count = found.front().count;
  if (static_cast<int64_t>(found.size()) < count)
    return fmt::format("{}: shards {} are not done; run stage2_pseudolabel with --shard for each", output.string(),
                       missing_shards(found, count));
  std::vector<Manifest> shards;
  for (const auto& shard : found) {
    shards.push_back(read_manifest(output / shard_manifest(shard)));
    const Manifest& first = shards.front();
    const std::string how =
        difference(shards.back(), {first.program, first.fingerprint, {first.options, {}}, first.inputs});
    if (!how.empty())
      return fmt::format("{}: shard {}/{} was not made like shard 0: {}; run it again", output.string(), shard.index,
                         count, how);
  }
  const Manifest of_shards = merged(shards);
  if (const auto before = try_read_manifest(output / kManifest)) {
    Manifest all = of_shards;
    add_outputs(standing_results(output, *before), all);
    if (before->digest() == all.digest() && before->inputs == all.inputs) return "";
  }
  Manifest all = of_shards;
  add_outputs(join_results(output, found, shards), all);
  const FileLock lock(output / (std::string(kManifest) + ".lock"));
  write_manifest(output / kManifest, all);
  return "";
}

void merge_or_fail(const fs::path& output) {
  if (!fs::is_directory(output)) fail_input("--output {}: no such folder", output.string());
  const std::string missing = merge_shards(output);
  if (!missing.empty()) fail_input("{}", missing);
  const auto manifest = read_manifest(output / kManifest);
  log_info("{}: {} files of {} shards", (output / kManifest).string(), manifest.outputs.size(),
           manifest.facts.at("shards"));
}

void forget_other_divisions(const fs::path& output, int64_t shards) {
  std::error_code ignored;
  fs::remove(output / kManifest, ignored);
  forget_results(output);
  for (const auto& shard : find_shard_manifests(output)) {
    if (shard.count == shards) continue;
    fs::remove(output / shard_manifest(shard), ignored);
    fs::remove(output / shard_file(shard), ignored);
    forget_shard_results(output, shard);
  }
}

}  // namespace boxseg
