// Captures what a call prints, and how a child process ends.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "common/base/files.h"
#include "tests/support/support.h"

namespace boxseg::test {

// Returns what `call` prints on `fd`, which is STDOUT_FILENO or STDERR_FILENO.
template <class Call>
std::string printed(int fd, const Call& call) {
  const TemporaryDirectory dir;
  const std::string path = (dir / "out").string();
  std::fflush(nullptr);
  const int before = dup(fd);
  FILE* file = std::fopen(path.c_str(), "w");
  dup2(fileno(file), fd);
  call();
  std::fflush(nullptr);
  dup2(before, fd);
  close(before);
  std::fclose(file);
  return read_file(path);
}

// Returns the exit code of a child process that runs `call` (which returns its code); 128 + signal when killed.
template <class Call>
int exit_code_of_child(const Call& call) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(call());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace boxseg::test
