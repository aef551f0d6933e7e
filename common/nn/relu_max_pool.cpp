#include "common/nn/relu_max_pool.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "common/base/error.h"
#include "common/nn/torch_pool.h"

namespace boxseg {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr uint8_t kNowhere = 9;  // code of a window without a positive value; others: 3 * row + column
constexpr int64_t kPlanes = 8;   // of one piece of work

struct PlaneSize {
  int64_t h, w, stride;
  int64_t out_h() const { return (h - 1) / stride + 1; }
  int64_t out_w() const { return (w - 1) / stride + 1; }
};

// A window's largest value so far and where it stands; as wide as the values, so that the compiler can take many at
// once.
template <class T>
using Code = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

template <class T>
void take_larger(T value, Code<T> code, T& best, Code<T>& best_code) {
  const bool is_larger = (value > best) | (value != value);  // not a number is passed on, as LibTorch does
  best = is_larger ? value : best;
  best_code = is_larger ? code : best_code;
}

// The best of each window's three columns in one row of the input.
template <class T>
struct RowBest {
  std::vector<T> value;
  std::vector<Code<T>> column;
};

template <class T>
class PlanePool {
 public:
  explicit PlanePool(PlaneSize size) : size_(size), even_(static_cast<size_t>(size.w) + 3), odd_(even_.size()) {
    for (RowBest<T>& row : rows_) {
      row.value.resize(static_cast<size_t>(size.out_w()));
      row.column.resize(row.value.size());
    }
  }

  void run(const T* in, T* out, uint8_t* codes) {
    for (int64_t y = 0, done = 0; y < size_.out_h(); ++y) {
      const int64_t first = std::max<int64_t>(0, y * size_.stride - 1),
                    last = std::min(size_.h - 1, y * size_.stride + 1);
      for (done = std::max(done, first); done <= last; ++done) find_best_columns(in + done * size_.w, rows_[done % 3]);
      find_best_rows(first, last, y * size_.stride - 1, out + y * size_.out_w(), codes + y * size_.out_w());
    }
  }

 private:
  // Window x covers columns stride * x - 1 to + 1; beyond the row lies minus infinity.
  void find_best_columns(const T* row, RowBest<T>& best) {
    constexpr T kOutside = -std::numeric_limits<T>::infinity();
    const int64_t w = size_.w, out_w = size_.out_w();
    const T *left, *middle, *right;
    if (size_.stride == 1) {
      even_[0] = even_[static_cast<size_t>(w) + 1] = kOutside;
      std::copy_n(row, w, even_.data() + 1);
      left = even_.data(), middle = left + 1, right = left + 2;
    } else {  // every second column: odd ones lie left and right of a window's middle
      odd_[0] = kOutside;
      for (int64_t x = 0; x < w / 2; ++x) even_[x] = row[2 * x], odd_[x + 1] = row[2 * x + 1];
      if (w % 2 != 0) even_[w / 2] = row[w - 1], odd_[w / 2 + 1] = kOutside;
      left = odd_.data(), middle = even_.data(), right = left + 1;
    }
    T* value = best.value.data();
    Code<T>* column = best.column.data();
    for (int64_t x = 0; x < out_w; ++x) {
      T v = left[x];
      Code<T> c = 0;
      take_larger<T>(middle[x], 1, v, c);
      take_larger<T>(right[x], 2, v, c);
      value[x] = v, column[x] = c;
    }
  }

  // Of input rows first .. last, where row `origin` would be the window's row 0.
  void find_best_rows(int64_t first, int64_t last, int64_t origin, T* out, uint8_t* codes) {
    const int64_t out_w = size_.out_w();
    values_.assign(rows_[first % 3].value.begin(), rows_[first % 3].value.end());
    codes_.resize(values_.size());
    for (int64_t x = 0; x < out_w; ++x)
      codes_[x] = rows_[first % 3].column[x] + static_cast<Code<T>>(3 * (first - origin));
    for (int64_t y = first + 1; y <= last; ++y) {
      const T* value = rows_[y % 3].value.data();
      const Code<T>* column = rows_[y % 3].column.data();
      const auto row_code = static_cast<Code<T>>(3 * (y - origin));
      T* best = values_.data();
      Code<T>* code = codes_.data();
      for (int64_t x = 0; x < out_w; ++x) {
        T v = best[x];
        Code<T> c = code[x];
        take_larger<T>(value[x], column[x] + row_code, v, c);
        best[x] = v, code[x] = c;
      }
    }
    for (int64_t x = 0; x < out_w; ++x) {
      const bool is_cut = values_[x] <= 0;
      out[x] = is_cut ? T(0) : values_[x];
      codes[x] = static_cast<uint8_t>(is_cut ? kNowhere : codes_[x]);
    }
  }

  PlaneSize size_;
  std::vector<T> even_, odd_, values_;
  std::vector<Code<T>> codes_;
  RowBest<T> rows_[3];
};

template <class T>
void spread_plane(PlaneSize size, const T* grad_out, const uint8_t* codes, T* grad_in) {
  std::fill_n(grad_in, size.h * size.w, T(0));
  int64_t offset[kNowhere + 1] = {};
  for (int64_t k = 0; k < kNowhere; ++k) offset[k] = (k / 3 - 1) * size.w + k % 3 - 1;
  for (int64_t y = 0; y < size.out_h(); ++y)
    for (int64_t x = 0; x < size.out_w(); ++x, ++grad_out, ++codes)
      grad_in[y * size.stride * size.w + x * size.stride + offset[*codes]] += *codes == kNowhere ? T(0) : *grad_out;
}

struct ReluMaxPool : torch::autograd::Function<ReluMaxPool> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, int64_t stride) {
    const at::Tensor x = given.contiguous();
    const PlaneSize size{x.size(2), x.size(3), stride};
    const int64_t planes = x.size(0) * x.size(1), area = size.h * size.w, out_area = size.out_h() * size.out_w();
    const at::Tensor out = at::empty({x.size(0), x.size(1), size.out_h(), size.out_w()}, x.options());
    const at::Tensor codes = at::empty(out.sizes(), x.options().dtype(at::kByte));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "relu_max_pool", [&] {
      for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
        PlanePool<scalar_t> pool(size);
        for (int64_t p = first; p < end; ++p)
          pool.run(x.const_data_ptr<scalar_t>() + p * area, out.mutable_data_ptr<scalar_t>() + p * out_area,
                   codes.mutable_data_ptr<uint8_t>() + p * out_area);
      });
    });
    context->save_for_backward({codes});
    context->saved_data["size"] = std::vector<int64_t>{size.h, size.w, stride};
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& from) {
    const at::Tensor codes = context->get_saved_variables()[0], grad_out = from[0].contiguous();
    const std::vector<int64_t> s = context->saved_data["size"].toIntVector();
    const PlaneSize size{s[0], s[1], s[2]};
    const int64_t planes = codes.size(0) * codes.size(1), area = size.h * size.w,
                  out_area = size.out_h() * size.out_w();
    const at::Tensor grad_in = at::empty({codes.size(0), codes.size(1), size.h, size.w}, grad_out.options());
    AT_DISPATCH_FLOATING_TYPES(grad_out.scalar_type(), "relu_max_pool_backward", [&] {
      for_ranges_in_torch_pool(planes, kPlanes, [&](int64_t first, int64_t end) {
        for (int64_t p = first; p < end; ++p)
          spread_plane(size, grad_out.const_data_ptr<scalar_t>() + p * out_area,
                       codes.const_data_ptr<uint8_t>() + p * out_area, grad_in.mutable_data_ptr<scalar_t>() + p * area);
      });
    });
    return {grad_in, at::Tensor()};
  }
};

}  // namespace

at::Tensor relu_max_pool(const at::Tensor& x, int64_t stride) {
  ensure(x.dim() == 4 && (stride == 1 || stride == 2), "relu_max_pool: {} dimensions, stride {}", x.dim(), stride);
  if (x.is_cpu()) return ReluMaxPool::apply(x, stride);
  return at::max_pool2d(at::relu(x), {3, 3}, {stride, stride}, {1, 1});
}

}  // namespace boxseg
