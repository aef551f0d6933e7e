#pragma once

namespace boxseg {

// Ends the program with a message, and exit code 1, on a CPU that lacks what the default BOXSEG_ARCH, x86-64-v3, needs:
// AVX2, FMA and BMI2. It runs by itself before anything else in a program that links it, and is compiled for any
// x86-64.
void require_cpu();

}  // namespace boxseg
