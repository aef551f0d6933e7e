// Prefetches on many threads: item i is made by `make(i)` on worker threads and handed out in order. Memory is bounded
// by `depth` items in flight. The result does not depend on the number of workers, since make(i) may use nothing but i
// (random numbers come from counter-based streams). Exceptions of make are thrown by next(), in order.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/base/random.h"

namespace boxseg {

template <class Item>
class Loader {
 public:
  Loader(int64_t first, int64_t end, int workers, int64_t depth, std::function<Item(int64_t)> make)
      : next_to_make_(first),
        next_to_give_(first),
        end_(end),
        depth_(std::max<int64_t>(depth, 1)),
        make_(std::move(make)) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Loader() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    room_.notify_all();
    for (auto& t : threads_) t.join();
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::optional<Item> next() {  // nullopt at the end
    if (next_to_give_ >= end_) return std::nullopt;
    const int64_t index = next_to_give_++;
    if (threads_.empty()) return make_(index);
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return done_.count(index) > 0; });
    Result result = std::move(done_.extract(index).mapped());
    ++given_;
    room_.notify_all();
    lock.unlock();
    if (result.error) std::rethrow_exception(result.error);
    return std::move(result.item);
  }

 private:
  struct Result {
    std::optional<Item> item;
    std::exception_ptr error;
  };
  void work() {
    for (;;) {
      int64_t index;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return is_stopping_ || next_to_make_ >= end_ || started_ - given_ < depth_; });
        if (is_stopping_ || next_to_make_ >= end_) return;
        index = next_to_make_++;
        ++started_;
      }
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
  }

  int64_t next_to_make_, next_to_give_;
  const int64_t end_, depth_;
  const std::function<Item(int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<int64_t, Result> done_;
  int64_t started_ = 0, given_ = 0;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

// Tells which image stands at position p of an endless shuffled sequence over n images. Each epoch is a permutation
// that depends on (seed, epoch) only. It drops an incomplete last batch, as the authors' DataLoader with drop_last
// does: an epoch holds floor(n/batch)*batch images (all n, with repetition, when n < batch).
class ShuffledOrder {
 public:
  ShuffledOrder(uint64_t seed, int64_t images, int64_t batch);
  struct Place {
    int64_t image;
    int64_t epoch;
  };
  Place at(int64_t position) const;  // thread-safe

 private:
  uint64_t seed_;
  int64_t images_, per_epoch_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::vector<int64_t>> orders_;  // the last few epochs
};

}  // namespace boxseg
