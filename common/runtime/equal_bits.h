// Asks libraries for results that do not depend on the number of threads.
#pragma once

namespace boxseg {

// Makes the matrix products of MKL, which LibTorch calls, have the same bits on any number of threads, by MKL's
// variable MKL_CBWR if that is not set. A training step takes no longer. Call it once, at a program's start.
void ask_for_equal_bits();

}  // namespace boxseg
