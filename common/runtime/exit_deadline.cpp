#include "common/runtime/exit_deadline.h"

#include <unistd.h>

#include <chrono>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"

namespace boxseg {

ExitDeadline::ExitDeadline(double seconds) : thread_([this, seconds] { watch(seconds); }) {}

ExitDeadline::~ExitDeadline() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ExitDeadline::watch(double seconds) {
  std::unique_lock lock(mutex_);
  constexpr auto kLook = std::chrono::milliseconds(200);
  while (!is_interrupted())
    if (wake_.wait_for(lock, kLook, [this] { return is_stopping_; })) return;
  if (wake_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return is_stopping_; })) return;
  log_text(LogLevel::warning, "interrupted in the middle of an image; it is dropped, finished ones are kept");
  _exit(static_cast<int>(ErrorKind::interrupted));
}

}  // namespace boxseg
