// What COCO's results call the images and classes of a dataset.
#pragma once
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

// Both as they stand in JSON, a number or a text in quotes. They are those of the annotations where these have COCO's
// ids, so that results are compared with the very file that the boxes came from; the files of two splits may have one
// id for two images. Where not all images have an id that is a number, and the boxes are not COCO's, an image's id is
// the number in its name where all names are digits ("000000000139" is 139) and no two are one number, and else its
// place in the dataset, from 1 on, whatever its split.
// Without ids of the annotations classes have their numbers: 1 to K-1.
struct CocoResultIds {
  std::vector<std::string> images;   // [N], of Dataset::images
  std::vector<std::string> classes;  // [K], that of the background is ""
  // Sentences without a full stop on ids that are not those of the annotations, for people.
  std::vector<std::string> remarks;
};
CocoResultIds coco_result_ids(const Dataset& dataset);

// Digests all that results of a split say of the dataset beyond Dataset::digest(): ids, and the sizes of the
// photographs of which it has smaller copies.
Digest digest_of_result_ids(const CocoResultIds& ids, const Dataset& dataset, const std::string& split);

}  // namespace boxseg
