// Does work in groups whose size the compiler knows.
#pragma once
#include <cstdint>
#include <type_traits>

#include "common/simd/instruction_set.h"

namespace boxseg {

// Calls body.template operator()<Group>(first) for each whole group of `Most` items, and once for what is left of
// `count`.
template <int Most, class Body>
BOXSEG_INLINED void in_groups(int64_t count, const Body& body) {
  int64_t first = 0;
  for (; first + Most <= count; first += Most) body.template operator()<Most>(first);
  const auto rest = [&]<int Group>(const auto& self, std::integral_constant<int, Group>) BOXSEG_ALWAYS_INLINE -> void {
    if constexpr (Group > 0) {
      if (count - first == Group) return body.template operator()<Group>(first);
      self(self, std::integral_constant<int, Group - 1>());
    }
  };
  rest(rest, std::integral_constant<int, Most - 1>());
}

}  // namespace boxseg
