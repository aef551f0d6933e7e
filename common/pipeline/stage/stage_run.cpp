#include "common/pipeline/stage/stage_run.h"

#include <mutex>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/pipeline/stage/lock.h"
#include "common/pipeline/stage/staleness.h"

namespace boxseg {

struct StageRun::Impl {
  Recipe recipe;
  int64_t seed = 0;
  fs::path output, manifest_path;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::unique_ptr<FileLock> lock;
  std::mutex mutex;
  std::map<std::string, Digest> outputs;  // sorted by path, whatever the order in which threads add them
  std::map<std::string, std::string> facts;
};

StageRun::StageRun(const Options& options, fs::path output, std::map<std::string, Digest> inputs,
                   std::string manifest_name)
    : impl_(std::make_unique<Impl>()) {
  impl_->recipe = {options.info().name, options.info().fingerprint, options.resolved(), std::move(inputs)};
  impl_->seed = options.seed;
  impl_->output = std::move(output);
  impl_->manifest_path = impl_->output / manifest_name;
}

StageRun::~StageRun() = default;

std::string StageRun::why() const {
  const auto manifest = try_read_manifest(impl_->manifest_path);
  return manifest ? staleness(*manifest, impl_->output, impl_->recipe) : kNotMade;
}

bool StageRun::is_up_to_date() const { return why().empty(); }

std::string StageRun::run_key() const {
  Hasher hasher;
  const Recipe& recipe = impl_->recipe;
  hasher.text(recipe.program).text(recipe.fingerprint);
  for (const auto& [name, value] : recipe.options.values) hasher.text(name).text(value);
  for (const auto& [role, digest] : recipe.inputs) hasher.text(role).text(digest);
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
  manifest.program = impl_->recipe.program;
  manifest.version = kVersion;
  manifest.fingerprint = impl_->recipe.fingerprint;
  manifest.options = impl_->recipe.options.values;
  manifest.inputs = impl_->recipe.inputs;
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

}  // namespace boxseg
