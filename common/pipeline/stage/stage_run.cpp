#include "common/pipeline/stage/stage_run.h"

#include <mutex>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/pipeline/stage/lock.h"

namespace boxseg {

struct StageRun::Impl {
  std::string program, fingerprint, lock_name;
  ResolvedOptions options;
  std::map<std::string, Digest> inputs;
  int64_t seed = 0;
  fs::path output, manifest_path;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::unique_ptr<FileLock> lock;
  std::mutex mutex;
  std::map<std::string, Digest> outputs;  // sorted by path, whatever the order in which threads add them
  std::map<std::string, std::string> facts;

  std::string missing_output(const Manifest& manifest) const {
    for (const auto& out : manifest.outputs) {
      std::error_code error;
      const auto size = fs::file_size(output / out.path, error);
      if (error) return fmt::format("{} is missing", out.path);
      if (static_cast<int64_t>(size) != out.size_bytes)
        return fmt::format("{} has {} bytes, the manifest says {}", out.path, size, out.size_bytes);
    }
    return "";
  }
};

StageRun::StageRun(const Options& options, fs::path output, std::map<std::string, Digest> inputs,
                   std::string manifest_name)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = options.info().name;
  impl_->fingerprint = options.info().fingerprint;
  impl_->options = options.resolved();
  impl_->inputs = std::move(inputs);
  impl_->seed = options.seed;
  impl_->output = std::move(output);
  impl_->manifest_path = impl_->output / manifest_name;
}

StageRun::~StageRun() = default;

std::string StageRun::why() const {
  const auto manifest = try_read_manifest(impl_->manifest_path);
  if (!manifest) return "it was not made yet";
  if (manifest->program != impl_->program) return fmt::format("it was made by {}", manifest->program);
  const std::string reason = staleness(*manifest, impl_->fingerprint, impl_->options, impl_->inputs);
  return reason.empty() ? impl_->missing_output(*manifest) : reason;
}

bool StageRun::is_up_to_date() const { return why().empty(); }

std::string StageRun::run_key() const {
  Hasher hasher;
  hasher.text(impl_->program).text(impl_->fingerprint);
  for (const auto& [name, value] : impl_->options.values) hasher.text(name).text(value);
  for (const auto& [role, digest] : impl_->inputs) hasher.text(role).text(digest);
  return hasher.digest();
}

bool StageRun::begin() {
  impl_->lock = std::make_unique<FileLock>(lock_of(impl_->manifest_path));
  if (is_up_to_date()) {
    impl_->lock.reset();
    return false;
  }
  std::error_code ignored;
  fs::remove(impl_->manifest_path, ignored);
  return true;
}

void StageRun::add_output(const std::string& relative_path, const Digest& digest) {
  std::lock_guard lock(impl_->mutex);
  impl_->outputs[relative_path] = digest;
}

void StageRun::add_fact(const std::string& name, const std::string& value) {
  std::lock_guard lock(impl_->mutex);
  impl_->facts[name] = value;
}

void StageRun::finish(const std::string& device, int64_t threads) {
  ensure(impl_->lock != nullptr, "StageRun::finish() without begin()");
  Manifest manifest;
  manifest.program = impl_->program;
  manifest.version = kVersion;
  manifest.fingerprint = impl_->fingerprint;
  manifest.options = impl_->options.values;
  manifest.inputs = impl_->inputs;
  for (const auto& [path, digest] : impl_->outputs)
    manifest.outputs.push_back({path, static_cast<int64_t>(fs::file_size(impl_->output / path)), digest});
  manifest.device = device;
  manifest.threads = threads;
  manifest.seed = impl_->seed;
  manifest.facts = impl_->facts;
  manifest.wall_time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - impl_->start).count();
  write_manifest(impl_->manifest_path, manifest);
  impl_->lock.reset();
}

std::string staleness(const Manifest& manifest, const std::string& fingerprint, const ResolvedOptions& options,
                      const std::map<std::string, Digest>& inputs) {
  if (manifest.fingerprint != fingerprint)
    return fmt::format("{} computes differently now (fingerprint {} then, {} now)", manifest.program,
                       manifest.fingerprint, fingerprint);
  for (const auto& [name, value] : options.values) {
    const auto then = manifest.options.find(name);
    const auto usual = options.defaults.find(name);
    const bool is_usual = usual != options.defaults.end() && usual->second == value;
    if (then == manifest.options.end() && !is_usual) return fmt::format("option {} is new ({})", name, value);
    if (then != manifest.options.end() && then->second != value)
      return fmt::format("option {} was {}, is {}", name, then->second, value);
  }
  for (const auto& [name, value] : manifest.options)
    if (options.values.find(name) == options.values.end())
      return fmt::format("option {} is gone (was {})", name, value);
  for (const auto& [role, digest] : inputs) {
    const auto then = manifest.inputs.find(role);
    if (then == manifest.inputs.end()) return fmt::format("input {} is new", role);
    if (then->second != digest) return fmt::format("input {} changed", role);
  }
  for (const auto& [role, digest] : manifest.inputs)
    if (inputs.find(role) == inputs.end()) return fmt::format("input {} is gone", role);
  return "";
}

}  // namespace boxseg
