// A lock on a folder's artifact that also holds across nodes of a cluster, where flock and pids say nothing: a file
// that names host, pid and job, and whose modification time is refreshed by its holder (the heartbeat).
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "common/base/files.h"

namespace boxseg {

class FileLock {
 public:
  // Takes PATH. A lock whose holder is dead (same host and boot, no such process) or whose heartbeat stopped more than
  // a minute ago is taken over with a warning. A living holder on this host is waited for, for two seconds: it may be
  // about to end. Then throws `failed` with the holder's host, pid and job: "PATH: in use by ...".
  explicit FileLock(fs::path path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  fs::path path_;
  std::string text_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread heartbeat_;
};

// The name of an artifact's lock: "dataset.h5.lock" beside dataset.h5.
fs::path lock_of(const fs::path& artifact);

}  // namespace boxseg
