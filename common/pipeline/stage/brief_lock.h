// A lock between processes for the moment in which a shared file is read, changed and renamed.
#pragma once
#include <filesystem>

namespace boxseg {

// Waits until it holds PATH, which is created with its folder, and stays: removing it would let two holders in.
class BriefLock {
 public:
  explicit BriefLock(const std::filesystem::path& path);  // throws `failed` with the reason
  ~BriefLock();
  BriefLock(const BriefLock&) = delete;
  BriefLock& operator=(const BriefLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace boxseg
