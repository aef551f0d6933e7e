// Computes the losses of stage 3 on cosine scores: the noise-aware loss (NAL) and those it is compared with.
//
// Scores s = cosine of feature and class weight at the h x w cells, interpolated bilinearly to the labels' H x W;
// logits are T s, p = softmax(T s). With the labels `label` (Y_crf) and `other` (Y_ret), 255 = void:
//   S = {label = other, not void}: reliable;   U = {label != other, label not void}: unreliable;
//   ce        = mean over S of -log p_label
//   second    = sum over U of sigma v / sum over U of sigma
//   total     = ce + lambda * second
//   kind      sigma                                            v
//   nal       ((1+s_label)/max_c(1+s_c))^gamma   Eq. (11)      -log p_label
//   entropy   1                                                H(p) = -sum_c p_c log p_c
//   bootstrap 1                                                beta * -log p_label + (1-beta) * H(p)
//   plain     without the second term: `baseline` with two label maps; ce_crf, ce_ret, true_masks with one (all
//             pixels that are not void are reliable)
// Gradients flow through sigma, through its maximum too, as in the authors' stage3_vgg.py (the paper does not say);
// is_detached stops that. Without reliable, or unreliable, pixels the term is 0 where the authors' code gives NaN.
//
// Form::report_code is what the report's code (losses/*.py) has in place of its equations. Its second term runs over
// all pairs Q of pixel and class except (pixel, label) of reliable pixels, void pixels included:
//   nal       sum over Q of sigma (-log p_c) / sum over Q of sigma; sigma 0 on void pixels: wrong classes are pushed up
//   entropy   mean over Q of -p_c log p_c
//   bootstrap mean over Q of -(beta [c = label] + (1-beta) p_c) log p_c; beta shrinks from step to step
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace boxseg {

struct LossOptions {
  enum class Kind { plain, nal, entropy, bootstrap };
  enum class Form { equation, report_code };
  Kind kind = Kind::nal;
  Form form = Form::equation;
  double temperature = 20, lambda = 0.1, gamma = 7, beta = 0.95;
  bool is_detached = false;             // no gradient through sigma
  bool is_classifier_detached = false;  // none through sigma into the classifier's weights, as in the report's code
  bool align_corners = true;            // that of the interpolation; the report's code has false
};

// Says what v and sigma of an unreliable pixel are: v = share * -log p_label + (1 - share) * H(p), and sigma is that of
// Eq. (11) where the term is weighted, or else 1.
struct SecondTerm {
  double cross_entropy_share = 1;
  bool is_weighted = false;
};
SecondTerm second_term(const LossOptions& options);  // of Form::equation

// Holds sums over a batch, or over parts of it added up.
struct LossSums {
  double reliable_loss = 0, unreliable_loss = 0, confidence = 0;  // sums of -log p, sigma v, sigma
  int64_t reliable = 0, unreliable = 0;                           // |S|, |U|
  LossSums& operator+=(const LossSums& other);
  double cross_entropy() const { return reliable > 0 ? reliable_loss / static_cast<double>(reliable) : 0; }
  double second() const { return confidence > 0 ? unreliable_loss / confidence : 0; }
  double total(const LossOptions& options) const;
};

// Holds label maps [N,H,W] uint8 on the scores' device, with class ids below K or 255. `other` is undefined where there
// is one label map.
struct LossLabels {
  at::Tensor label, other;
};

// The three functions below take scores [N,K,h,w] float32 or float64, on the CPU or a GPU. Sums are in double and in a
// fixed order, so the bits are equal for any number of threads. Throws bad_input for labels that are no class.

LossSums loss_sums(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options);

// Returns d total / d scores [N,K,h,w], where `whole` are the sums of the batch that these scores are a part of; of
// plain losses, entropy and bootstrap only its counts and confidence matter, which count_pixels() knows. `part`
// receives the sums of these scores if not null.
at::Tensor loss_gradient(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options,
                         const LossSums& whole, LossSums* part = nullptr);

// Returns |S|, |U| and, as if sigma were 1, the sum of the confidences.
LossSums count_pixels(const LossLabels& labels);

// Computes value and gradient at once, as a node of the autograd graph: a scalar of the scores' dtype. `sums` receives
// the terms if not null.
at::Tensor segmentation_loss(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options,
                             LossSums* sums = nullptr);

// Adds the gradient to the histories of both scores: `confidence` are the scores that sigma is made of, equal to
// `scores` but perhaps of another history (is_classifier_detached: one without the classifier's weights).
void segmentation_loss_backward(const at::Tensor& scores, const at::Tensor& confidence, const LossLabels& labels,
                                const LossOptions& options, const LossSums& whole, LossSums* part = nullptr);

// Computes Form::report_code by LibTorch's own operations at full resolution; it is there to compare, not to be fast.
// Returns a scalar of the scores' dtype; `confidence` is as above. `sums` receives the terms if not null; its
// `confidence` counts pairs.
at::Tensor report_code_loss(const at::Tensor& scores, const at::Tensor& confidence, const LossLabels& labels,
                            const LossOptions& options, LossSums* sums);
// Returns the report's beta in step `it`: beta times (1 - j/iterations)^0.9 for each step j before it.
double report_code_beta(double beta, int64_t it, int64_t iterations);

// Returns sigma [N,H,W] in the scores' dtype, on the CPU, 0 where the pixel is not unreliable; for figures and tests.
at::Tensor confidence_map(const at::Tensor& scores, const LossLabels& labels, const LossOptions& options);

}  // namespace boxseg
