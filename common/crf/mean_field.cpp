#include "common/crf/mean_field.h"

#include "common/crf/mean_field_kernel.h"

namespace boxseg::crf {

void update_beliefs(const BeliefUpdate& u, int64_t from, int64_t to, InstructionSet instructions) {
  with_vectors(instructions,
               [&]<int bytes>() BOXSEG_ALWAYS_INLINE { update_beliefs_in<bytes / int{sizeof(float)}>(u, from, to); });
}

}  // namespace boxseg::crf
