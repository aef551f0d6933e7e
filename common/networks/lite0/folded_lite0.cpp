#include "common/networks/lite0/folded_lite0.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "common/networks/efficientnet_lite0.h"
#include "common/ops/torch_pool.h"
#include "common/simd/aligned.h"

namespace boxseg {
namespace {

// Returns how many bytes of a block's middle are made at a time. With fewer strips, the block's weights are read less
// often; but all of a strip should stay in a core's own cache.
int64_t strip_bytes() {
  constexpr int64_t kLeast = 192 * 1024;
  static const int64_t bytes = std::max<int64_t>(kLeast, sysconf(_SC_LEVEL2_CACHE_SIZE) / 4);
  return bytes;
}

// Returns how many of a block's `inner` channels are made at a time. A row of all of them may be so wide that a strip
// has one or two rows, and nearly all that the depthwise convolution reads would be moved from the strip before. 96
// fill whole panels of every instruction set.
int64_t part_channels(int64_t inner) { return inner >= 240 ? 96 : inner; }

// Holds a convolution and the frozen batch norm after it, which is a factor and a shift of each output, as one.
struct Folded {
  Folded() = default;
  Folded(const Conv& conv, const BatchNorm& norm) {
    const at::Tensor scale =
        norm.weight.detach().to(at::kDouble) / (norm.running_var.to(at::kDouble) + norm.eps).sqrt();
    const at::Tensor scaled = conv.weight.detach().to(at::kDouble) * scale.view({-1, 1, 1, 1});
    weight = scaled.flatten(1).t().to(at::kFloat).contiguous();
    bias = (norm.bias.detach().to(at::kDouble) - norm.running_mean.to(at::kDouble) * scale).to(at::kFloat);
  }
  at::Tensor weight, bias;  // [..., out], [out]
};

// Makes room for that many values; what was there is lost when it has to grow.
float* at_least(AlignedVector<float>& buffer, int64_t values) {
  if (values > static_cast<int64_t>(buffer.size())) buffer = AlignedVector<float>(static_cast<size_t>(values));
  return buffer.data();
}

// Holds what a thread keeps from strip to strip and from image to image.
struct Scratch {
  AlignedVector<float> inner, filtered, images[2];
};
thread_local Scratch t_scratch;

}  // namespace

void FoldedLite0::fold(const EfficientNetLite0& network) {
  std::vector<std::pair<const void*, int64_t>> state;
  for (const auto& [name, value] : network.state_dict()) state.emplace_back(value.const_data_ptr(), value._version());
  if (state == folded_from_) return;
  const c10::InferenceMode no_inference_tensors(false);
  const at::NoGradGuard no_grad;
  const auto matrix = [](const at::Tensor& weight, const at::Tensor& bias) {
    return PackedMatrix(weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), weight.size(0), weight.size(1));
  };
  const Folded stem(network.stem(), network.stem_norm());
  stem_weight_ = stem.weight;
  stem_bias_ = stem.bias;
  blocks_.clear();
  for (const auto& source : network.blocks()) {
    Block block;
    block.has_skip = source.has_skip;
    block.in = source.in;
    block.out = source.out;
    block.kernel = source.depthwise.kernel();
    block.stride = source.depthwise.geometry.stride;
    block.dilation = source.depthwise.geometry.dilation;
    const Folded depthwise(source.depthwise, source.norm1), project(source.project, source.norm2);
    Folded expand;
    if (source.has_expansion) expand = Folded(source.expand, source.norm0);
    const int64_t inner = depthwise.bias.size(0);
    for (int64_t first = 0; first < inner;) {
      Part part;
      part.channels = std::min(inner - first, part_channels(inner));
      const auto own = [&](const at::Tensor& values) { return values.narrow(-1, first, part.channels).contiguous(); };
      if (source.has_expansion) part.expand = matrix(own(expand.weight), own(expand.bias));
      part.project = matrix(project.weight.narrow(0, first, part.channels), project.bias);
      part.taps = own(depthwise.weight);
      part.taps_bias = own(depthwise.bias);
      first += part.channels;
      block.parts.push_back(std::move(part));
    }
    blocks_.push_back(std::move(block));
  }
  folded_from_ = std::move(state);
}

DepthwiseShape FoldedLite0::depthwise_shape(const Block& block, int64_t channels, Size in) const {
  const SamePadding rows = same_padding(in.height, block.kernel, block.stride, block.dilation);
  const SamePadding columns = same_padding(in.width, block.kernel, block.stride, block.dilation);
  return {.channels = channels,
          .kernel = block.kernel,
          .stride = block.stride,
          .dilation = block.dilation,
          .in_height = in.height,
          .in_width = in.width,
          .out_width = (in.width + block.stride - 1) / block.stride,
          .pad_top = rows.before,
          .pad_left = columns.before};
}

// Fills in rows [begin, end) of what the depthwise convolution reads.
void FoldedLite0::fill_inner_rows(const Block& block, const Part& part, const float* in, Size image, Size in_size,
                                  int64_t begin, int64_t end, float* out) const {
  if (part.expand.is_empty()) {
    const StemShape shape{image.height, image.width, in_size.width, same_padding(image.height, 3, 2, 1).before,
                          same_padding(image.width, 3, 2, 1).before};
    for (int64_t y = begin; y < end; ++y)
      stem_row(shape, y, in, stem_weight_.const_data_ptr<float>(), stem_bias_.const_data_ptr<float>(),
               out + (y - begin) * in_size.width * part.channels, instructions_);
    return;
  }
  part.expand.multiply(in + begin * in_size.width * block.in, (end - begin) * in_size.width,
                       PackedMatrix::Finish::relu6, nullptr, out);
}

void FoldedLite0::compute_rows(size_t index, const float* in, Size image, Size in_size, int64_t begin, int64_t end,
                               float* out) const {
  const Block& block = blocks_[index];
  for (size_t part = 0; part < block.parts.size(); ++part)
    compute_part(block, part, in, image, in_size, begin, end, out);
}

void FoldedLite0::compute_part(const Block& block, size_t number, const float* in, Size image, Size in_size,
                               int64_t begin, int64_t end, float* out) const {
  const Part& part = block.parts[number];
  const DepthwiseShape shape = depthwise_shape(block, part.channels, in_size);
  const int64_t inner_row = in_size.width * part.channels, reach = (block.kernel - 1) * block.dilation;
  const int64_t row_bytes = inner_row * block.stride * static_cast<int64_t>(sizeof(float));
  const int64_t strip = std::max<int64_t>(1, strip_bytes() / row_bytes);
  float* inner =
      at_least(t_scratch.inner, std::min((strip - 1) * block.stride + reach + 1, in_size.height) * inner_row);
  float* filtered = at_least(t_scratch.filtered, std::min(strip, end - begin) * shape.out_width * part.channels);
  int64_t kept_begin = 0, kept_end = 0;  // rows of the middle that `inner` holds
  for (int64_t y = begin; y < end; y += strip) {
    const int64_t y_end = std::min(end, y + strip);
    const int64_t first = std::max<int64_t>(0, y * block.stride - shape.pad_top);
    const int64_t last = std::min(in_size.height, (y_end - 1) * block.stride - shape.pad_top + reach + 1);
    const int64_t made = std::clamp(kept_end, first, last);
    if (made > first)
      std::memmove(inner, inner + (first - kept_begin) * inner_row,
                   static_cast<size_t>((made - first) * inner_row) * sizeof(float));
    fill_inner_rows(block, part, in, image, in_size, made, last, inner + (made - first) * inner_row);
    kept_begin = first;
    kept_end = last;
    for (int64_t r = y; r < y_end; ++r)
      depthwise_row(shape, r, inner, first, part.taps.const_data_ptr<float>(), part.taps_bias.const_data_ptr<float>(),
                    filtered + (r - y) * shape.out_width * part.channels, instructions_);
    const int64_t cells = (y_end - y) * shape.out_width, offset = y * shape.out_width * block.out;
    const float* added = block.has_skip && number + 1 == block.parts.size() ? in + offset : nullptr;
    if (number == 0)
      part.project.multiply(filtered, cells, PackedMatrix::Finish::none, added, out + offset);
    else
      part.project.multiply_onto(filtered, cells, added, out + offset);
  }
}

at::Tensor FoldedLite0::forward(const EfficientNetLite0& network, const at::Tensor& input) {
  fold(network);
  const at::NoGradGuard no_grad;
  const at::Tensor planes = input.contiguous();
  const Size image{planes.size(2), planes.size(3)};
  std::vector<Size> sizes = {
      {(image.height + 1) / 2, (image.width + 1) / 2}};  // what each block reads, then the result
  int64_t largest = 0;
  for (const Block& block : blocks_) {
    const Size in = sizes.back();
    const Size out{(in.height + block.stride - 1) / block.stride, (in.width + block.stride - 1) / block.stride};
    sizes.push_back(out);
    largest = std::max(largest, out.height * out.width * block.out);
  }
  const int64_t images = planes.size(0), threads = at::get_num_threads();
  const bool by_image = images >= threads || images == 0;
  // The blocks write into two buffers in turn, of which each image or, by_image, each thread has its own.
  const Size end = sizes.back();
  at::Tensor result = at::empty({images, end.height * end.width, blocks_.back().out});
  const auto input_of = [&](int64_t n) { return planes.const_data_ptr<float>() + n * 3 * image.height * image.width; };
  const auto result_of = [&](int64_t n) { return result.mutable_data_ptr<float>() + n * result.stride(0); };
  if (by_image) {
    for_each_in_torch_pool(images, [&](int64_t n) {
      float* const buffers[2] = {at_least(t_scratch.images[0], largest), at_least(t_scratch.images[1], largest)};
      const float* in = input_of(n);
      for (size_t i = 0; i < blocks_.size(); ++i) {
        float* out = i + 1 == blocks_.size() ? result_of(n) : buffers[i % 2];
        compute_rows(i, in, image, sizes[i], 0, sizes[i + 1].height, out);
        in = out;
      }
    });
  } else {
    const int64_t size = largest * images;
    float* const buffers[2] = {at_least(t_scratch.images[0], size), at_least(t_scratch.images[1], size)};
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const int64_t rows = sizes[i + 1].height, bands = std::min(rows, (threads + images - 1) / images);
      for_each_in_torch_pool(images * bands, [&](int64_t task) {
        const int64_t n = task / bands, band = task % bands;
        const float* in = i == 0 ? input_of(n) : buffers[(i + 1) % 2] + n * largest;
        float* out = i + 1 == blocks_.size() ? result_of(n) : buffers[i % 2] + n * largest;
        compute_rows(i, in, image, sizes[i], rows * band / bands, rows * (band + 1) / bands, out);
      });
    }
  }
  return result.view({images, end.height, end.width, -1}).permute({0, 3, 1, 2}).contiguous();
}

}  // namespace boxseg
