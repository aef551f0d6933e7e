#include "common/simd/instruction_set.h"

#include <cstdlib>
#include <string_view>

namespace boxseg {
namespace {

bool has_avx512() {
#if defined(BOXSEG_AVX512)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace

InstructionSet instruction_set() {
  const char* const capability = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view asked = capability == nullptr ? "" : capability;
  return has_avx512() && asked != "avx2" && asked != "default" ? InstructionSet::kAvx512 : InstructionSet::kCompiled;
}

}  // namespace boxseg
