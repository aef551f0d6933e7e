// Knows who is whose neighbour among the vertices of a permutohedral lattice, along each of its axes.
//
// Vertices are numbered class after class (by remainder) and, within a class, by key; a step along an axis leads from
// each class into the one below it (from the first into the last) and adds a constant to keys. Neighbours of ascending
// vertices therefore ascend, too: in blocks of vertices they are kept as 16-bit distances from the first of them, half
// of what numbers take. Where a block's neighbours lie further apart, it has numbers.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "common/crf/buffer.h"

namespace boxseg::crf {

class Neighbours {
 public:
  static constexpr int64_t kBlock = 256;  // vertices in a block; the last block of a class may have fewer

  // keys[r] holds the keys of class r, ascending. steps[r][axis] is what a step out of class r adds.
  void find(const std::vector<std::span<const uint64_t>>& keys, const std::vector<std::vector<uint64_t>>& steps,
            int threads);

  int64_t blocks() const { return static_cast<int64_t>(block_begin_.back()); }

  // This is the value that stands for "none" among neighbours, which visit()'s body meets.
  template <class Distance>
  static constexpr Distance kNone = static_cast<Distance>(-1);

  // Calls body(first, count, below, above, pairs): vertices first .. first + count - 1 have as neighbours, along the
  // axis, the vertices below + pairs[2 i] and above + pairs[2 i + 1], in the class below and the class above.
  template <class Body>
  void visit(int axis, int64_t block, const Body& body) const {
    size_t r = 0;
    while (block >= block_begin_[r + 1]) ++r;
    const Block& b = blocks_[static_cast<size_t>(axis * blocks() + block)];
    const int64_t first = class_begin_[r] + (block - block_begin_[r]) * kBlock;
    const int64_t count = first + kBlock < class_begin_[r + 1] ? kBlock : class_begin_[r + 1] - first;
    const int64_t below = class_begin_[below_of(r)], above = class_begin_[above_of(r)];
    if (b.is_wide())
      body(first, count, below, above, wide_.data() + b.wide_at);
    else
      body(first, count, below + b.below, above + b.above, pairs_.data() + (axis * class_begin_.back() + first) * 2);
  }

  int64_t bytes() const;

 private:
  struct Block {
    uint32_t below = 0, above = 0;  // where the distances to either side count from
    bool is_below_far = false, is_above_far = false;
    uint32_t wide_at = 0;
    bool is_wide() const { return is_below_far || is_above_far; }
  };
  struct Merge;
  size_t classes() const { return class_begin_.size() - 1; }
  size_t below_of(size_t r) const { return r == 0 ? classes() - 1 : r - 1; }
  size_t above_of(size_t r) const { return r + 1 == classes() ? 0 : r + 1; }
  void merge(const std::vector<std::span<const uint64_t>>& keys, const std::vector<std::vector<uint64_t>>& steps,
             size_t r, size_t first_axis);
  void widen(const std::vector<std::span<const uint64_t>>& keys, const std::vector<std::vector<uint64_t>>& steps,
             size_t r, size_t axis, int64_t block_in_class);

  std::vector<int64_t> class_begin_{0}, block_begin_{0};  // of each class; the last number is the sum
  std::vector<Block> blocks_;                             // [axes, blocks]
  Buffer<uint16_t> pairs_;                                // [axes, M, 2]
  std::vector<uint32_t> wide_;                            // pairs of the blocks that need it
};

int64_t neighbour_bytes(int axes, int64_t vertices);  // returns the bytes but for those of wide blocks

}  // namespace boxseg::crf
