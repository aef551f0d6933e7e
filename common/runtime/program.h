// Does what every program does around its own work.
#pragma once

namespace boxseg {

// Holds the one try/catch of a program. It runs `body`, prints what escaped as "PROGRAM: message" on stderr and returns
// the exit code. Unknown exceptions count as `failed`.
int run_program(const char* program, int argc, char** argv, int (*body)(int argc, char** argv));

}  // namespace boxseg
