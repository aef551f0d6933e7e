// A folder of label PNGs that another tool, or an earlier run, has made.
#pragma once
#include <array>

#include "data/foreign/foreign_masks.h"

namespace boxseg {

// PNGs of the folder and of those in it, each named as its photograph: a.png or a.jpg.png is of a.jpg. Values are the
// dataset's classes, or where names stand beside the PNGs those of these names: in classes.txt, as `prepare export`
// writes it, or in the manifest of the stage that wrote them, in the folder or the one above it. Throws bad_input where
// there is no PNG, or the list of names cannot be read.
class ForeignPngs : public MaskReader {
 public:
  ForeignPngs(const fs::path& folder, const Dataset& dataset);

  std::string format() const override { return "label PNG"; }
  bool has_a_png_each() const override { return true; }
  size_t count() const override { return files_.size(); }
  std::string name_of(size_t mask) const override;
  fs::path file_of(size_t mask) const override { return folder_ / files_[mask]; }
  PhotoNames::Match photograph_of(size_t mask, const PhotoNames& photographs) const override;
  LabelMap read(size_t mask, const ImageEntry& image) const override;

 private:
  void take_names(const std::vector<std::string>& names, const fs::path& from, const Dataset& dataset);

  fs::path folder_, names_from_;
  std::vector<std::string> files_;       // below the folder
  std::vector<std::string> names_;       // of their values; empty: the dataset's
  std::array<int, 256> class_of_value_;  // -1: the dataset lacks it
  std::string known_;                    // classes of the dataset
};

}  // namespace boxseg
