#include "common/pipeline/stage/staleness.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

std::string difference_of_options(const std::map<std::string, std::string>& then, const ResolvedOptions& now) {
  for (const auto& [name, value] : now.values) {
    const auto before = then.find(name);
    const auto usual = now.defaults.find(name);
    const bool is_usual = usual != now.defaults.end() && usual->second == value;
    if (before == then.end() && !is_usual) return fmt::format("option {} is new ({})", name, value);
    if (before != then.end() && before->second != value)
      return fmt::format("option {} was {}, is {}", name, before->second, value);
  }
  for (const auto& [name, value] : then)
    if (now.values.find(name) == now.values.end()) return fmt::format("option {} is gone (was {})", name, value);
  return "";
}

std::string difference_of_inputs(const std::map<std::string, Digest>& then, const std::map<std::string, Digest>& now) {
  for (const auto& [role, digest] : now) {
    const auto before = then.find(role);
    if (before == then.end()) return fmt::format("input {} is new", role);
    if (before->second != digest) return fmt::format("input {} changed", role);
  }
  for (const auto& [role, digest] : then)
    if (now.find(role) == now.end()) return fmt::format("input {} is gone", role);
  return "";
}

std::string fault_of(const ManifestOutput& output, const fs::path& folder) {
  std::error_code error;
  const auto size = fs::file_size(folder / output.path, error);
  if (error) return fmt::format("{} is missing", output.path);
  if (static_cast<int64_t>(size) != output.size_bytes)
    return fmt::format("{} has {} bytes, the manifest says {}", output.path, size, output.size_bytes);
  return "";
}

// The first fault in the manifest's order. All threads look, since label maps of COCO are two hundred thousand files.
std::string missing_output(const Manifest& manifest, const fs::path& folder) {
  constexpr int64_t kGrain = 2048;
  const auto count = static_cast<int64_t>(manifest.outputs.size());
  std::atomic<int64_t> first = count;
  parallel_for(count, kGrain, hardware_threads(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < std::min<int64_t>(end, first); ++i) {
      if (fault_of(manifest.outputs[static_cast<size_t>(i)], folder).empty()) continue;
      for (int64_t other = first; i < other && !first.compare_exchange_weak(other, i);) continue;
    }
  });
  return first == count ? "" : fault_of(manifest.outputs[static_cast<size_t>(first)], folder);
}

}  // namespace

std::string difference(const Manifest& manifest, const Recipe& recipe) {
  if (manifest.program != recipe.program) return fmt::format("it was made by {}", manifest.program);
  if (manifest.fingerprint != recipe.fingerprint)
    return fmt::format("{} computes differently now (fingerprint {} then, {} now)", manifest.program,
                       manifest.fingerprint, recipe.fingerprint);
  const std::string of_options = difference_of_options(manifest.options, recipe.options);
  return of_options.empty() ? difference_of_inputs(manifest.inputs, recipe.inputs) : of_options;
}

std::string staleness(const Manifest& manifest, const fs::path& folder, const Recipe& recipe) {
  const std::string how = difference(manifest, recipe);
  return how.empty() ? missing_output(manifest, folder) : how;
}

}  // namespace boxseg
