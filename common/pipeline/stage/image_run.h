// From photographs to files, image by image: decoded on some threads, inferred on the calling one, which alone talks to
// the network, and finished (CRF, PNG) on others, so that the network of the next images and the CRF of earlier ones
// overlap while memory stays bounded. Free of LibTorch: what an image is between the steps is the caller's affair.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/io/image.h"
#include "common/runtime/loader.h"
#include "common/runtime/memory_budget.h"
#include "common/runtime/work_queue.h"

namespace boxseg {

struct ImageRunPlan {
  int threads = 1;
  int most_workers = 8;                     // that finish images; beyond, an image's pixels are shared out instead
  int64_t bytes_in_progress = 800ll << 20;  // that finish() may ask for, of all workers together
  bool skips_bad_images = false;            // records those that throw bad_input, and goes on
  int64_t batch = 1;                        // images of one size that infer() gets at once, at most
};

// Decoded: a read image and what the network wants of it, with its ImageSize as size(). Job: what is left to finish.
template <class Decoded, class Job>
class ImageRun {
 public:
  explicit ImageRun(const ImageRunPlan& plan)
      : plan_(plan),
        workers_(std::clamp(plan.threads, 1, plan.most_workers)),
        threads_each_(std::max(1, plan.threads / workers_)),
        budget_(plan.bytes_in_progress) {}
  virtual ~ImageRun() = default;

  // Works off the items, whatever their numbers mean to the caller. When a stop is asked for (interrupt.h) the images
  // in progress are ended, and it returns early. Throws what a step throws; bad_input of an image, with its name,
  // unless the plan skips those.
  void run(const std::vector<int64_t>& items, Progress& progress) {
    const int readers = std::min(workers_, 4);
    Loader<Read> loader(0, static_cast<int64_t>(items.size()), readers, 2 * readers + plan_.batch - 1,
                        [&](int64_t i) { return read(items[static_cast<size_t>(i)]); });
    WorkQueue<Inferred> queue(workers_, static_cast<size_t>(workers_), [&](int worker, Inferred& inferred) {
      finish_or_skip(worker, inferred);
      progress.advance();
    });
    std::vector<int64_t> batch_items;
    std::vector<Decoded> batch;
    const auto hand_on = [&] {  // false when a worker failed
      if (batch.empty()) return true;
      std::vector<Job> jobs = infer(batch);
      ensure(jobs.size() == batch.size(), "{} jobs of {} images", jobs.size(), batch.size());
      batch.clear();
      const auto numbers = std::exchange(batch_items, {});
      for (size_t i = 0; i < jobs.size(); ++i)
        if (!queue.give({numbers[i], std::move(jobs[i])})) return false;
      return true;
    };
    while (!is_interrupted()) {
      std::optional<Read> next = loader.next();
      if (!next) {
        hand_on();
        break;
      }
      if (is_interrupted()) break;  // it may have come while the image was read
      if (!next->reason_skipped.empty()) {
        skip(next->item, next->reason_skipped);
        progress.advance();
        continue;
      }
      const bool fits = batch.empty() || batch.front().size() == next->decoded.size();
      if (!fits && !hand_on()) break;
      batch_items.push_back(next->item);
      batch.push_back(std::move(next->decoded));
      if (static_cast<int64_t>(batch.size()) >= plan_.batch && !hand_on()) break;
    }
    queue.finish(is_interrupted());
  }

 protected:
  virtual Decoded decode(int64_t item) const = 0;                            // on several threads at a time
  virtual std::vector<Job> infer(std::vector<Decoded>& batch) = 0;           // one job for each, in their order
  virtual void finish(int worker, int64_t item, Job& job) = 0;               // on several threads at a time
  virtual void record_skipped(int64_t item, const std::string& reason) = 0;  // likewise
  virtual std::string name_of(int64_t item) const = 0;                       // with which messages about it begin

  int workers() const { return workers_; }
  int threads_each() const { return threads_each_; }
  MemoryBudget& budget() { return budget_; }

 private:
  struct Read {
    int64_t item = 0;
    Decoded decoded;
    std::string reason_skipped;
  };
  struct Inferred {
    int64_t item = 0;
    Job job;
  };

  Read read(int64_t item) const {
    Read read;
    read.item = item;
    try {
      read.decoded = decode(item);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input || !plan_.skips_bad_images) throw;
      read.reason_skipped = e.what();
    }
    return read;
  }
  void finish_or_skip(int worker, Inferred& inferred) {
    try {
      finish(worker, inferred.item, inferred.job);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      const std::string reason = name_of(inferred.item) + ": " + e.what();
      if (!plan_.skips_bad_images) fail_input("{}", reason);
      skip(inferred.item, reason);
    }
  }
  void skip(int64_t item, const std::string& reason) {
    log_warning("skipped: {}", reason);
    record_skipped(item, reason);
  }

  const ImageRunPlan plan_;
  const int workers_, threads_each_;
  MemoryBudget budget_;
};

// Numbers of a network that are none are a fault of its weights, not of the image, and never a reason to skip it.
// `what`: "image 'a': the network's features". Throws failed.
void require_finite(std::span<const float> values, const std::string& what);

}  // namespace boxseg
