// Vector instructions beyond those that the whole program is compiled for (BOXSEG_ARCH). A loop that gains from them is
// compiled a second time, in a function marked BOXSEG_AVX512, which is called where the CPU has them.
//
// All that such a function calls must be inlined into it: what is compiled for other instructions passes wide vectors in
// other registers. Templates over the number of lanes, marked BOXSEG_INLINED, are written once for both.
#pragma once

#if defined(__x86_64__)
#define BOXSEG_AVX512 __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))  // those of x86-64-v4
#endif
#define BOXSEG_ALWAYS_INLINE __attribute__((always_inline))  // of a lambda
#define BOXSEG_INLINED inline BOXSEG_ALWAYS_INLINE

namespace boxseg {

enum class InstructionSet { kCompiled, kAvx512 };

// The best of this CPU. ATEN_CPU_CAPABILITY=avx2 or =default goes without AVX-512, as in LibTorch.
InstructionSet instruction_set();

}  // namespace boxseg
