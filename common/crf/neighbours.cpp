#include "common/crf/neighbours.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/runtime/parallel.h"

namespace boxseg::crf {

// Finds the neighbours between class r and the class below it along an axis, by merging their two ascending lists.
struct Neighbours::Merge {
  const uint64_t *keys, *below_keys;
  int64_t size, below_size;
  uint64_t step;
  uint16_t *next, *below_before;  // every second number is written
  Block *blocks, *below_blocks;   // of class r, and of the class below
  int64_t i = 0, k = 0;
  int64_t i_end = 0, k_end = 0;    // where the blocks end in which i and k are
  int64_t i_base = 0, k_base = 0;  // a k and an i, from which distances in these blocks count
  int64_t farthest_next = 0, farthest_before = 0;

  bool is_running() const { return i < i_end && k < k_end; }
  void advance() {  // has no branches; what is stored last for an i or k stays
    const uint64_t x = keys[i] + step, y = below_keys[k];
    const bool meet = x == y;
    const int64_t to_next = k - i_base, to_before = i - k_base;
    next[i * 2] = meet ? static_cast<uint16_t>(to_next) : kNone<uint16_t>;
    below_before[k * 2] = meet ? static_cast<uint16_t>(to_before) : kNone<uint16_t>;
    farthest_next = meet ? to_next : farthest_next;  // distances ascend, so the last is the farthest
    farthest_before = meet ? to_before : farthest_before;
    i += x <= y;
    k += y <= x;
  }
  // Enters the next block of either side; returns false at the end of the lists.
  bool enter() {
    if (i == i_end) {
      leave_block();
      if (i == size) return false;
      i_end = std::min(i + kBlock, size);
      i_base = k;
      blocks[i / kBlock].below = static_cast<uint32_t>(k);
      farthest_next = 0;
    }
    if (k == k_end) {
      leave_below_block();
      if (k == below_size) return false;
      k_end = std::min(k + kBlock, below_size);
      k_base = i;
      below_blocks[k / kBlock].above = static_cast<uint32_t>(i);
      farthest_before = 0;
    }
    return true;
  }
  void leave_block() {
    if (i_end > 0 && farthest_next >= kNone<uint16_t>) blocks[(i_end - 1) / kBlock].is_below_far = true;
  }
  void leave_below_block() {
    if (k_end > 0 && farthest_before >= kNone<uint16_t>) below_blocks[(k_end - 1) / kBlock].is_above_far = true;
  }
  void finish() {
    while (enter())
      while (is_running()) advance();
    leave_block();
    leave_below_block();
    for (; i < size; ++i) next[i * 2] = kNone<uint16_t>;
    for (; k < below_size; ++k) below_before[k * 2] = kNone<uint16_t>;
  }
};

// Merges along three axes at a time: each merge waits for its own comparisons, and the others fill the gaps.
void Neighbours::merge(const std::vector<std::span<const uint64_t>>& keys,
                       const std::vector<std::vector<uint64_t>>& steps, size_t r, size_t first_axis) {
  const size_t below = below_of(r);
  const auto along = [&](size_t axis) {
    const int64_t a = static_cast<int64_t>(axis);
    uint16_t* pairs = pairs_.data() + a * class_begin_.back() * 2;
    Block* of_axis = blocks_.data() + a * blocks();
    return Merge{keys[r].data(),
                 keys[below].data(),
                 class_begin_[r + 1] - class_begin_[r],
                 class_begin_[below + 1] - class_begin_[below],
                 steps[r][axis],
                 pairs + class_begin_[r] * 2,
                 pairs + class_begin_[below] * 2 + 1,
                 of_axis + block_begin_[r],
                 of_axis + block_begin_[below]};
  };
  Merge x = along(first_axis), y = along(first_axis + 1), z = along(first_axis + 2);
  while (x.enter() && y.enter() && z.enter())
    while (x.is_running() && y.is_running() && z.is_running()) {
      x.advance();
      y.advance();
      z.advance();
    }
  x.finish();
  y.finish();
  z.finish();
}

// Stores numbers instead of distances for one block.
void Neighbours::widen(const std::vector<std::span<const uint64_t>>& keys,
                       const std::vector<std::vector<uint64_t>>& steps, size_t r, size_t axis, int64_t block_in_class) {
  const size_t below = below_of(r), above = above_of(r);
  Block& block = blocks_[axis * static_cast<size_t>(blocks()) + static_cast<size_t>(block_begin_[r] + block_in_class)];
  ensure(wide_.size() < UINT32_MAX - 2 * kBlock, "CRF: too many far neighbours");
  block.wide_at = static_cast<uint32_t>(wide_.size());
  const auto number_of = [](std::span<const uint64_t> among, uint64_t key) {
    const auto at = std::lower_bound(among.begin(), among.end(), key);
    return at != among.end() && *at == key ? static_cast<uint32_t>(at - among.begin()) : kNone<uint32_t>;
  };
  const auto first = static_cast<size_t>(block_in_class * kBlock);
  for (const uint64_t key : keys[r].subspan(first, std::min<size_t>(kBlock, keys[r].size() - first))) {
    wide_.push_back(number_of(keys[below], key + steps[r][axis]));
    wide_.push_back(number_of(keys[above], key - steps[above][axis]));
  }
}

void Neighbours::find(const std::vector<std::span<const uint64_t>>& keys,
                      const std::vector<std::vector<uint64_t>>& steps, int threads) {
  const size_t axes = steps[0].size();
  ensure(keys.size() % 3 == 0 && axes == keys.size(), "neighbours of {} classes along {} axes", keys.size(), axes);
  class_begin_.assign(1, 0);
  block_begin_.assign(1, 0);
  for (const auto& of_class : keys) {
    const auto size = static_cast<int64_t>(of_class.size());
    class_begin_.push_back(class_begin_.back() + size);
    block_begin_.push_back(block_begin_.back() + (size + kBlock - 1) / kBlock);
  }
  blocks_.assign(axes * static_cast<size_t>(blocks()), Block());
  wide_.clear();
  pairs_.reserve(static_cast<int64_t>(axes) * class_begin_.back() * 2);
  const auto thirds = static_cast<int64_t>(axes / 3), tasks = static_cast<int64_t>(keys.size()) * thirds;
  parallel_for(tasks, 1, threads, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      merge(keys, steps, static_cast<size_t>(i / thirds), static_cast<size_t>(i % thirds) * 3);
  });
  for (size_t axis = 0; axis < axes; ++axis)
    for (size_t r = 0; r < keys.size(); ++r)
      for (int64_t b = 0; b < block_begin_[r + 1] - block_begin_[r]; ++b)
        if (blocks_[axis * static_cast<size_t>(blocks()) + static_cast<size_t>(block_begin_[r] + b)].is_wide())
          widen(keys, steps, r, axis, b);
}

int64_t Neighbours::bytes() const {
  return pairs_.bytes() +
         static_cast<int64_t>(blocks_.capacity() * sizeof(Block) + wide_.capacity() * sizeof(uint32_t));
}

int64_t neighbour_bytes(int axes, int64_t vertices) { return vertices * axes * 4 + vertices * axes / 16; }

}  // namespace boxseg::crf
