// Holds what every test program shares.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace boxseg::test {

// Return the folder of the project's files that tests read (data, tests), and that of the programs. In a bundle, which
// tests recognise by its bundle.txt beside them, both are the bundle's, so it may be unpacked anywhere.
std::string source_dir();
std::string bin_dir();

// Returns ../shared beside the project, or BOXSEG_SHARED; nullopt in a user's clone (an error when
// BOXSEG_REQUIRE_SHARED is set, as CI does where the data are known to be there).
std::optional<std::filesystem::path> shared_dir();

// Returns a Python with PyTorch, TensorBoard, NumPy and pillow, as `setup-python` makes it, or the interpreter that
// BOXSEG_PYTHON names; nullopt where neither is (an error when BOXSEG_REQUIRE_PYTHON is set, as in CI).
std::optional<std::filesystem::path> python();

// Reports a skip with its reason; skips are counted and printed when the program ends.
void skip(const std::string& reason);

// Whether AddressSanitizer watches (the target `sanitize`): it takes terabytes of addresses, and no program starts
// within a limit on these.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kHasAddressSanitizer = true;
#elif defined(__has_feature)
inline constexpr bool kHasAddressSanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool kHasAddressSanitizer = false;
#endif

// This is a folder of its own for the running test, removed at the end (kept when BOXSEG_KEEP=1).
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Counts the temporary files of writers below a folder: none, once they are done.
int temporary_files_in(const std::filesystem::path& folder);

struct CommandResult {
  int exit_code = 0;  // 128 + signal when killed
  std::string out, err;
};
// Returns what tests/support/fingerprints.txt has for a name: "FINGERPRINT DIGEST", or the fingerprint alone.
std::string recorded_results(const std::string& name);

CommandResult run_command(const std::string& shell_command);  // through /bin/sh

}  // namespace boxseg::test

#define BOXSEG_SOURCE_DIR boxseg::test::source_dir()
#define BOXSEG_BIN_DIR boxseg::test::bin_dir()

// In a test that needs shared data:  SHARED_OR_SKIP(shared);  then shared / "golden/crf.h5".
#define SHARED_OR_SKIP(name)                                 \
  const auto name##_found = boxseg::test::shared_dir();      \
  if (!name##_found) {                                       \
    boxseg::test::skip("no shared data beside the project"); \
    return;                                                  \
  }                                                          \
  const std::filesystem::path& name = *name##_found

// In a test that needs Python's packages:  PYTHON_OR_SKIP(python);
#define PYTHON_OR_SKIP(name)                                                                            \
  const auto name##_found = boxseg::test::python();                                                     \
  if (!name##_found) {                                                                                  \
    boxseg::test::skip("no Python with PyTorch; `make -f Makefile.pipeline setup-python` sets one up"); \
    return;                                                                                             \
  }                                                                                                     \
  const std::filesystem::path& name = *name##_found
