// Multiplies rows with weights that stay the same, float32. These are the 1x1 convolutions of a frozen network over
// rows of channels (NHWC), which are too small and too many for a library that copies its operands anew in each call.
#pragma once
#include <cstdint>
#include <vector>

#include "common/simd/instruction_set.h"

namespace boxseg {

class PackedMatrix {
 public:
  enum class Finish { none, relu6 };

  PackedMatrix() = default;
  // weight: [inner, columns], bias: [columns], row-major; columns must be a multiple of 8. The instructions change how
  // the weights lie, and no bit of a product.
  PackedMatrix(const float* weight, const float* bias, int64_t inner, int64_t columns,
               InstructionSet instructions = instruction_set());

  bool is_empty() const { return columns_ == 0; }

  // Computes out [rows, columns] = finish(in [rows, inner] * weight + bias) + added; added [rows, columns] may be null.
  // Sums start from the bias and go through `inner` in order: a row's result depends on nothing else.
  void multiply(const float* in, int64_t rows, Finish finish, const float* added, float* out) const;
  // Computes out = out + in * weight + added: sums start from what `out` holds, in place of the bias. Products over
  // parts of `inner`, one after the other, thus have the bits of the whole.
  void multiply_onto(const float* in, int64_t rows, const float* added, float* out) const;

 private:
  InstructionSet instructions_ = InstructionSet::kCompiled;
  int64_t inner_ = 0, columns_ = 0;
  // Sums start from `start`, whose rows lie `start_step` apart.
  void multiply_from(const float* start, int64_t start_step, const float* in, int64_t rows, Finish finish,
                     const float* added, float* out) const;
  std::vector<float> panels_;  // panels of up to three vectors: [inner, columns of the panel] each
  std::vector<float> bias_;
};

}  // namespace boxseg
