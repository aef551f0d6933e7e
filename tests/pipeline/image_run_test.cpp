// Stage 2 and predict share this loop over images; numbers stand here in the place of photographs.
#include "common/pipeline/stage/image_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <map>
#include <mutex>

#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

struct Decoded {
  int64_t number = 0;
  ImageSize size() const { return {number / 10, 4}; }
};
struct Job {
  int64_t square = 0;
};

// Item i is as high as its digit of tens. Decoding fails for items that end with 7, and finishing for those with 9.
class Squares : public ImageRun<Decoded, Job> {
 public:
  explicit Squares(const ImageRunPlan& plan) : ImageRun(plan) {}
  std::map<int64_t, int64_t> finished;
  std::map<int64_t, std::string> skipped;
  std::vector<std::vector<int64_t>> batches;
  int64_t stops_at = -1;  // the item after whose inference a stop is asked for

 private:
  std::string name_of(int64_t item) const override { return fmt::format("item {}", item); }
  Decoded decode(int64_t item) const override {
    if (item % 10 == 7) fail_input("item {}: cannot be read", item);
    return {item};
  }
  std::vector<Job> infer(std::vector<Decoded>& batch) override {
    std::vector<Job> jobs;
    batches.emplace_back();
    for (const Decoded& decoded : batch) {
      batches.back().push_back(decoded.number);
      jobs.push_back({decoded.number * decoded.number});
      if (decoded.number == stops_at) ::raise(SIGTERM);
    }
    return jobs;
  }
  void finish(int, int64_t item, Job& job) override {
    if (item % 10 == 9) fail_input("too large");
    const std::lock_guard lock(mutex_);
    finished[item] = job.square;
  }
  void record_skipped(int64_t item, const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    skipped[item] = reason;
  }
  std::mutex mutex_;
};

std::vector<int64_t> numbers(int64_t end) {
  std::vector<int64_t> all(static_cast<size_t>(end));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  return all;
}

}  // namespace

TEST_CASE("every image is finished once, or skipped with its reason, for any number of threads and any batch") {
  set_log_level(LogLevel::silent);
  for (const int threads : {1, 3, 8})
    for (const int64_t batch : {1, 4, 16}) {
      CAPTURE(threads, batch);
      Squares run({.threads = threads, .skips_bad_images = true, .batch = batch});
      Progress progress("squares", 100);
      run.run(numbers(100), progress);
      CHECK(run.finished.size() == 80);
      for (const auto& [item, square] : run.finished) CHECK(square == item * item);
      CHECK(run.skipped.size() == 20);
      CHECK(run.skipped.at(57) == "item 57: cannot be read");
      CHECK(run.skipped.at(59) == "item 59: too large");
      for (const auto& items : run.batches) {
        CHECK(static_cast<int64_t>(items.size()) <= batch);
        CHECK(items.front() / 10 == items.back() / 10);  // a batch is of one size
      }
      if (batch == 4) CHECK(run.batches[0] == std::vector<int64_t>{0, 1, 2, 3});
      if (batch == 16) CHECK(run.batches[0] == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 8, 9});
    }
}

TEST_CASE("a stop ends the run long before its end") {
  set_log_level(LogLevel::silent);
  // The test runs in a process of its own, since a stop that was asked for cannot be taken back.
  const pid_t child = ::fork();
  if (child == 0) {
    watch_interrupts();
    Squares run({.threads = 2});
    run.stops_at = 25;
    Progress progress("squares", 1000);
    const Failure failure = failure_of([&] { run.run(std::vector<int64_t>(1000, 25), progress); });
    ::_exit(!failure.kind && is_interrupted() && run.batches.size() == 1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a bad image ends the run with its name where none are skipped") {
  for (const auto& [items, words] : {std::pair<std::vector<int64_t>, std::string>{{1, 17}, "item 17: cannot be read"},
                                     {{1, 19, 2}, "item 19: too large"}}) {
    Squares run({.threads = 2});
    Progress progress("squares", 3);
    const Failure failure = failure_of([&, &items = items] { run.run(items, progress); });
    CHECK(failure.kind == ErrorKind::bad_input);
    CHECK(failure.message == words);
  }
}

TEST_CASE("numbers of a network that are none are a failure, and no bad image") {
  REQUIRE_NOTHROW(require_finite(std::vector<float>{0, -1e38f}, "x"));
  for (const float value : {NAN, INFINITY}) {
    const std::vector<float> values = {1, value};
    const Failure failure = failure_of([&] { require_finite(values, "image 'a': the network's scores"); });
    CHECK(failure.kind == ErrorKind::failed);
    CHECK(failure.mentions("image 'a': the network's scores are not finite numbers; --checkpoint is damaged"));
  }
}
