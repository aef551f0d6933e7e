// Outlines of objects that another tool has made, filled as masks of a dataset's images.
#pragma once
#include "common/data/formats/box_annotations.h"
#include "data/foreign/foreign_masks.h"

namespace boxseg {

// Annotations with outlines of any format that read_boxes() reads. Throws bad_input, too, where no object has an
// outline; and for annotations that cannot be read, unless `skips_bad`, which leaves them out with a warning.
BoxAnnotations outlines_in(const fs::path& file_or_folder, bool skips_bad, int threads);
// COCO's list of detections, for a dataset whose boxes came as COCO: its ids are those of that file. Throws bad_input
// for other datasets.
BoxAnnotations detections_in(const fs::path& file, const Dataset& dataset, int threads);

// Outlines are filled as mask_of_outlines() does; classes go by their names. In the box of an object without an outline
// what no outline fills is void. Images without any outline have no mask. Of detections each box of an image has one:
// of those of its class that overlap it more than any other box of that class, the one of the highest score.
class ForeignOutlines : public MaskReader {
 public:
  // `masks`: the file or folder that the annotations were read from.
  ForeignOutlines(BoxAnnotations annotations, const fs::path& masks, const Dataset& dataset);

  std::string format() const override { return annotations_.format; }
  bool has_a_png_each() const override { return false; }
  size_t count() const override { return annotations_.images.size(); }
  std::string name_of(size_t mask) const override { return annotations_.images[mask].name; }
  fs::path file_of(size_t mask) const override { return annotations_.images[mask].file; }
  PhotoNames::Match photograph_of(size_t mask, const PhotoNames& photographs) const override;
  // Throws bad_input, too, where the annotation says another size than that of the image or its photograph.
  LabelMap read(size_t mask, const ImageEntry& image) const override;

 private:
  int64_t class_of(const AnnotatedImage& annotated, const AnnotatedBox& object) const;
  std::vector<const AnnotatedBox*> surest(const AnnotatedImage& annotated, const std::vector<AnnotatedBox>& detections,
                                          ImageSize size, const ImageEntry& image) const;

  BoxAnnotations annotations_;
  fs::path masks_;
  const Dataset& dataset_;
};

}  // namespace boxseg
