#include "common/crf/buffer.h"

#include <sys/mman.h>

#include <new>

namespace boxseg::crf {
namespace {

constexpr size_t kLarge = size_t{1} << 16;
constexpr std::align_val_t kAlignment{64};

}  // namespace

void* take_memory(size_t bytes) {
  if (bytes < kLarge) return ::operator new(bytes, kAlignment);
  void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  return block;
}

void give_memory(void* block, size_t bytes) {
  if (bytes < kLarge)
    ::operator delete(block, kAlignment);
  else
    munmap(block, bytes);
}

}  // namespace boxseg::crf
