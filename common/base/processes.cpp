#include "common/base/processes.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string process_space() {
  try {
    const std::string boot(trim(read_file("/proc/sys/kernel/random/boot_id")));
    std::error_code error;
    const fs::path space = fs::read_symlink("/proc/self/ns/pid", error);
    return error ? "" : boot + " " + space.string();
  } catch (const Error&) {
    return "";
  }
}

std::string start_of_process(int pid) {
  try {
    const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
    const auto fields = split(stat.substr(stat.rfind(')') + 2), ' ');
    return fields.size() > 19 && fields[0] != "Z" && fields[0] != "X" ? fields[19] : "";
  } catch (const Error&) {
    return "";
  }
}

bool is_running(int pid, const std::string& start) {
  return !(::kill(pid, 0) != 0 && errno == ESRCH) && start_of_process(pid) == start;
}

}  // namespace boxseg
