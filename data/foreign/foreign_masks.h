// Masks that another tool made for the images of a dataset: label PNGs, or outlines in any format of boxes.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/data/photo_names.h"

namespace boxseg {

// Reads the masks of one folder or file, whatever its format is.
class MaskReader {
 public:
  virtual ~MaskReader() = default;
  virtual std::string format() const = 0;              // for people: "label PNG", "COCO JSON"
  virtual bool has_a_png_each() const = 0;             // whether a mask's file is its own PNG
  virtual size_t count() const = 0;                    // of masks: one of an image
  virtual std::string name_of(size_t mask) const = 0;  // of its image, for messages
  virtual fs::path file_of(size_t mask) const = 0;     // that it stands in
  virtual PhotoNames::Match photograph_of(size_t mask, const PhotoNames& photographs) const = 0;
  // The mask at the image's size, where it is of this size or of that of the photograph of which the image is a smaller
  // copy, and at its own size otherwise; void is what nobody has said. On any thread. Throws bad_input: damaged, or of
  // a class that the dataset lacks.
  virtual LabelMap read(size_t mask, const ImageEntry& image) const = 0;
};

// Whose images the masks are, by name.
class ForeignMasks {
 public:
  // The format is told by content: a folder in which nothing else is read is one of label PNGs (foreign_pngs.h), the
  // rest are outlines (foreign_outlines.h). With `skips_bad` annotations that cannot be read are left out, with a
  // warning. What is guessed, and masks of images that the dataset lacks, are told in warnings. Throws bad_input:
  // nothing of the above is there; no mask is of an image of the dataset, or two are of one; and what the readers
  // throw.
  ForeignMasks(const fs::path& file_or_folder, const Dataset& dataset, bool skips_bad, int threads);

  const MaskReader& reader() const { return *reader_; }
  bool has(int64_t image) const { return mask_of_.count(image) > 0; }  // image: index into Dataset::images
  size_t mask_of(int64_t image) const { return mask_of_.at(image); }   // its number in the reader

 private:
  void match(const fs::path& masks, const Dataset& dataset);

  std::unique_ptr<MaskReader> reader_;
  std::map<int64_t, size_t> mask_of_;
};

}  // namespace boxseg
