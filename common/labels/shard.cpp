#include "common/labels/shard.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr int64_t kMaxShards = 10000;

std::string label_file(const char* folder, const std::string& image_id) {
  return (fs::path(folder) / output_name(image_id)).string() + ".png";
}

}  // namespace

Shard parse_shard(const std::string& text) {
  if (text.empty()) return {};
  const auto parts = split(text, '/');
  if (parts.size() != 2) fail_usage("--shard {}: expected I/N, such as 7/16", text);
  const Shard shard{parse_integer(parts[0], "--shard"), parse_integer(parts[1], "--shard")};
  if (shard.count < 1 || shard.count >= kMaxShards || shard.index < 0 || shard.index >= shard.count)
    fail_usage("--shard {}: expected I/N with N from 1 to {} and I from 0 to N-1", text, kMaxShards - 1);
  return shard;
}

int64_t shard_of(const std::string& image_id, int64_t count) {
  return static_cast<int64_t>(stable_hash64(image_id) % static_cast<uint64_t>(count));
}

std::vector<int64_t> images_of_shard(const Dataset& dataset, const std::string& split, const Shard& shard) {
  std::vector<int64_t> images;
  std::set<int64_t> seen;
  for (const int64_t i : dataset.split(split))
    if (shard_of(dataset.images[static_cast<size_t>(i)].id, shard.count) == shard.index && seen.insert(i).second)
      images.push_back(i);
  return images;
}

std::string shard_file(const Shard& shard, const std::string& ending) {
  return fmt::format("attention/shard-{:04}-of-{:04}{}", shard.index, shard.count, ending);
}

std::string shard_manifest(const Shard& shard) { return shard_file(shard, ".manifest.h5"); }

std::vector<Shard> find_shard_manifests(const fs::path& output) {
  std::vector<Shard> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(output / "attention", error)) {
    long long index = 0, count = 0;
    if (std::sscanf(entry.path().filename().c_str(), "shard-%lld-of-%lld.manifest.h5", &index, &count) != 2) continue;
    const Shard shard{index, count};
    if ("attention/" + entry.path().filename().string() == shard_manifest(shard)) found.push_back(shard);
  }
  std::sort(found.begin(), found.end(),
            [](const Shard& a, const Shard& b) { return a.count != b.count ? a.count < b.count : a.index < b.index; });
  return found;
}

std::string y_crf_file(const std::string& image_id) { return label_file("Y_crf", image_id); }
std::string y_ret_file(const std::string& image_id) { return label_file("Y_ret", image_id); }

}  // namespace boxseg
