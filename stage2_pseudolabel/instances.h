// Makes COCO results of label maps: --instances.
#pragma once
#include <string>
#include <vector>

#include "common/data/formats/coco/coco_result_ids.h"
#include "common/labels/geometry.h"

namespace boxseg {

// A result is what `evaluate coco`, pycocotools and the tools around them read: {"image_id", "category_id",
// "segmentation": compressed run lengths, "bbox": x, y, width, height around the mask, "score"}. Ids are those of
// coco_result_ids(). Masks have the size of the photograph, also where the labels are of a smaller copy of it
// (ImageEntry::source_size). Since results have a box, COCOeval takes its area for theirs when it sorts them into
// small, medium and large.
//
// per_box: the pixels of a box's class inside it, in the run's box convention; those that several boxes of a class
// could own are the smallest one's (owners_of_pixels()). The score is the mean over these pixels of the label map's
// confidence: for Y_crf the CRF's probability of the class, after what lies outside its boxes is set to 0, for Y_ret
// the correlation with the class's prototype, at most 1. Crowds own no pixel, and neither they nor boxes without one
// have a result. per_class, the report's way: all pixels of a class are one result, with score 1.
class InstanceMaker {
 public:
  // `kind`: per_box or per_class.
  InstanceMaker(const std::string& kind, const Dataset& dataset);

  // The results of one label map of dataset.images[index], a line of JSON each. `confidence`: [H,W], of the label at
  // each pixel; empty where there is none: scores are 1 then.
  std::string results(int64_t index, const Geometry& geometry, const LabelMap& labels,
                      const std::vector<float>& confidence) const;

  const CocoResultIds& ids() const { return ids_; }

 private:
  const bool is_per_class_;
  const Dataset& dataset_;
  const CocoResultIds ids_;
};

}  // namespace boxseg
