// Packs predictions into the archive that VOC's evaluation server takes.
#pragma once
#include <string>

#include "common/base/files.h"
#include "common/data/dataset.h"

namespace boxseg {

struct ServerArchiveOptions {
  std::string split = "test";
  std::string competition = "comp6";  // comp5: trained on VOC's own data alone; comp6: on any (ImageNet weights, SBD)
  fs::path predictions;               // folder of label PNGs, ID.png
  fs::path output;                    // .tar, .tar.gz or .tgz
  int threads = 1;
  void check() const;  // throws usage
};

// Writes results/VOC2012/Segmentation/COMPETITION_SPLIT_cls/ID.png for each image of the split, in its order: 8-bit
// palette PNGs with VOC's colours. Equal labels give equal bytes (owner and time of the files are fixed). Returns the
// number of images. The write is atomic. Throws bad_input before anything is written, naming the first fault and how
// many there are: a dataset without VOC's 21 classes, predictions that are missing, damaged, of another size than their
// image, or with values that are no class (255, void, included: the server takes classes only).
int64_t write_server_archive(const Dataset& dataset, const ServerArchiveOptions& options);

}  // namespace boxseg
