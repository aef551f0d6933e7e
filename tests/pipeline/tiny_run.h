// Makes a run of the preset `tiny` by the real programs, through Makefile.pipeline.
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/shell.h"
#include "tests/support/support.h"

namespace boxseg::test {

// The bits of a network depend on the instruction set that LibTorch's libraries choose; these variables make them
// choose the same on every machine with AVX2.
inline const char* const kSameArithmetic = "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE ";

inline std::string make_command(const fs::path& run, const std::string& words,
                                const std::string& environment = kSameArithmetic) {
  return fmt::format(
      "cd {} && unset MAKEFLAGS MAKELEVEL && {} make -f Makefile.pipeline CUDA=0 PRESET=tiny THREADS=1 RUN={} {}",
      shell_quote(BOXSEG_SOURCE_DIR), environment, shell_quote(run.string()), words);
}

inline CommandResult make(const fs::path& run, const std::string& words) {
  return run_command(make_command(run, words));
}

// Returns the names of the pieces of work that ran (or, with -n, would run), from the lines "--- NAME: reason".
inline std::vector<std::string> ran(const CommandResult& result) {
  std::vector<std::string> names;
  for (const auto& line : read_lines(result.out)) {
    const size_t start = line.find("--- ");
    if (start == std::string::npos) continue;
    const size_t end = line.find(':', start);
    names.push_back(line.substr(start + 4, end - start - 4));
  }
  return names;
}

inline bool any_starts_with(const std::vector<std::string>& names, const std::string& prefix) {
  return std::any_of(names.begin(), names.end(), [&](const auto& n) { return n.rfind(prefix, 0) == 0; });
}

// Returns every output of every manifest below a run with its digest, and the bytes of the label PNGs.
inline std::map<std::string, std::string> contents(const fs::path& run) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string name = fs::relative(entry.path(), run).string();
    if (entry.path().filename() == "manifest.h5")
      for (const auto& out : read_manifest(entry.path()).outputs) all[name + ":" + out.path] = out.digest;
    if (entry.path().extension() == ".png" && name.rfind("stage", 0) == 0) all[name] = digest_of_file(entry.path());
  }
  return all;
}

// Returns one undisturbed run that the tests share, which is made once per process.
inline const fs::path& undisturbed() {
  static TemporaryDirectory dir;
  static const fs::path run = [] {
    const fs::path path = dir / "a run";  // with a blank in its name
    const auto result = make(path, "");
    if (result.exit_code != 0) fail("the tiny run failed:\n{}\n{}", result.out, result.err);
    return path;
  }();
  return run;
}

}  // namespace boxseg::test
