// Keeps what is finished of a shard, so that it survives a kill: the journal of images and the spool of their maps
// and results.
#pragma once
#include <map>
#include <string>

#include "common/io/journal.h"
#include "common/labels/shard.h"
#include "stage2_pseudolabel/spool.h"

namespace boxseg {

// The COCO results of an image's label maps (InstanceMaker::results()), "" of a map that was not made.
struct ImageResults {
  std::string y_crf, y_ret;
};

struct FinishedImage {
  std::string reason_skipped;        // why a damaged image was passed over; "" for all others
  std::string boxes_without_labels;  // of a labelled image, a line each: "dog at 3,4 to 20,30"
  Digest y_crf, y_ret;               // y_ret "" when none was made
  bool has_maps = false;             // false for an image without boxes
  Spool::Place maps;
  bool has_results = false;  // with --instances
  Spool::Place results;
};

class FinishedImages {
 public:
  // Takes up what an earlier run with the same key left, as far as the label files in `output` still stand.
  FinishedImages(const fs::path& output, const Shard& shard, const std::string& run_key);

  bool holds(const std::string& id) const { return images_.count(id) > 0; }
  size_t size() const { return images_.size(); }
  const FinishedImage& at(const std::string& id) const { return images_.at(id); }
  // Adds an image, whose label files must stand already. Thread-safe.
  void add(const std::string& id, FinishedImage image, const std::string& maps_bytes, const ImageResults& results = {});
  std::string read_maps(const FinishedImage& image) const { return spool_.read(image.maps); }
  ImageResults read_results(const FinishedImage& image) const;  // none where it has none
  void sync() { journal_.sync(); }
  void remove();  // deletes both files, once the manifest is written

 private:
  fs::path output_;
  Journal journal_;
  Spool spool_;
  std::mutex mutex_;
  std::map<std::string, FinishedImage> images_;
};

}  // namespace boxseg
