// Memory that threads share out among themselves.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace boxseg {

// Bytes that jobs in progress may use together; one that needs more than all runs alone.
class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t bytes) : free_(bytes), all_(bytes) {}
  class Share {
   public:
    Share(MemoryBudget& budget, int64_t bytes) : budget_(budget), bytes_(budget.take(bytes)) {}
    ~Share() { budget_.give_back(bytes_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    MemoryBudget& budget_;
    int64_t bytes_;
  };

 private:
  int64_t take(int64_t bytes) {
    if (bytes > all_) bytes = all_;
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return free_ >= bytes; });
    free_ -= bytes;
    return bytes;
  }
  void give_back(int64_t bytes) {
    {
      std::lock_guard lock(mutex_);
      free_ += bytes;
    }
    freed_.notify_all();
  }
  int64_t free_;
  const int64_t all_;
  std::mutex mutex_;
  std::condition_variable freed_;
};

}  // namespace boxseg
