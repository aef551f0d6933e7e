#include "stage2_pseudolabel/class_weights.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/networks/network.h"
#include "stage2_pseudolabel/class_names.h"

namespace boxseg {
namespace {

const std::vector<std::string> kVocNames = {
    "background", "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",
    "car",        "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",
    "motorbike",  "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};

}  // namespace

bool ClassWeights::knows(int64_t class_id) const {
  return class_id >= 0 && class_id < static_cast<int64_t>(row_of_class.size()) &&
         row_of_class[static_cast<size_t>(class_id)] >= 0;
}

const double* ClassWeights::of(int64_t class_id) const {
  ensure(knows(class_id), "class {} has no classifier weight", class_id);
  return rows.data() + row_of_class[static_cast<size_t>(class_id)] * channels;
}

ClassWeights match_classes(const at::Tensor& classifier_weight, const std::map<std::string, std::string>& record,
                           const std::vector<std::string>& class_names, const std::string& source,
                           const std::string& class_map) {
  const at::Tensor rows = classifier_weight.detach().flatten(1).to(at::kCPU, at::kDouble).contiguous();
  ClassWeights weights;
  weights.channels = rows.size(1);
  weights.rows.assign(rows.const_data_ptr<double>(), rows.const_data_ptr<double>() + rows.numel());

  const auto found = record.find("class_names");
  std::vector<std::string> row_names =
      found == record.end() ? std::vector<std::string>{} : parse_record_list(found->second);
  if (row_names.empty() && rows.size(0) == static_cast<int64_t>(class_names.size())) row_names = class_names;
  if (row_names.empty() && rows.size(0) == static_cast<int64_t>(kVocNames.size())) row_names = kVocNames;
  if (static_cast<int64_t>(row_names.size()) != rows.size(0))
    fail_input(
        "{}: a classifier of {} classes {}, the dataset has {} ({}); train one on this dataset, or name its classes in "
        "the file's record",
        source, rows.size(0), row_names.empty() ? "without names" : fmt::format("with {} names", row_names.size()),
        class_names.size(), join(class_names, ", "));

  ClassMatches matches = match_class_names(row_names, class_names, class_map);
  weights.row_of_class = std::move(matches.row_of_class);
  weights.other_names = std::move(matches.other_names);
  return weights;
}

std::vector<std::string> unknown_classes(const ClassWeights& weights, const std::vector<std::string>& class_names) {
  std::vector<std::string> unknown;
  for (size_t c = 0; c < class_names.size(); ++c)
    if (!weights.knows(static_cast<int64_t>(c))) unknown.push_back(class_names[c]);
  return unknown;
}

}  // namespace boxseg
