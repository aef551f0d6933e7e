// Prefetches on many threads: item i is made by `make(i)` on worker threads and handed out in order. Memory is bounded
// by `depth` items in flight. The result does not depend on the number of workers, since make(i) may use nothing but i
// (random numbers come from counter-based streams). Exceptions of make are thrown by next(), in order.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "common/runtime/work_queue.h"

namespace boxseg {

template <class Item>
class Loader {
 public:
  // Without workers next() makes each item itself.
  Loader(int64_t first, int64_t end, int workers, int64_t depth, std::function<Item(int64_t)> make)
      : next_(first),
        ahead_(first),
        end_(end),
        depth_(std::max<int64_t>(depth, 1)),
        has_workers_(workers > 0),
        make_(std::move(make)),
        queue_(workers, static_cast<size_t>(depth_), [this](int, int64_t& index) { put(index); }) {
    look_ahead();
  }

  std::optional<Item> next() {  // nullopt at the end
    if (next_ >= end_) return std::nullopt;
    const int64_t index = next_++;
    if (!has_workers_) return make_(index);
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return done_.count(index) > 0; });
    Result result = std::move(done_.extract(index).mapped());
    lock.unlock();
    look_ahead();
    if (result.error) std::rethrow_exception(result.error);
    return std::move(result.item);
  }

 private:
  struct Result {
    std::optional<Item> item;
    std::exception_ptr error;
  };
  // Never waits: fewer than `depth` items are under way before each.
  void look_ahead() {
    while (has_workers_ && ahead_ < end_ && ahead_ - next_ < depth_) queue_.give(ahead_++);
  }
  void put(int64_t index) {
    Result result;
    try {
      result.item = make_(index);
    } catch (...) {
      result.error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    done_[index] = std::move(result);
    ready_.notify_all();
  }

  int64_t next_, ahead_;  // to be handed out, to be begun
  const int64_t end_, depth_;
  const bool has_workers_;
  const std::function<Item(int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::map<int64_t, Result> done_;
  WorkQueue<int64_t> queue_;  // the last member: its threads end before what they use
};

}  // namespace boxseg
