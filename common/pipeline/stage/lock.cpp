#include "common/pipeline/stage/lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <optional>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/processes.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr auto kHeartbeat = std::chrono::seconds(10);
constexpr double kDeadAfter_s = 60;
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);
constexpr int kLooks = 20;

using Holder = std::map<std::string, std::string>;

std::string own_text() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return fmt::format("host {}\nboot {}\npid {}\nstart {}\njob {}\n", host_name(), process_space(), ::getpid(),
                     start_of_process(::getpid()), job != nullptr ? job : "-");
}

// nullopt when there is no lock (any more). One that cannot be read although it is there may have been made between the
// two looks, by another that waited for it: that is looked at again.
std::optional<std::string> text_of(const fs::path& path) {
  constexpr int kTries = 10;
  for (int tries = 1;; ++tries) try {
      return read_file(path);
    } catch (const Error&) {
      if (!fs::exists(path)) return std::nullopt;
      if (tries == kTries) throw;
    }
}

Holder parse(const std::string& text) {
  Holder fields;
  for (const auto& line : read_lines(text))
    if (const size_t blank = line.find(' '); blank != std::string::npos)
      fields[line.substr(0, blank)] = line.substr(blank + 1);
  return fields;
}

double age_s(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return std::difftime(std::time(nullptr), status.st_mtim.tv_sec);
}

bool is_dead(Holder holder, const fs::path& path) {
  if (holder["host"] == host_name() && holder["boot"] == process_space() && !holder["pid"].empty())
    return !is_running(std::atoi(holder["pid"].c_str()), holder["start"]);
  return age_s(path) > kDeadAfter_s;
}

// Creates PATH with its text in one step: link() fails when PATH exists, also on NFS.
bool create(const fs::path& path, const std::string& text) {
  const AtomicFile own(path);
  const int fd = ::open(own.temporary().c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail_write(path, errno);
  try {
    write_all(fd, text, path);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  const bool is_made = ::link(own.temporary().c_str(), path.c_str()) == 0;
  if (!is_made && errno != EEXIST) fail("{}: the lock cannot be made: {}", path.string(), std::strerror(errno));
  return is_made;
}

// Removes the lock of a dead holder. One process alone may: between looking and removing, another could have done both
// and taken the lock. False when it is another's turn, or there is another lock now.
bool remove_dead(const fs::path& path, const std::string& text) {
  const fs::path turn = path.string() + ".taken-over";
  const int fd = ::open(turn.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    if (errno != EEXIST) fail("{}: the lock cannot be taken over: {}", path.string(), std::strerror(errno));
    if (age_s(turn) > kDeadAfter_s) ::unlink(turn.c_str());  // whoever had the turn was killed
    return false;
  }
  ::close(fd);
  const bool is_same = text_of(path) == text;
  if (is_same) ::unlink(path.c_str());
  ::unlink(turn.c_str());
  return is_same;
}

}  // namespace

fs::path lock_of(const fs::path& artifact) { return artifact.string() + ".lock"; }

FileLock::FileLock(fs::path path) : path_(std::move(path)), text_(own_text()) {
  for (int looks = 0; !create(path_, text_);) {
    const auto text = text_of(path_);
    if (!text) continue;  // released just now
    Holder holder = parse(*text);
    if (is_dead(holder, path_)) {
      if (remove_dead(path_, *text))
        log_warning("{}: taken over from pid {} on {}, which is gone", path_.string(), holder["pid"], holder["host"]);
      else
        std::this_thread::sleep_for(kBetweenLooks);
      continue;
    }
    // A killed process gives its memory back before it is gone: the same command, started at once, waits for that.
    if (holder["host"] != host_name() || ++looks >= kLooks)
      fail("{}: in use by host {} pid {} job {}; wait for it, or stop it and start again", path_.string(),
           holder["host"], holder["pid"], holder["job"]);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  heartbeat_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kHeartbeat, [this] { return is_stopping_; }))
      ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0);
  });
}

FileLock::~FileLock() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  heartbeat_.join();
  try {
    if (text_of(path_) == text_) ::unlink(path_.c_str());  // else it was taken over from us: another's by now
  } catch (const Error&) {
    // It cannot be read: a later program takes it over.
  }
}

}  // namespace boxseg
