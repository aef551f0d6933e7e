// Makes five inner-product maps from which the norm of a bilinearly interpolated feature follows without the channels:
// sum_a w_a f_a|^2 = sum_ab w_a w_b <f_a, f_b> over the four cells around a point (common/labels/squared_norm.h).
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "common/ops/cell_runs.h"
#include "common/ops/gram_maps_kernel.h"  // kGramBlock

namespace boxseg {

// features: [N,C,h,w] float32 or float64. Returns [N,5,h,w], the inner product per cell (y,x) of
//   0: f(y,x) with itself
//   1: f(y,x) with its right neighbour f(y,x+1)
//   2: f(y,x) with its lower neighbour f(y+1,x)
//   3: f(y,x) with f(y+1,x+1)
//   4: the right neighbour f(y,x+1) with the lower one f(y+1,x)
// Products that reach outside the map are 0. The result is plain values, as no gradient is recorded. Its bits are the
// same for any number of threads.
at::Tensor gram_maps(const at::Tensor& features);

// Returns the gradient with respect to features [N,C,h,w], given that of the maps [N,5,h,w] (whose entries for products
// that reach outside are ignored).
at::Tensor gram_maps_backward(const at::Tensor& grad_maps, const at::Tensor& features);
// Adds what gram_maps_backward() would return to grad_features [N,C,h,w], which is contiguous.
void add_gram_maps_backward(at::Tensor& grad_features, const at::Tensor& grad_maps, const at::Tensor& features);

// Makes the maps of one image on the CPU, at some of its cells, a block of kGramBlock channels at a time; T is float or
// double. Blocks may be added in any order and by several threads.
template <class T>
class GramSums {
 public:
  GramSums(int64_t channels, int64_t h, int64_t w, const CellRuns& cells);
  int64_t blocks() const { return (channels_ + kGramBlock - 1) / kGramBlock; }
  void add(const T* f, int64_t block);  // f: [C,h,w], of all channels
  // Writes [5,h,w] at its cells, and leaves the others as they are.
  void write(T* maps) const;

 private:
  int64_t channels_, h_, w_;
  CellRuns cells_;
  std::vector<T> sums_;  // [blocks,5,h,w]
};

// Computes gram_maps_backward() for one image on the CPU, some channels at a time; T is float or double.
template <class T>
class GramAdjoint {
 public:
  GramAdjoint(const T* grad_maps, int64_t h, int64_t w);  // [5,h,w]
  // f, out: [channels,h,w]. Cells at the ends of rows, and rows, whose gradients are 0 may be left out.
  void add(const T* f, T* out, int64_t channels) const;

 private:
  struct Columns {
    int64_t begin, end;
  };
  int64_t h_, w_;
  std::vector<T> factors_;        // [9,h,w]
  std::vector<Columns> columns_;  // the columns of each row that have factors, [h]
};

}  // namespace boxseg
