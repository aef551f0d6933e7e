// Computes the confusion matrix and the scores that follow from it, as the authors' utils/sem_seg_evaluation.py does
// (tests/README.md, metrics.h5).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// Holds scores in percent; NaN where there is nothing to divide by.
struct SegmentationScores {
  // This is the sum of the IoU of the classes that the truth holds, divided by the number of classes that the truth or
  // the prediction holds: a class that is predicted but nowhere true counts as 0. It is the authors' number.
  double miou = 0;
  double miou_of_true_classes = 0;  // the mean over the classes that the truth holds
  double fwiou = 0;                 // IoU weighted by the class's share of the truth
  double macc = 0;                  // mean over true classes of the share of their pixels that is found
  double pacc = 0;                  // share of all pixels that is right
  std::vector<int64_t>
      only_predicted;                 // classes that the truth does not hold: their 0 counts in miou, as by the authors
  std::vector<double> iou, accuracy;  // [K]; NaN for classes that the truth does not hold
};

// Says what a prediction of 255 means, where the truth has a class.
enum class Abstention {
  refused,  // an error, as any other value that is no class
  ignored,  // the pixel is not counted
  wrong,    // the pixel belongs to its true class and to no predicted one
};

// Counts pixels by true and predicted class. Counts add up in any order to the same numbers.
class Confusion {
 public:
  explicit Confusion(int64_t classes);  // K, with background; 1..255

  // Both are [H,W]. Pixels whose truth is void are left out, whatever is predicted there. Throws bad_input, with the
  // name of the map and the value, for sizes that differ, a truth that is neither a class nor void, and a prediction
  // that is no class.
  void add(const LabelMap& truth, const LabelMap& prediction, Abstention abstention = Abstention::refused,
           const std::string& truth_name = "truth", const std::string& prediction_name = "prediction");
  void add(const Confusion& other);

  int64_t classes() const { return classes_; }
  int64_t count(int64_t truth, int64_t predicted) const {
    return counts_[static_cast<size_t>(truth * (classes_ + 1) + predicted)];
  }
  int64_t abstained(int64_t truth) const { return count(truth, classes_); }
  int64_t total() const;
  SegmentationScores scores() const;

 private:
  int64_t classes_;
  std::vector<int64_t> counts_;  // [K, K+1]: the last column holds pixels that are wrong without a predicted class
};

// Says how pixels are judged where two label maps of an image disagree.
enum class Disagreement { ignored, background, wrong };

// Returns the agreed class, and 255 (0 with `background`) where the maps disagree. Score it with abstention_of(rule).
LabelMap agreement(const LabelMap& a, const LabelMap& b, Disagreement rule);
Abstention abstention_of(Disagreement rule);

}  // namespace boxseg
