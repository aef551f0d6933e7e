// There is one exception type, with a kind, and each kind has its process exit code.
//
// A message names the file, the value, and what to do next. Errors are thrown where they are found and caught once, in
// run_program() (common/runtime/program.h).
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace boxseg {

// The values are the exit codes of every program (a contract: scripts rely on them).
enum class ErrorKind {
  failed = 1,        // anything else: a full disk, an internal inconsistency
  usage = 2,         // a wrong command line or configuration
  bad_input = 3,     // an input artifact is missing, damaged, or does not fit
  stale = 4,         // `plan --why` only: something is not up to date
  interrupted = 75,  // SIGTERM or SIGINT: the work done so far is on disk, start again to go on
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

// fail(), fail_usage() and fail_input() throw an Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::failed, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::usage, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void fail_input(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::bad_input, fmt::format(text, std::forward<Args>(args)...));
}

// Checks an invariant of ours or an argument passed between our functions; throws `failed` where it does not hold.
template <class... Args>
void ensure(bool holds, fmt::format_string<Args...> text, Args&&... args) {
  if (!holds) fail(text, std::forward<Args>(args)...);
}

}  // namespace boxseg
