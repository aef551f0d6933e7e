// Finds the label maps that a training image learns from: Y_crf and Y_ret of a stage-2 folder, or the dataset's masks.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"

namespace boxseg {

class TrainingLabels {
 public:
  // `loss` is a name of --loss. `labels` is a folder of stage 2 (its manifest.h5 is read), empty for true_masks. Throws
  // bad_input when there is no manifest, or when it lists no Y_ret and the loss needs it.
  TrainingLabels(const std::string& loss, const fs::path& labels, const Dataset& dataset);

  // Returns "" if the image has what the loss needs, else what it lacks and what to do about it.
  std::string what_is_missing(const ImageEntry& image) const;

  // Returns the maps in the order of LossLabels: Y_crf and Y_ret (nal), or one. Throws bad_input, naming the file, for
  // a map of another size than the image's, one that is not what the manifest (or the dataset) says, or ids that are no
  // class.
  std::vector<LabelMap> read(const ImageEntry& image) const;

  const Digest& digest() const { return digest_; }                  // digest of all label maps listed; "" for masks
  const std::vector<std::string>& kinds() const { return kinds_; }  // "Y_crf", "Y_ret"; none for masks

 private:
  LabelMap read_checked(const fs::path& path, const ImageEntry& image) const;

  const Dataset& dataset_;
  fs::path folder_;
  std::vector<std::string> kinds_;
  std::map<std::string, Digest> listed_;  // "Y_crf/ID.png" -> digest of its pixels
  Digest digest_;
};

}  // namespace boxseg
