// Memory that is kept between images: grows, never shrinks by itself, and is not cleared.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace boxseg::crf {

// An uninitialised array of trivial elements, aligned to a cache line.
template <class T>
class Buffer {
 public:
  // At least `size` elements; what was in it is lost when it has to grow.
  T* reserve(int64_t size) {
    if (size > capacity_) {
      data_.reset();  // first give back, then ask: never both at once
      capacity_ = 0;
      data_.reset(static_cast<T*>(::operator new(static_cast<size_t>(size) * sizeof(T), kAlignment)));
      capacity_ = size;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](int64_t i) { return data_.get()[i]; }
  const T& operator[](int64_t i) const { return data_.get()[i]; }
  int64_t bytes() const { return capacity_ * static_cast<int64_t>(sizeof(T)); }
  void release() {
    data_.reset();
    capacity_ = 0;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<T, Free> data_;
  int64_t capacity_ = 0;
};

}  // namespace boxseg::crf
