// Makes one card of the gallery: the panels of an image side by side.
#pragma once
#include <string>
#include <vector>

#include "common/data/boxes.h"
#include "common/labels/attention_file.h"
#include "eval/report/run_folder.h"

namespace boxseg {

// Holds what every card of the gallery shows.
struct CardSources {
  const Dataset* dataset = nullptr;
  // These are of the first stage 2 variant, and may be null.
  const AttentionShards* attention = nullptr;
  double threshold = 0.99;
  BoxConvention box_convention = BoxConvention::reference;
  std::string attention_title;          // "bap"
  std::vector<const LabelSet*> labels;  // in the order in which they are shown
  // The disagreement of these two, of one variant, is shown after the second of them.
  const LabelSet* y_crf = nullptr;
  const LabelSet* y_ret = nullptr;
  // Labels of stage 2 hold the true masks, so that a number beside them would say nothing.
  bool keeps_true_masks = false;
  int64_t side = 320;
};

// Throws bad_input where a file is damaged or does not fit; a label map that is not there is left out.
std::string card_html(const CardSources& sources, int64_t image_index, const std::string& rank_text);

std::string panel_title(const LabelSet& set);  // "bap Y_crf"

}  // namespace boxseg
