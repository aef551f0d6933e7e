#include "tests/support/support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/runtime/equal_bits.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/interfaces/catch_interfaces_capture.hpp>
#else
#define CATCH_CONFIG_RUNNER
#endif
#include "tests/support/catch.h"

namespace boxseg::test {
namespace {

int g_skipped = 0;

// Returns the bundle that this program lies in (BUNDLE/tests/test_nn, or BUNDLE/libexec/test_nn), or nothing.
std::optional<fs::path> own_bundle() {
  std::error_code error;
  const fs::path root = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  if (error || !fs::exists(root / "bundle.txt")) return std::nullopt;
  return root;
}

}  // namespace

std::string source_dir() {
  const auto bundle = own_bundle();
  return bundle ? bundle->string() : BOXSEG_BUILT_FROM;
}

std::string bin_dir() {
  const auto bundle = own_bundle();
  return bundle ? (*bundle / "bin").string() : BOXSEG_BUILT_INTO;
}

std::optional<fs::path> shared_dir() {
  if (const char* named = std::getenv("BOXSEG_SHARED"); named != nullptr && *named != '\0') {
    if (!fs::is_directory(named)) fail("BOXSEG_SHARED={}: no such folder", named);
    return fs::absolute(named);
  }
  const fs::path beside = fs::path(BOXSEG_SOURCE_DIR).parent_path() / "shared";
  if (fs::is_directory(beside / "golden")) return beside;
  if (std::getenv("BOXSEG_REQUIRE_SHARED") != nullptr)
    fail("{}: no such folder, and BOXSEG_REQUIRE_SHARED is set; tests with golden data may not be skipped",
         beside.string());
  return std::nullopt;
}

std::optional<fs::path> python() {
  if (const char* named = std::getenv("BOXSEG_PYTHON"); named != nullptr && *named != '\0') return named;
  const fs::path made = fs::path(BOXSEG_SOURCE_DIR) / ".deps/python/python3";
  if (fs::exists(made)) return made;
  if (std::getenv("BOXSEG_REQUIRE_PYTHON") != nullptr)
    fail("{}: not there, and BOXSEG_REQUIRE_PYTHON is set; run `make -f Makefile.pipeline setup-python`",
         made.string());
  return std::nullopt;
}

void skip(const std::string& reason) {
  ++g_skipped;
  std::printf("SKIPPED: %s: %s\n", Catch::getResultCapture().getCurrentTestName().c_str(), reason.c_str());
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "boxseg-test.XXXXXX").string();
  ensure(mkdtemp(name.data()) != nullptr, "{}: the folder cannot be made", name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (std::getenv("BOXSEG_KEEP") == nullptr) fs::remove_all(path_, ignored);
}

std::string recorded_results(const std::string& name) {
  const fs::path path = fs::path(BOXSEG_SOURCE_DIR) / "tests/support/fingerprints.txt";
  for (const std::string& line : read_lines(read_file(path)))
    if (line.starts_with(name + ' ')) return line.substr(name.size() + 1);
  fail("{}: no line for {}", path.string(), name);
}

int temporary_files_in(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    count += entry.path().extension() == ".part" ? 1 : 0;
  return count;
}

CommandResult run_command(const std::string& shell_command) {
  TemporaryDirectory dir;
  const std::string out = (dir / "out").string(), err = (dir / "err").string();
  const int status = std::system(fmt::format("({}) >'{}' 2>'{}'", shell_command, out, err).c_str());
  CommandResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_file(out);
  result.err = read_file(err);
  return result;
}

}  // namespace boxseg::test

int main(int argc, char** argv) {
  boxseg::ask_for_equal_bits();
  const int failed = Catch::Session().run(argc, argv);
  if (boxseg::test::g_skipped > 0) std::printf("%d skipped\n", boxseg::test::g_skipped);
  return std::min(failed, 255);
}
