// Measures label maps of a split against its ground truth.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/data/dataset.h"
#include "common/pipeline/plan/metrics_file.h"
#include "eval/miou/boundary.h"
#include "eval/miou/confusion.h"
#include "eval/miou/label_folder.h"

namespace boxseg {

// What is measured beside the confusion matrix.
struct Measures {
  bool boxes = true;  // the mask of each box, box_iou.h
  // Contours, boundary.h, of predictions that do not abstain. They take twice as long as all the rest.
  bool boundary = false;
};

struct Evaluation {
  Confusion confusion;
  int64_t images = 0;                         // evaluated
  int64_t unlabelled = 0;                     // skipped: the dataset has no mask of them
  std::vector<double> box_ious = {};          // in the order of images and boxes; empty where they were not measured
  std::optional<BoundaryMean> contours = {};  // where they were measured
};

// Returns the images of a split that have a mask. Throws bad_input when there are none.
std::vector<int64_t> labelled_images(const Dataset& dataset, const std::string& split);

// prediction(image, its index in the dataset) is called on `threads` threads, on which results do not depend.
// Interruptible between images. Throws bad_input when no mask holds a class but background although boxes name some: a
// prediction of nothing would score 100.
using PredictionSource = std::function<LabelMap(const ImageEntry& image, int64_t index)>;
Evaluation evaluate_split(const Dataset& dataset, const std::string& split, const PredictionSource& prediction,
                          Abstention abstention, const std::string& what, int threads, const Measures& measures = {});

// Returns miou, miou_of_true_classes, fwiou, macc, pacc, per_class/NAME, per_class_accuracy/NAME, images and
// unlabelled; where boxes were measured box_iou, box_iou_over_80 (a share of the boxes) and boxes, their number; where
// contours were boundary_f and per_class_boundary_f/NAME.
Metrics metrics_of(const Evaluation& evaluation, const std::vector<std::string>& class_names);

// Returns a readable table: one line per class, then the means, of boxes and contours, too, where they were measured.
std::string table_of(const Evaluation& evaluation, const std::vector<std::string>& class_names);

// Writes the matrix with names: rows are true classes, columns predicted ones (the last: none).
std::string confusion_csv(const Confusion& confusion, const std::vector<std::string>& class_names);

// Returns "stage2/bap/val/y_crf" for .../stage2/bap/val/Y_crf, "stage3/nal/val/tta" for
// .../stage3/nal/predictions/val/tta, and "" for other folders.
std::string key_of_folder(const std::filesystem::path& folder);

}  // namespace boxseg
