// This is the frozen EfficientNet-Lite0 on a CPU. Batch norm is folded into the convolutions; activations are rows of
// channels (NHWC), so that 1x1 convolutions are matrix products (packed_matrix.h); depthwise convolutions are a kernel
// of our own, whose cost does not depend on the dilation. The six-fold wider middle of a block is made a few rows, and
// a part of its channels, at a time, and never leaves the caches. Whole images, or bands of rows when there are fewer
// images than threads, run side by side.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "common/networks/lite0/channel_convolutions.h"
#include "common/networks/lite0/packed_matrix.h"

namespace boxseg {

class EfficientNetLite0;

class FoldedLite0 {
 public:
  // Returns [N,320,h,w] for input [N,3,H,W] float32 on the CPU. Folds again when a weight has changed since the last
  // call.
  at::Tensor forward(const EfficientNetLite0& network, const at::Tensor& input);

 private:
  // Some of the channels in the middle of a block.
  struct Part {
    int64_t channels = 0;
    PackedMatrix expand, project;  // expand is empty in block 0, which the stem feeds
    at::Tensor taps, taps_bias;    // [k*k, channels], [channels]
  };
  struct Block {
    bool has_skip = false;
    int64_t in = 0, out = 0;
    int64_t kernel = 0, stride = 1, dilation = 1;
    std::vector<Part> parts;  // whose products add up, one after the other
  };
  struct Size {
    int64_t height = 0, width = 0;
  };
  void fold(const EfficientNetLite0& network);
  DepthwiseShape depthwise_shape(const Block& block, int64_t channels, Size in) const;
  // Computes output rows [begin, end) of a block for one image. in: [3,H,W] planes for block 0, [h,w,C] else.
  void compute_rows(size_t index, const float* in, Size image, Size in_size, int64_t begin, int64_t end,
                    float* out) const;
  // The same for one part of its middle: the first part writes the rows, the others add to them.
  void compute_part(const Block& block, size_t number, const float* in, Size image, Size in_size, int64_t begin,
                    int64_t end, float* out) const;
  void fill_inner_rows(const Block& block, const Part& part, const float* in, Size image, Size in_size, int64_t begin,
                       int64_t end, float* out) const;

  std::vector<std::pair<const void*, int64_t>> folded_from_;  // data and version of every tensor
  at::Tensor stem_weight_, stem_bias_;                        // [27, 32], [32]
  std::vector<Block> blocks_;
  InstructionSet instructions_ = instruction_set();
};

}  // namespace boxseg
