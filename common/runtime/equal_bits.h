// Libraries whose results would otherwise depend on the number of threads.
#pragma once

namespace boxseg {

// Matrix products of MKL, which LibTorch calls, have the same bits on any number of threads (its variable MKL_CBWR, if
// that is not set); a training step takes no longer. Call it once, at a program's start.
void ask_for_equal_bits();

}  // namespace boxseg
