#include "common/nn/folded_lite0.h"

#include "common/nn/depthwise_kernel.h"
#include "common/nn/efficientnet_lite0.h"

namespace boxseg {
namespace {

// The factor and the shift that a frozen batch norm is.
std::pair<at::Tensor, at::Tensor> scale_and_shift(const BatchNorm& norm) {
  const at::Tensor scale = norm.weight.detach().to(at::kDouble) / (norm.running_var.to(at::kDouble) + norm.eps).sqrt();
  return {scale, norm.bias.detach().to(at::kDouble) - norm.running_mean.to(at::kDouble) * scale};
}

at::Tensor scaled(const Conv& conv, const at::Tensor& scale) {
  return conv.weight.detach().to(at::kDouble) * scale.view({-1, 1, 1, 1});
}

at::Tensor folded_float(const at::Tensor& x) { return x.to(at::kFloat).contiguous(); }

}  // namespace

void FoldedLite0::fold(const EfficientNetLite0& network) {
  std::vector<std::pair<const void*, int64_t>> state;
  for (const auto& [name, value] : network.state_dict()) state.emplace_back(value.const_data_ptr(), value._version());
  if (state == folded_from_) return;
  const c10::InferenceMode no_inference_tensors(false);
  const at::NoGradGuard no_grad;
  const auto matrix = [](const Conv& conv, const BatchNorm& norm) {
    const auto [scale, shift] = scale_and_shift(norm);
    return Matrix{folded_float(scaled(conv, scale).flatten(1).t()), folded_float(shift)};
  };
  const auto [scale, shift] = scale_and_shift(network.stem_norm());
  stem_weight_ = folded_float(scaled(network.stem(), scale));
  stem_bias_ = folded_float(shift);
  blocks_.clear();
  for (const auto& block : network.blocks()) {
    FoldedBlock folded;
    if (block.has_expansion) folded.expand = matrix(block.expand, block.norm0);
    folded.project = matrix(block.project, block.norm2);
    const auto [s, b] = scale_and_shift(block.norm1);
    folded.depthwise = {folded_float(scaled(block.depthwise, s).flatten(1).t()), folded_float(b)};
    blocks_.push_back(folded);
  }
  folded_from_ = std::move(state);
}

at::Tensor FoldedLite0::forward(const EfficientNetLite0& network, const at::Tensor& input) {
  fold(network);
  const at::NoGradGuard no_grad;
  Conv stem = network.stem();
  stem.weight = stem_weight_;
  stem.bias = stem_bias_;
  at::Tensor x = at::relu6(stem.same(input));
  const int64_t images = x.size(0);
  int64_t h = x.size(2), w = x.size(3);
  x = x.permute({0, 2, 3, 1}).contiguous().view({-1, x.size(1)});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto& block = network.blocks()[i];
    const FoldedBlock& folded = blocks_[i];
    at::Tensor y = x;
    if (block.has_expansion) y = at::addmm(folded.expand.bias, x, folded.expand.weight).clamp_(0, 6);
    const Conv& dw = block.depthwise;
    const SamePadding rows = same_padding(h, dw.kernel(), dw.stride, dw.dilation);
    const SamePadding columns = same_padding(w, dw.kernel(), dw.stride, dw.dilation);
    const int64_t out_h = (h + dw.stride - 1) / dw.stride, out_w = (w + dw.stride - 1) / dw.stride;
    const DepthwiseShape shape{y.size(1), dw.kernel(), dw.stride, dw.dilation, h, w, out_w, rows.before, columns.before};
    at::Tensor z = at::empty({images * out_h * out_w, y.size(1)});
    const float* in = y.const_data_ptr<float>();
    float* out = z.mutable_data_ptr<float>();
    for (int64_t n = 0; n < images; ++n)
      for (int64_t r = 0; r < out_h; ++r)
        depthwise_row(shape, r, [&](int64_t q) { return in + (n * h + q) * w * shape.channels; },
                      folded.depthwise.weight.const_data_ptr<float>(), folded.depthwise.bias.const_data_ptr<float>(),
                      out + (n * out_h + r) * out_w * shape.channels);
    z = at::addmm(folded.project.bias, z, folded.project.weight);
    if (block.has_skip) z += x;
    x = z;
    h = out_h;
    w = out_w;
  }
  return x.view({images, h, w, x.size(1)}).permute({0, 3, 1, 2});
}

}  // namespace boxseg
