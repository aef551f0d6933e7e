// The small program in front of a stage. LibTorch takes half a second to load, with CUDA or from a cold disk some
// seconds, and all of it before main(). The front has none of it: it answers --help and a stage's wrong options at
// once, keeps the signals that come while LibTorch loads, and sees to a stack that is large enough to load it.
#pragma once

namespace boxseg {

// True when an INI file of the command line is a pipe, which can be read once only: the program behind has to read it.
bool has_piped_config(int argc, char** argv);

// Goes on as libexec/PROGRAM beside the folder of this program (in a bundle through libexec/beside_torch), with the
// same arguments, process id and files. Throws `failed` when that cannot be started, or not within a limit of memory.
[[noreturn]] void become(const char* program, int argc, char** argv);

}  // namespace boxseg
