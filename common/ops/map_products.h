// Multiplies some vectors with the feature map of one image, on the CPU: at some cells only where asked, and without a
// copy of any operand.
//
// f: features, [C,area] row-major; T is float or double. Sums are made in a fixed order; only that of
// products_at_channels() depends on the instruction set.
#pragma once
#include <cstdint>
#include <vector>

#include "common/ops/cell_runs.h"
#include "common/simd/aligned.h"
#include "common/simd/instruction_set.h"
#include "common/simd/read_ahead.h"

namespace boxseg {

// Holds rows of a map at some cells alone, one after another, with zeros up to a whole vector. Inner loops go over such
// rows, since loops over short runs cost more than the copy.
template <class T>
class PackedRows {
 public:
  PackedRows(const CellRuns& cells, int64_t area, int64_t most_rows, InstructionSet instructions = instruction_set());
  void pack(const T* from, int64_t rows);  // from: [rows,area]
  int64_t length() const { return length_; }
  int64_t area() const { return area_; }
  const CellRuns& cells() const { return cells_; }
  const T* row(int64_t r) const { return values_.data() + r * length_; }
  InstructionSet instructions() const { return instructions_; }

 private:
  InstructionSet instructions_;
  CellRuns cells_;
  int64_t area_, length_ = 0;
  AlignedVector<T> values_;
};

// Computes out[r,cell] = sum_c a[r,c] f[c,cell] at the cells of `cells`, in pieces of channels, for callers that make
// `a` while they go through the channels. The bits are the same for all pieces, as long as all but the last have a
// multiple of kChannelsTogether channels.
template <class T>
class CellProducts {
 public:
  static constexpr int64_t kChannelsTogether = 32;
  CellProducts(int64_t rows, const CellRuns& cells, int64_t area, InstructionSet instructions = instruction_set());
  // Adds the next channels. `a` stands at the first of them, with rows `stride` apart; f: [channels,area]. `ahead` is
  // asked for meanwhile.
  void add(const T* a, int64_t stride, const T* f, int64_t channels, ReadAhead ahead = {});
  // Writes [rows,area] at the cells, and leaves the others as they are.
  void write(T* out) const;

 private:
  template <int bytes>
  void add_with(const T* a, int64_t stride, const T* f, int64_t channels, ReadAhead& ahead);
  template <int bytes, int Count>
  void add_at(const T* a, int64_t stride, int64_t count, int64_t cell, ReadAhead& ahead);  // at Count vectors of cells
  int64_t rows_;
  PackedRows<T> features_;
  AlignedVector<T> sums_;
};

// Computes out[r,c] = sum_cell g[r,cell] f[c,cell] over the cells of g, for channels first .. last - 1. out: [rows,C].
template <class T>
void products_at_channels(const PackedRows<T>& g, int64_t rows, const T* f, int64_t channels, int64_t first,
                          int64_t last, T* out);

// Computes out[i,cell] += sum_r a[r,first+i] m[r,cell] at the cells of `cells`, for channels first .. last - 1. a:
// [rows,C], m: [rows,area], out: [last - first,area]. `ahead` is asked for meanwhile.
template <class T>
void add_outer_products(const T* a, const T* m, int64_t rows, int64_t channels, int64_t area, const CellRuns& cells,
                        int64_t first, int64_t last, T* out, ReadAhead ahead = {},
                        InstructionSet instructions = instruction_set());

}  // namespace boxseg
