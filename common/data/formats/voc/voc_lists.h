// What is known of PASCAL VOC 2012's segmentation lists: how long they are, and where lists and masks come from.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

struct KnownList {
  std::vector<std::string> names;  // of the list or the split; the first is the usual one
  int64_t images = 0;
  std::string source;  // where users get the list, its images and masks
};

// train 1,464, val 1,449, trainval 2,913, test 1,456 (VOC 2012) and trainaug 10,582 (VOC's train and SBD, less val).
const std::vector<KnownList>& voc_lists();

// One split as it was indexed.
struct ListedSplit {
  std::string name;  // "train"
  fs::path list;     // ".../train_aug.txt"
  int64_t images = 0;
  std::vector<std::string> without_mask;  // ids, in list order
};

// "1,464".
std::string with_commas(int64_t number);

// A list that has the name of a known one, or else a split that has, with another number of images: what is expected
// and where it comes from; "" when all is well. A list of another name is taken as its owner's when its length is that
// of some known one (`train=my_trainaug.txt`).
std::string wrong_length(const ListedSplit& split, const std::vector<KnownList>& known);

// Some images of a split have a mask and others not: how many, the first ones, and where masks come from; "" when all
// or none have one (a split that is never measured needs none).
std::string missing_masks(const ListedSplit& split, const std::string& mask_folder,
                          const std::vector<KnownList>& known);

// One sentence per two splits that share images, except where the name of one says so ("train" and "trainval",
// "trainaug"; "val" and "minival"; "all"): what is trained on must not be measured on.
std::vector<std::string> shared_images(const Dataset& dataset);

// What to do about a list that is not there: the lists in `folder`, and where a known one comes from.
std::string advice_on_missing_list(const std::string& list, const fs::path& folder,
                                   const std::vector<KnownList>& known);

}  // namespace boxseg
