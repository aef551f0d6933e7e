#include "common/runtime/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/error.h"
#include "common/runtime/cpu_quota.h"

namespace boxseg {
namespace {

thread_local bool t_is_inside = false;

// Holds the state of one parallel_for call. Workers that come late find no piece left and go.
struct Job {
  std::atomic<int64_t> next{0};
  int64_t n = 0, grain = 1;
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  std::mutex mutex;
  std::condition_variable finished;
  int helpers_running = 0;  // guarded by mutex
  bool is_closed = false;   // guarded by mutex: no more helpers may start
  std::exception_ptr error;

  void work() {
    t_is_inside = true;
    for (;;) {
      const int64_t begin = next.fetch_add(grain);
      if (begin >= n) break;
      try {
        (*body)(begin, std::min(n, begin + grain));
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = n;
      }
    }
    t_is_inside = false;
  }
};

class Pool {
 public:
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }

  void offer(const std::shared_ptr<Job>& job, int helpers) {
    std::lock_guard lock(mutex_);
    while (static_cast<int>(threads_.size()) < helpers) threads_.emplace_back([this] { run(); });
    for (int i = 0; i < helpers; ++i) queue_.push_back(job);
    wake_.notify_all();
  }

 private:
  void run() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return is_stopping_ || !queue_.empty(); });
        if (is_stopping_) return;
        job = std::move(queue_.front());
        queue_.pop_front();
      }
      {
        std::lock_guard lock(job->mutex);
        if (job->is_closed) continue;
        ++job->helpers_running;
      }
      job->work();
      std::lock_guard lock(job->mutex);
      if (--job->helpers_running == 0) job->finished.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::thread> threads_;
  bool is_stopping_ = false;
};

Pool& pool() {
  static Pool instance;
  return instance;
}

}  // namespace

void parallel_for(int64_t n, int64_t grain, int threads, const std::function<void(int64_t, int64_t)>& body) {
  ensure(grain >= 1, "parallel_for: grain is {}, expected at least 1", grain);
  if (n <= 0) return;
  const int64_t pieces = (n + grain - 1) / grain;
  const int helpers = static_cast<int>(std::min<int64_t>(threads, pieces)) - 1;
  if (helpers <= 0 || t_is_inside) {
    for (int64_t begin = 0; begin < n; begin += grain) body(begin, std::min(n, begin + grain));
    return;
  }
  auto job = std::make_shared<Job>();
  job->n = n;
  job->grain = grain;
  job->body = &body;
  pool().offer(job, helpers);
  job->work();
  std::unique_lock lock(job->mutex);
  job->is_closed = true;
  job->finished.wait(lock, [&] { return job->helpers_running == 0; });
  if (job->error) std::rethrow_exception(job->error);
}

int hardware_threads() {
  cpu_set_t set;
  const bool has_mask = sched_getaffinity(0, sizeof set, &set) == 0;
  const int allowed = has_mask ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency());
  const double quota = cpu_quota();
  return std::max(1, quota > 0 ? std::min(allowed, static_cast<int>(std::ceil(quota))) : allowed);
}

int resolve_threads(int64_t requested) {
  if (requested < 0 || requested > 1024) fail_usage("--threads {}: expected 0 (all) to 1024", requested);
  return requested == 0 ? hardware_threads() : static_cast<int>(requested);
}

}  // namespace boxseg
