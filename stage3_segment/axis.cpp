#include "stage3_segment/axis.h"

#include <algorithm>

#include "common/base/error.h"

namespace boxseg {

template <class T>
Axis<T>::Axis(int64_t cells, int64_t positions, bool align_corners) {
  ensure(cells >= 1 && positions >= 1, "interpolation from {} cells to {} positions", cells, positions);
  // T decides here, as in LibTorch: float32 positions decide which cell a pixel on a boundary belongs to.
  const T step = !align_corners  ? static_cast<T>(cells) / static_cast<T>(positions)
                 : positions > 1 ? static_cast<T>(cells - 1) / static_cast<T>(positions - 1)
                                 : T(0);
  first.assign(static_cast<size_t>(cells), static_cast<int32_t>(positions));
  end.assign(static_cast<size_t>(cells), 0);
  const auto touch = [this](int64_t cell, int64_t position) {
    first[static_cast<size_t>(cell)] = std::min(first[static_cast<size_t>(cell)], static_cast<int32_t>(position));
    end[static_cast<size_t>(cell)] = std::max(end[static_cast<size_t>(cell)], static_cast<int32_t>(position + 1));
  };
  for (int64_t p = 0; p < positions; ++p) {
    const T at =
        align_corners ? step * static_cast<T>(p) : std::max(step * (static_cast<T>(p) + T(0.5)) - T(0.5), T(0));
    const int64_t lower = std::min(static_cast<int64_t>(at), cells - 1);
    index.push_back(static_cast<int32_t>(lower));
    // On the last cell there is no second one: its weight would only scale the same value.
    weight.push_back(lower + 1 < cells ? std::min(at - static_cast<T>(lower), T(1)) : T(0));
    touch(lower, p);
    if (lower + 1 < cells && weight.back() > 0) touch(lower + 1, p);
  }
  // Cells that no position needs get an empty range.
  for (size_t c = 0; c < first.size(); ++c) first[c] = std::min(first[c], end[c]);
}

template struct Axis<float>;
template struct Axis<double>;

}  // namespace boxseg
