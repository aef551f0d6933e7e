// Tells whether a Python has the packages that a test needs: one that an earlier version set up, or that BOXSEG_PYTHON
// names, may lack some.
#pragma once
#include <cstdlib>
#include <string>

#include "common/base/error.h"
#include "common/base/text.h"
#include "tests/support/support.h"

namespace boxseg::test {

// Returns the first of `packages`, with blanks between them, that `python` lacks, "" where it has all. Throws where one
// is lacking and BOXSEG_REQUIRE_PYTHON is set.
inline std::string missing_package(const std::filesystem::path& python, const std::string& packages) {
  const auto asked = run_command(fmt::format(
      "'{}' -c 'import importlib.util as u, sys; print(*[p for p in sys.argv[1:] if not u.find_spec(p)][:1])' {}",
      python.string(), packages));
  if (asked.exit_code != 0) fail("{}: {}", python.string(), asked.err);
  const std::string missing(trim(asked.out));
  if (!missing.empty() && std::getenv("BOXSEG_REQUIRE_PYTHON") != nullptr)
    fail("{}: has no package {}, and BOXSEG_REQUIRE_PYTHON is set; run `make -f Makefile.pipeline setup-python`",
         python.string(), missing);
  return missing;
}

}  // namespace boxseg::test

// In a test that needs more than PyTorch:  PYTHON_WITH_OR_SKIP(python, "onnx onnxruntime");
#define PYTHON_WITH_OR_SKIP(name, packages)                                                                          \
  PYTHON_OR_SKIP(name);                                                                                              \
  if (const auto lacking = boxseg::test::missing_package(name, packages); !lacking.empty()) {                        \
    boxseg::test::skip("Python has no package " + lacking + "; `make -f Makefile.pipeline setup-python` brings it"); \
    return;                                                                                                          \
  }                                                                                                                  \
  static_assert(true)
