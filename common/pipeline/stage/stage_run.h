// What every stage does around its work: find out whether there is anything to do, hold the lock, resume, and write the
// manifest last.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/base/options.h"
#include "common/io/manifest.h"

namespace boxseg {

class StageRun {
 public:
  // `inputs`: role -> content digest, from stage_inputs.h. `manifest_name`: "manifest.h5", or a shard's
  // ("attention/shard-0007-of-0016.manifest.h5"). Outputs are named relative to the folder `output`.
  StageRun(const Options& options, fs::path output, std::map<std::string, Digest> inputs,
           std::string manifest_name = "manifest.h5");
  ~StageRun();  // releases the lock

  // True when the manifest on disk has these inputs, options and fingerprint, and all its outputs exist with their
  // size. The stage then logs "up to date" and returns 0.
  bool is_up_to_date() const;
  // Why not (staleness.h); "" when it is.
  std::string why() const;
  // Digest of program, fingerprint, options and inputs: for journals and checkpoints.
  std::string run_key() const;
  // Takes OUTPUT/NAME.lock (host, pid, job, heartbeat); throws `failed` naming the holder when it is alive. Removes
  // the old manifest: from now on the output is not trusted. False, with everything as it was, when another process has
  // done the same work while this one waited for the lock: there is nothing to do.
  [[nodiscard]] bool begin();
  void add_output(const std::string& relative_path, const Digest& digest);  // thread-safe
  void add_fact(const std::string& name, const std::string& value);
  void finish(const std::string& device, int64_t threads);  // writes the manifest

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxseg
