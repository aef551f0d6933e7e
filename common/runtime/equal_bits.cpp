#include "common/runtime/equal_bits.h"

#include <cstdlib>  // setenv

namespace boxseg {

void ask_for_equal_bits() {
#if defined(__x86_64__)
  // Other CPUs give equal bits anyway, and there the variable would keep MKL from the instructions that they have.
  if (__builtin_cpu_is("intel")) setenv("MKL_CBWR", "AUTO,STRICT", 0);
#endif
}

}  // namespace boxseg
