// Runs of the preset `tiny` that are stopped by a signal.
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tests/pipeline/tiny_run.h"

namespace boxseg::test {

// Starts the command in a process group of its own, waits until `is_time`, and sends the signal to the group. Returns
// -1 when the command was over before, otherwise what waitpid() tells.
inline int run_and_signal(const std::string& command, int signal, const std::function<bool()>& is_time) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ::setpgid(child, child);
  int status = 0;
  bool is_sent = false;
  for (int i = 0; i < 60000; ++i) {
    if (::waitpid(child, &status, WNOHANG) == child) break;
    if (!is_sent && is_time()) {
      ::kill(-child, signal);
      is_sent = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return is_sent ? status : -1;
}

inline int make_and_signal(const fs::path& run, const std::string& words, int signal,
                           const std::function<bool()>& is_time) {
  return run_and_signal(make_command(run, words) + " >" + shell_quote((run.string() + ".log")) + " 2>&1", signal,
                        is_time);
}

}  // namespace boxseg::test
