#include "common/runtime/cpu_check.h"

#if defined(BOXSEG_NEEDS_AVX2)
#include <unistd.h>

#include <cstring>
#endif

namespace boxseg {

// Runs before the constructors of static objects, which may use such instructions. Hence it calls no library but the
// system's.
__attribute__((constructor(101))) void require_cpu() {
#if defined(BOXSEG_NEEDS_AVX2)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return;
  constexpr char kMessage[] =
      "boxseg: this CPU has no AVX2, FMA or BMI2 (Intel since Haswell, AMD since Excavator), for which this program "
      "was built; use another machine, or build again for this one: cmake -DBOXSEG_ARCH= build/cpu && make -f "
      "Makefile.pipeline build\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage, std::strlen(kMessage));
  _exit(1);
#endif
}

}  // namespace boxseg
