#include "common/pipeline/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr auto kHeartbeat = std::chrono::seconds(10);
constexpr double kDeadAfter_s = 60;
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);
constexpr int kLooks = 20;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// Distinguishes a process from a later one with its pid: clock ticks after boot at which it started. "" for none, and
// for one that ended but still waits for its parent.
std::string start_ticks(int pid) {
  try {
    const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
    const auto fields = split(stat.substr(stat.rfind(')') + 2), ' ');
    return fields.size() > 19 && fields[0] != "Z" && fields[0] != "X" ? fields[19] : "";
  } catch (const Error&) {
    return "";
  }
}

std::string boot_id() {
  try {
    return std::string(trim(read_file("/proc/sys/kernel/random/boot_id")));
  } catch (const Error&) {
    return "";
  }
}

std::string own_text() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return fmt::format("host {}\nboot {}\npid {}\nstart {}\njob {}\n", host_name(), boot_id(), ::getpid(),
                     start_ticks(::getpid()), job != nullptr ? job : "-");
}

std::map<std::string, std::string> parse(const std::string& text) {
  std::map<std::string, std::string> fields;
  for (const auto& line : read_lines(text))
    if (const size_t blank = line.find(' '); blank != std::string::npos) fields[line.substr(0, blank)] = line.substr(blank + 1);
  return fields;
}

double age_s(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return std::difftime(std::time(nullptr), status.st_mtim.tv_sec);
}

bool is_dead(const std::map<std::string, std::string>& holder, const fs::path& path) {
  const auto field = [&](const char* name) {
    const auto it = holder.find(name);
    return it == holder.end() ? std::string() : it->second;
  };
  if (field("host") == host_name() && field("boot") == boot_id() && !field("pid").empty()) {
    const int pid = std::atoi(field("pid").c_str());
    return (::kill(pid, 0) != 0 && errno == ESRCH) || start_ticks(pid) != field("start");
  }
  return age_s(path) > kDeadAfter_s;
}

// Creates PATH with its text in one step: link() fails when PATH exists, also on NFS.
bool create(const fs::path& path) {
  const fs::path own = fmt::format("{}.{}.{}", path.string(), host_name(), ::getpid());
  write_file(own, own_text());
  const bool is_made = ::link(own.c_str(), path.c_str()) == 0;
  const int error = errno;
  ::unlink(own.c_str());
  if (!is_made && error != EEXIST) fail("{}: the lock cannot be made: {}", path.string(), std::strerror(error));
  return is_made;
}

}  // namespace

FileLock::FileLock(fs::path path) : path_(std::move(path)) {
  int looks = 0;
  for (int attempt = 0; !create(path_); ++attempt) {
    std::map<std::string, std::string> holder;
    try {
      holder = parse(read_file(path_));
    } catch (const Error&) {
      continue;  // released just now
    }
    // A killed process gives its memory back before it is gone: the same command, started at once, waits for that.
    if (attempt <= 5 && holder["host"] == host_name() && !is_dead(holder, path_) && ++looks < kLooks) {
      std::this_thread::sleep_for(kBetweenLooks);
      --attempt;
      continue;
    }
    if (!is_dead(holder, path_) || attempt > 5)
      fail("{}: in use by host {} pid {} job {}; wait for it, or stop it and start again", path_.string(), holder["host"],
           holder["pid"], holder["job"]);
    log_warning("{}: taken over from pid {} on {}, which is gone", path_.string(), holder["pid"], holder["host"]);
    const fs::path dead = fmt::format("{}.dead.{}", path_.string(), ::getpid());
    if (::rename(path_.c_str(), dead.c_str()) == 0) ::unlink(dead.c_str());
  }
  heartbeat_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kHeartbeat, [this] { return is_stopping_; })) ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
  });
}

FileLock::~FileLock() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  heartbeat_.join();
  ::unlink(path_.c_str());
}

}  // namespace boxseg
