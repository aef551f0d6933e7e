#include "common/pipeline/stage/front.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"

namespace boxseg {
namespace {

// Bytes that this process may map (ulimit -v) or allocate (ulimit -d), the smaller of both.
std::optional<rlim_t> memory_limit() {
  std::optional<rlim_t> smallest;
  for (const auto which : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit limit{};
    if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) continue;
    if (!smallest || limit.rlim_cur < *smallest) smallest = limit.rlim_cur;
  }
  return smallest;
}

// Where memory is limited, LibTorch may die while it loads, before there is a main() that could say why. A child tries
// it, without a word; half a second more, under a limit alone.
void require_room_to_load(char* const* command, const char* program) {
  const std::optional<rlim_t> limit = memory_limit();
  if (!limit) return;
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
    ::execv(command[0], command);
    ::_exit(0);  // why it cannot be started is said by whoever starts it in earnest
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const bool is_refused = WIFEXITED(status) && WEXITSTATUS(status) <= 2;  // in its own words, which will come again
  if (child > 0 && !is_refused)
    fail(
        "LibTorch cannot be loaded within the limit of {} MB of memory (ulimit -v, ulimit -d); raise it, {} needs some "
        "GB",
        *limit >> 20, program);
}

}  // namespace

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
  std::vector<char*> trial = arguments;
  trial.insert(trial.end(), {const_cast<char*>("--version"), nullptr});
  require_room_to_load(trial.data(), program);
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  arguments.push_back(nullptr);
  hold_interrupts();
  ::execv(behind.c_str(), arguments.data());
  fail("{}: cannot be started: {}; is the build or the bundle whole?", behind, std::strerror(errno));
}

}  // namespace boxseg
