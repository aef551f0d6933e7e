// 32 bytes of float or double at a time, for g++ and clang; the same code takes single numbers, for ends of rows.
#pragma once
#include <cstdint>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // without AVX these are passed otherwise, by all code alike

// From here to the end of the file or block, a product and its sum may be one instruction, as every matrix library has
// them. Elsewhere the build forbids it, so that results with golden bits are those of any compiler.
#if defined(__clang__)
#define BOXSEG_FUSE_PRODUCTS _Pragma("clang fp contract(fast)")
#else
#define BOXSEG_FUSE_PRODUCTS
#endif

namespace boxseg {

template <class T>
struct WideOf {
  typedef T type __attribute__((vector_size(32)));
};
template <class T>
using Wide = typename WideOf<T>::type;
template <class T>
inline constexpr int64_t kWideLanes = 32 / sizeof(T);

// V: Wide<T> or T.
template <class V, class T>
V load_wide(const T* from) {
  V value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T, class V>
void store_wide(T* to, const V& value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace boxseg
