// Does mean-field inference in a fully connected CRF with Gaussian edge potentials (Kraehenbuehl and Koltun, NIPS
// 2011), equal to pydensecrf with compat = Potts, kernel DIAG, SYMMETRIC normalisation.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace boxseg {

// The number is raised when the results change for equal input and options.
inline constexpr const char* kCrfFingerprint = "2";

struct CrfOptions {
  double bilateral_weight = 4, bilateral_xy = 55, bilateral_rgb = 3;  // standard deviations in pixels, grey levels
  double gaussian_weight = 3, gaussian_xy = 3;
  int64_t iterations = 10;
  int64_t memory_limit_bytes = 12'000'000'000;  // infer() refuses an image that needs more
  void check() const;                           // throws usage: "--bilateral: the weight is -1, expected a number >= 0"
};

// The unary is that of pydensecrf.utils.unary_from_softmax by default: -log of probabilities clipped to [1e-5, 1].
inline constexpr float kCrfProbabilityFloor = 1e-5f;

// Holds inference and its work buffers. Reuse an object for many images: buffers are kept, and so is the Gaussian
// lattice as long as the size stays the same. One object serves one caller at a time.
class DenseCrf {
 public:
  explicit DenseCrf(CrfOptions options, int threads = 1);
  ~DenseCrf();
  DenseCrf(DenseCrf&&) noexcept;

  // Throws bad_input when no image of this size could stay within the memory limit. It may be asked before anything is
  // read.
  void require_memory(int64_t labels, int64_t height, int64_t width) const;

  // Returns Q: [K,H,W], summing to 1 over K. rgb: [H,W,3] uint8; probabilities: [K,H,W] float32, K >= 1. The bits are
  // the same for any number of threads. Throws bad_input on NaN or infinity, sizes that do not fit, and an image whose
  // working memory would pass the limit, with the estimate.
  std::vector<float> infer(std::span<const uint8_t> rgb, std::span<const float> probabilities, int64_t labels,
                           int64_t height, int64_t width);
  // Returns the same Q where it lies, without a copy; it is good until the next call, or the end of this object.
  std::span<const float> infer_view(std::span<const uint8_t> rgb, std::span<const float> probabilities, int64_t labels,
                                    int64_t height, int64_t width);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Returns the bytes that infer_view() needs at most, its arguments included: those of an image in which no two pixels
// share a lattice vertex. Photographs need a third to a half of them; infer_view() measures before it refuses.
int64_t crf_memory_bytes(int64_t labels, int64_t height, int64_t width, int threads = 1);

}  // namespace boxseg
