#include "common/crf/mean_field.h"

#include "common/crf/mean_field_kernel.h"

namespace boxseg::crf {
namespace {

#if defined(BOXSEG_AVX512)
BOXSEG_AVX512 void update_with_avx512(const BeliefUpdate& u, int64_t from, int64_t to) { update_beliefs_in<16>(u, from, to); }
#endif

}  // namespace

void update_beliefs(const BeliefUpdate& u, int64_t from, int64_t to, InstructionSet instructions) {
#if defined(BOXSEG_AVX512)
  if (instructions == InstructionSet::kAvx512) return update_with_avx512(u, from, to);
#endif
  update_beliefs_in<8>(u, from, to);
}

}  // namespace boxseg::crf
