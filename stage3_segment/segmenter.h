// Reads and writes segmenter.pt: the network and the record that makes it complete.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/crf/dense_crf.h"
#include "common/data/dataset.h"
#include "common/networks/network.h"

namespace boxseg {

struct SegmenterRecord {
  std::vector<std::string> class_names;  // [K]; empty for a bare checkpoint
  Palette palette = voc_palette();
  double temperature = 20;
  bool align_corners = true;      // that of the interpolation from cells to pixels
  std::optional<CrfOptions> crf;  // options that suit the backbone
};

// Returns the authors' CRF of test time: (4,67,3,3,1) for resnet101, and for other backbones (4,121,5,3,3), which is
// that of DeepLab-v1's VGG.
CrfOptions default_crf(const std::string& backbone);

Checkpoint make_segmenter(const Network& network, const SegmenterRecord& record);

struct Segmenter {
  std::unique_ptr<Network> network;
  SegmenterRecord record;
  Digest digest;  // digest of the checkpoint
};
// Loads one of ours, or a bare state_dict of the authors' (VGG: DeepLab-LargeFOV; temperature 20, VOC's palette).
// Throws bad_input, naming the file, for a damaged one, for a classifier of stage 1, and for an incomplete record.
Segmenter load_segmenter(const fs::path& path, const at::Device& device);

}  // namespace boxseg
