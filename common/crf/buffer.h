// Keeps memory between images: it grows, never shrinks by itself, and is not cleared.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace boxseg::crf {

// Take and give back memory on cache lines. Large blocks come from the system and go back to it, so that images of
// growing sizes leave no holes in a heap that keeps what is freed. take_memory() throws bad_alloc.
void* take_memory(size_t bytes);
void give_memory(void* block, size_t bytes);

// This is an uninitialised array of trivial elements, aligned to a cache line.
template <class T>
class Buffer {
 public:
  // Makes room for at least `size` elements; what was in it is lost when it has to grow. It grows by a quarter more
  // than is asked for: the system gives memory only to pages that are written to, and takes its time for each, so that
  // images which need a little more, one after the other, do not pay for all pages again.
  T* reserve(int64_t size) {
    if (size > capacity_) {
      release();  // gives back first and asks then, so that both never exist at once
      capacity_ = size + size / 4;
      const size_t bytes = static_cast<size_t>(capacity_) * sizeof(T);
      data_ = {static_cast<T*>(take_memory(bytes)), Free{bytes}};
    }
    most_ = std::max(most_, size);
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](int64_t i) { return data_.get()[i]; }
  const T& operator[](int64_t i) const { return data_.get()[i]; }
  // Returns the bytes of the most elements that were asked for; the slack is not counted.
  int64_t bytes() const { return most_ * static_cast<int64_t>(sizeof(T)); }
  void release() {
    data_.reset();
    capacity_ = most_ = 0;
  }

 private:
  struct Free {
    size_t bytes = 0;
    void operator()(T* p) const { give_memory(p, bytes); }
  };
  std::unique_ptr<T, Free> data_;
  int64_t capacity_ = 0, most_ = 0;
};

}  // namespace boxseg::crf
