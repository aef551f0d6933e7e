// After SIGTERM a program has ten seconds. Work that cannot be stopped in between (one forward pass, one CRF) may take
// longer on a large image; then this object ends the process with exit code 75. Nothing is lost but that work, since
// files are written atomically and finished images stand in the journal.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

namespace boxseg {

class ExitDeadline {
 public:
  explicit ExitDeadline(double seconds = 7);  // starts to count when an interrupt arrives
  ~ExitDeadline();
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;

 private:
  void watch(double seconds);
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace boxseg
