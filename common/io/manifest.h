// A manifest says what made a folder of artifacts, from what, and the digest of each. It is written last; a reader
// trusts nothing without it. It is an HDF5 file `manifest.h5`, one per stage output (and one per shard of stage 2).
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
  Digest digest;  // digest of the content (pixels, tensors), not of the container
};

struct Manifest {
  std::string program;  // "stage2_pseudolabel"
  std::string version, fingerprint;
  std::map<std::string, std::string> options;  // Options::resolved().values
  std::map<std::string, Digest> inputs;        // role ("dataset", "checkpoint", "init", "labels") -> content digest
  std::vector<ManifestOutput> outputs;
  // The fields from here on are recorded, but do not decide what is stale.
  std::string device;
  int64_t threads = 0, seed = 0;
  double wall_time_s = 0;
  std::map<std::string, std::string> facts;  // anything else: counts, warnings, the command line

  // Digests program, fingerprint, options and output digests; later stages record it as their input.
  Digest digest() const;
};

void write_manifest(const std::filesystem::path& path, const Manifest& manifest);
Manifest read_manifest(const std::filesystem::path& path);                     // throws bad_input
std::optional<Manifest> try_read_manifest(const std::filesystem::path& path);  // nullopt when absent or damaged

}  // namespace boxseg
