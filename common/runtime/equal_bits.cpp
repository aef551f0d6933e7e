#include "common/runtime/equal_bits.h"

#include <stdlib.h>  // setenv

namespace boxseg {

void ask_for_equal_bits() {
#if defined(__x86_64__)
  // On other CPUs it is so anyway, and this would keep MKL from the instructions that they have.
  if (__builtin_cpu_is("intel")) setenv("MKL_CBWR", "AUTO,STRICT", 0);
#endif
}

}  // namespace boxseg
