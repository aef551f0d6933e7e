// Loops that gain from vector instructions beyond those that the whole program is compiled for (BOXSEG_ARCH) are
// compiled a second time, in a function marked BOXSEG_AVX512, which is called where the CPU has them.
//
// All that such a function calls must be inlined into it: what is compiled for other instructions passes wide vectors
// in other registers. Templates over the number of lanes, marked BOXSEG_INLINED, are written once for both.
#pragma once

#if defined(__x86_64__)
// These are the instructions of x86-64-v4.
#define BOXSEG_AVX512 __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#endif
#define BOXSEG_ALWAYS_INLINE __attribute__((always_inline))  // stands behind a lambda's parameters
#define BOXSEG_INLINED inline BOXSEG_ALWAYS_INLINE

// From here to the end of the file or block, a product and its sum may be one instruction, as in every matrix library.
// Elsewhere the build forbids it, so that results with golden bits are the same with any compiler.
#if defined(__clang__)
#define BOXSEG_FUSE_PRODUCTS _Pragma("clang fp contract(fast)")
#else
#define BOXSEG_FUSE_PRODUCTS
#endif

namespace boxseg {

enum class InstructionSet { kCompiled, kAvx512 };

// Returns the best set of this CPU. ATEN_CPU_CAPABILITY=avx2 or =default goes without AVX-512, as in LibTorch.
InstructionSet instruction_set();

inline constexpr int kVectorBytes = 32, kWidestVectorBytes = 64;  // as compiled, and with AVX-512

#if defined(BOXSEG_AVX512)
template <class Work>
BOXSEG_AVX512 void call_with_avx512(const Work& work) {
  work.template operator()<kWidestVectorBytes>();
}
#endif

// Calls work.template operator()<bytes>(), compiled for vectors of that many bytes. `work` is a lambda that is marked
// BOXSEG_ALWAYS_INLINE, as all that it calls with vectors must be.
template <class Work>
void with_vectors(InstructionSet instructions, const Work& work) {
#if defined(BOXSEG_AVX512)
  if (instructions == InstructionSet::kAvx512) return call_with_avx512(work);
#endif
  work.template operator()<kVectorBytes>();
}

}  // namespace boxseg
