// Masks that another tool made, in place of those of the CRF.
#pragma once
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/labels/geometry.h"

namespace boxseg {

// Reads the label maps of a folder whose manifest lists Y_crf: made by `prepare labels`, or by an earlier stage 2.
class GivenMasks {
 public:
  GivenMasks() = default;  // none
  // An empty path has none. Throws bad_input: there is no manifest, it lists no Y_crf, or is of other classes.
  GivenMasks(const fs::path& folder, const Dataset& dataset);

  bool has(const ImageEntry& image) const;
  LabelMap read(const ImageEntry& image) const;  // throws bad_input where it is not what the manifest lists

 private:
  fs::path folder_;
  int64_t classes_ = 0;
  std::map<std::string, Digest> listed_;  // by path below the folder
};

// Reads the true mask of an image that has one. Throws bad_input where it is not the one that prepare indexed.
LabelMap read_true_mask(const Dataset& dataset, const ImageEntry& image);

// Whether a given map leaves something to the CRF: a box without a pixel of its class, or void inside a box.
bool leaves_something_open(const LabelMap& given, const Geometry& geometry);

// Y_crf of a given map. Objects lie in their boxes here as everywhere, so that a class is kept inside the boxes of the
// class and is background outside. A box in which the map has no pixel of its class was not looked at: in it the CRF's
// labels of this class stand, where nothing else is; and void is what the CRF says. `crf` may be empty where nothing is
// left open.
LabelMap join_given(const LabelMap& given, const LabelMap& crf, const Geometry& geometry);

}  // namespace boxseg
