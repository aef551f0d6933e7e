#include "common/simd/instruction_set.h"

#include <cstdlib>
#include <string>

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("ATEN_CPU_CAPABILITY goes without AVX-512, as it does in LibTorch") {
  const char* const set = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string before = set == nullptr ? "" : set;
  unsetenv("ATEN_CPU_CAPABILITY");
  const InstructionSet best = instruction_set();
  for (const char* capability : {"avx2", "default"}) {
    setenv("ATEN_CPU_CAPABILITY", capability, 1);
    CHECK(instruction_set() == InstructionSet::kCompiled);
  }
  setenv("ATEN_CPU_CAPABILITY", "avx512", 1);
  CHECK(instruction_set() == best);
  if (set == nullptr)
    unsetenv("ATEN_CPU_CAPABILITY");
  else
    setenv("ATEN_CPU_CAPABILITY", before.c_str(), 1);
}
