// Finds which shared libraries a program had loaded by its end, those included that it loads while it runs.
#pragma once
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "common/base/files.h"
#include "tests/support/support.h"

namespace boxseg::test {

struct LoadedLibraries {
  CommandResult result;
  std::set<std::string> names;  // "libpng16.so.16", ...
  bool has(const std::string& part) const {
    for (const auto& name : names)
      if (name.find(part) != std::string::npos) return true;
    return false;
  }
};

// The command begins with the program, not with a shell's word. The loader itself (glibc's LD_DEBUG) notes each
// library.
inline LoadedLibraries loaded_libraries(const std::string& command) {
  const TemporaryDirectory dir;
  LoadedLibraries loaded;
  loaded.result = run_command("LD_DEBUG=files LD_DEBUG_OUTPUT='" + (dir / "log").string() + "' " + command);
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    std::istringstream lines(read_file(entry.path()));
    const std::string mark = "calling init: ";
    for (std::string line; std::getline(lines, line);)
      if (const size_t at = line.find(mark); at != std::string::npos)
        loaded.names.insert(std::filesystem::path(line.substr(at + mark.size())).filename());
  }
  return loaded;
}

}  // namespace boxseg::test
