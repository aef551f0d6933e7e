// Reads and writes attention shards, which hold per image what regenerates Y_crf without the network. A shard is one
// HDF5 file, with a chunk per dataset:
//   attributes: format, schema, shard, shards, box_convention, grid, knows_all_classes; complete = 1, written last
//   ids               [n] text: the images that have boxes; image i has the group maps/i
//   maps/i/gram [5,h,w], query_maps [J,h,w], background_map [1,h,w], class_maps [k,h,w] float32; J = 0 and an absent
//                     background leave the dataset out; attributes: classes [k], is_known [k], boxes (digest)
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/data/dataset.h"
#include "common/io/hdf5.h"
#include "common/io/manifest.h"
#include "common/labels/feature_maps.h"
#include "common/labels/shard.h"

namespace boxseg {

struct AttentionSettings {  // what the maps depend on beside the network
  std::string box_convention = "reference";
  int64_t grid = 1;
  bool knows_all_classes = true;
};

// Digests size and boxes of an image: maps that were made with other boxes are of no use.
Digest digest_of_boxes(const ImageEntry& entry);

class AttentionWriter {
 public:
  AttentionWriter(const fs::path& path, const Shard& shard, const AttentionSettings& settings);
  void add(const ImageEntry& entry, const FeatureMaps& maps);
  // Returns the digest of the content.
  Digest close_and_commit();

 private:
  H5Writer file_;
  std::vector<std::string> ids_;
  Hasher hasher_;
};

// Reads some shards, whichever they are. Thread-safe.
class AttentionShards {
 public:
  explicit AttentionShards(const std::vector<fs::path>& files);  // throws bad_input where one is damaged or not whole
  bool is_empty() const { return place_of_id_.empty(); }
  // These are the first shard's, but knows_all_classes holds only when all say so.
  const AttentionSettings& settings() const { return settings_; }
  enum class State { there, absent, other_boxes };
  State state_of(const ImageEntry& entry) const;
  // Reads the maps of an image that is there; throws bad_input where they are damaged.
  FeatureMaps read(const ImageEntry& entry) const;

 private:
  struct Place {
    size_t file;
    int64_t number;
  };
  AttentionSettings settings_;
  std::vector<H5Reader> files_;
  std::map<std::string, Place> place_of_id_;
  mutable std::mutex mutex_;
};

// Reads all shards of an earlier run's output folder. Thread-safe.
class AttentionReader {
 public:
  // Reads DIR/manifest.h5 and the shards it lists; throws bad_input.
  explicit AttentionReader(const fs::path& folder);
  const AttentionSettings& settings() const { return shards_.settings(); }
  Digest digest() const;  // digest of the shards, as the manifest records it
  // Throws bad_input when the image is not there or had other boxes.
  FeatureMaps read(const ImageEntry& entry) const;

 private:
  fs::path folder_;
  Manifest manifest_;
  AttentionShards shards_;
};

// Reads all of PATH and returns its number of images; throws bad_input unless it is a whole shard. It serves --check.
int64_t check_attention_file(const fs::path& path);

}  // namespace boxseg
