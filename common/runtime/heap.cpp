#include "common/runtime/heap.h"

#include <malloc.h>

#include <cstdlib>  // setenv

namespace boxseg {

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // glibc takes no larger threshold
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
  setenv("THP_MEM_ALLOC_ENABLE", "1", 0);
}

}  // namespace boxseg
