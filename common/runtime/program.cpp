#include "common/runtime/program.h"

#include <cstdio>
#include <filesystem>
#include <new>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/visible_text.h"
#include "common/runtime/cpu_check.h"
#include "common/runtime/equal_bits.h"
#include "common/runtime/heap.h"
#include "common/runtime/stack.h"

namespace boxseg {

int run_program(const char* program, int argc, char** argv, int (*body)(int, char**)) {
  // It has run already, before main(); the call makes the linker keep it.
  require_cpu();
  require_stack();
  keep_freed_memory();
  ask_for_equal_bits();
  end_when_interrupted();
  try {
    const int code = body(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "%s: standard output cannot be written: is the disk full, or was it closed?\n", program);
    return code != 0 ? code : static_cast<int>(ErrorKind::failed);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s: %s\n", program, printable(e.what()).c_str());
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: out of memory; use fewer --threads, or a machine with more\n", program);
  } catch (const std::filesystem::filesystem_error& e) {
    const std::string path = printable(e.path1().string()), reason = e.code().message();
    std::fprintf(stderr, "%s: %s: %s\n", program, path.c_str(), reason.c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: internal error: %s\n", program, printable(e.what()).c_str());
  }
  return static_cast<int>(ErrorKind::failed);
}

}  // namespace boxseg
