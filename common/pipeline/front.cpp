#include "common/pipeline/front.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"

namespace boxseg {

bool has_piped_config(int argc, char** argv) {
  constexpr std::string_view kOption = "--config";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == kOption && i + 1 < argc && !special_kind(argv[i + 1]).empty()) return true;
    if (word.starts_with("--config=") && !special_kind(word.substr(kOption.size() + 1)).empty()) return true;
  }
  return false;
}

void become(const char* program, int argc, char** argv) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) fail("/proc/self/exe: cannot be read: {}; is /proc mounted?", error.message());
  const fs::path folder = self.parent_path().parent_path() / "libexec", script = folder / "beside_torch";
  const std::string behind = (fs::exists(script, error) ? script : folder / program).string();
  std::vector<char*> arguments = {const_cast<char*>(behind.c_str())};
  if (behind == script) arguments.push_back(const_cast<char*>(program));
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  arguments.push_back(nullptr);
  hold_interrupts();
  ::execv(behind.c_str(), arguments.data());
  fail("{}: cannot be started: {}; is the build or the bundle whole?", behind, std::strerror(errno));
}

}  // namespace boxseg
