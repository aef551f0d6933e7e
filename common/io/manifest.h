// Manifests: what made a folder of artifacts, from what, and the digest of each. Written last; a reader trusts
// nothing without it. An HDF5 file `manifest.h5`, one per stage output (and one per shard of stage 2).
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/hash.h"

namespace boxseg {

struct ManifestOutput {
  std::string path;  // relative to the manifest's folder
  int64_t size_bytes = 0;
  Digest digest;  // of the content (pixels, tensors), not of the container
};

struct Manifest {
  std::string program;  // "stage2_pseudolabel"
  std::string version, fingerprint;
  std::map<std::string, std::string> options;  // Options::resolved().values
  std::map<std::string, Digest> inputs;        // role ("dataset", "checkpoint", "init", "labels") -> content digest
  std::vector<ManifestOutput> outputs;
  std::string device;  // below: recorded, without influence on staleness
  int64_t threads = 0, seed = 0;
  double wall_time_s = 0;
  std::map<std::string, std::string> facts;  // free: counts, warnings, the command line

  // What later stages record as their input: of program, fingerprint, options and output digests.
  Digest digest() const;
};

void write_manifest(const std::filesystem::path& path, const Manifest& manifest);
Manifest read_manifest(const std::filesystem::path& path);                     // throws bad_input
std::optional<Manifest> try_read_manifest(const std::filesystem::path& path);  // nullopt when absent or damaged

}  // namespace boxseg
