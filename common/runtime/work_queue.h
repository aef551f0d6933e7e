// A crew of threads works off a bounded queue of jobs, so that the network of the next image overlaps with the CRF and
// PNGs of earlier ones while memory stays bounded.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace boxseg {

template <class Job>
class WorkQueue {
 public:
  // At most `capacity` jobs wait. work(worker, job) runs on thread `worker`; after its first exception no job is begun.
  WorkQueue(int workers, size_t capacity, std::function<void(int worker, Job& job)> work)
      : capacity_(capacity), work_(std::move(work)) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  ~WorkQueue() { close(true); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Waits for room. Returns false when a worker failed; finish() then throws why.
  bool give(Job job) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return error_ || queue_.size() < capacity_; });
    if (error_) return false;
    queue_.push_back(std::move(job));
    work_there_.notify_one();
    return true;
  }
  // Waits until all jobs are done, or drops those that wait and waits for those that run. Throws what a worker threw.
  void finish(bool drops_waiting = false) {
    close(drops_waiting);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void close(bool drops_waiting) {
    {
      std::lock_guard lock(mutex_);
      is_closed_ = true;
      if (drops_waiting) queue_.clear();
    }
    work_there_.notify_all();
    for (auto& t : threads_)
      if (t.joinable()) t.join();
  }
  void run(int worker) {
    for (;;) {
      std::unique_lock lock(mutex_);
      work_there_.wait(lock, [this] { return is_closed_ || error_ || !queue_.empty(); });
      if (error_ || queue_.empty()) return;
      Job job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      room_.notify_one();
      try {
        work_(worker, job);
      } catch (...) {
        lock.lock();
        if (!error_) error_ = std::current_exception();
        lock.unlock();
        room_.notify_all();
        work_there_.notify_all();
        return;
      }
    }
  }

  const size_t capacity_;
  const std::function<void(int, Job&)> work_;
  std::mutex mutex_;
  std::condition_variable room_, work_there_;
  std::deque<Job> queue_;
  bool is_closed_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace boxseg
