// parallel_for, WorkQueue and MemoryBudget do every item once and carry exceptions over, for any number of threads.
#include "common/runtime/parallel.h"

#include <atomic>
#include <numeric>
#include <set>
#include <thread>

#include "common/base/files.h"
#include "common/runtime/cpu_quota.h"
#include "common/runtime/memory_budget.h"
#include "common/runtime/work_queue.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("parallel_for gives every item to exactly one piece, whatever the sizes", "[cpu]") {
  for (const int64_t n : {0, 1, 2, 7, 100, 1001})
    for (const int64_t grain : {1, 3, 64, 5000})
      for (const int threads : {1, 2, 3, 16}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        parallel_for(n, grain, threads, [&](int64_t begin, int64_t end) {
          if (begin >= end || end > n || begin % grain != 0 || end - begin > grain) visits[0] += 100;
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        INFO(n << " items in pieces of " << grain << " on " << threads);
        for (const auto& count : visits) REQUIRE(count == 1);
      }
}

TEST_CASE("parallel_for runs on several threads at once", "[cpu]") {
  std::atomic<int> inside{0}, most{0};
  parallel_for(8, 1, 4, [&](int64_t, int64_t) {
    const int now = ++inside;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    --inside;
  });
  REQUIRE(most >= 2);
  REQUIRE(most <= 4);
}

TEST_CASE("parallel_for throws what a piece threw, and works again afterwards", "[cpu]") {
  for (const int threads : {1, 4})
    for (int repeat = 0; repeat < 50; ++repeat) {
      const Failure failure = failure_of([&] {
        parallel_for(1000, 1, threads, [&](int64_t begin, int64_t) {
          if (begin == 37) fail_input("image {}: cut", begin);
        });
      });
      REQUIRE(failure.kind == ErrorKind::bad_input);
      REQUIRE(failure.message == "image 37: cut");
      std::atomic<int64_t> sum{0};
      parallel_for(100, 7, threads, [&](int64_t begin, int64_t end) { sum += end - begin; });
      REQUIRE(sum == 100);
    }
}

TEST_CASE("A nested parallel_for finishes on the thread that calls it", "[cpu]") {
  std::atomic<int64_t> sum{0};
  std::atomic<bool> has_moved{false};
  parallel_for(10, 1, 4, [&](int64_t, int64_t) {
    const auto caller = std::this_thread::get_id();
    parallel_for(10, 1, 4, [&](int64_t begin, int64_t) {
      if (std::this_thread::get_id() != caller) has_moved = true;
      sum += begin;
    });
  });
  REQUIRE(sum == 450);
  REQUIRE_FALSE(has_moved);
  REQUIRE(failure_of([] {
            parallel_for(3, 1, 4,
                         [](int64_t, int64_t) { parallel_for(3, 1, 4, [](int64_t, int64_t) { fail("inner"); }); });
          }).message == "inner");
}

TEST_CASE("parallel_for may be called from many threads at once", "[cpu]") {
  std::vector<std::thread> callers;
  std::array<std::atomic<int64_t>, 6> sums{};
  for (auto& sum : sums)
    callers.emplace_back([&sum] {
      for (int repeat = 0; repeat < 100; ++repeat)
        parallel_for(50, 4, 3, [&](int64_t begin, int64_t end) { sum += end - begin; });
    });
  for (auto& caller : callers) caller.join();
  for (const auto& sum : sums) REQUIRE(sum == 5000);
}

TEST_CASE("Numbers of threads and grains out of range are refused", "[cpu]") {
  REQUIRE(hardware_threads() >= 1);
  REQUIRE(resolve_threads(0) == hardware_threads());
  REQUIRE(resolve_threads(3) == 3);
  REQUIRE(failure_of([] { resolve_threads(-1); }).kind == ErrorKind::usage);
  REQUIRE(failure_of([] { resolve_threads(100000); }).mentions("--threads 100000"));
  REQUIRE(failure_of([] { parallel_for(1, 0, 1, [](int64_t, int64_t) {}); }).kind == ErrorKind::failed);
}

TEST_CASE("The CPU quota is the smallest of a group and those above it", "[cpu]") {
  test::TemporaryDirectory root;
  REQUIRE(cpu_quota(root.path(), "/") == 0);
  write_file(root / "job/step/cpu.max", "max 100000\n");
  REQUIRE(cpu_quota(root.path(), "/job/step") == 0);
  write_file(root / "job/cpu.max", "250000 100000\n");
  REQUIRE(cpu_quota(root.path(), "/job/step") == 2.5);
  write_file(root / "job/step/cpu.max", "400000 100000\n");
  REQUIRE(cpu_quota(root.path(), "/job/step") == 2.5);
  write_file(root / "cpu.max", "50000 100000\n");
  REQUIRE(cpu_quota(root.path(), "/job/step") == 0.5);
  REQUIRE(cpu_quota(root.path(), "/other") == 0.5);
}

TEST_CASE("A queue does every job once, while no more wait than it has room for", "[cpu]") {
  std::atomic<int64_t> sum{0}, given{0}, taken{0}, most_waiting{0};
  WorkQueue<int> queue(3, 2, [&](int worker, int& job) {
    ++taken;
    if (worker < 0 || worker > 2) sum += 1000000;
    sum += job;
  });
  for (int i = 0; i < 500; ++i) {
    REQUIRE(queue.give(i));
    ++given;
    most_waiting = std::max<int64_t>(most_waiting, given - taken);
  }
  queue.finish();
  REQUIRE(sum == 499 * 500 / 2);
  REQUIRE(most_waiting <= 2 + 3);  // in the queue, and just taken out of it
}

TEST_CASE("A queue whose worker throws takes no more jobs and throws it at the end", "[cpu]") {
  std::atomic<int> begun{0};
  WorkQueue<int> queue(2, 1, [&](int, int& job) {
    ++begun;
    if (job == 3) fail_input("job {}", job);
  });
  bool is_refused = false;
  for (int i = 0; i < 100 && !is_refused; ++i) is_refused = !queue.give(i);
  REQUIRE(is_refused);
  REQUIRE(begun < 10);
  REQUIRE(failure_of([&] { queue.finish(); }).message == "job 3");
}

TEST_CASE("A memory budget is never exceeded, and too large a share runs alone", "[cpu]") {
  MemoryBudget budget(100);
  std::atomic<int64_t> used{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      const int64_t bytes = t == 0 ? 1000 : 30 + t;
      for (int i = 0; i < 20; ++i) {
        const MemoryBudget::Share share(budget, bytes);
        const int64_t now = used += std::min<int64_t>(bytes, 100);
        if (now > most) most = now;
        std::this_thread::yield();
        used -= std::min<int64_t>(bytes, 100);
      }
    });
  for (auto& thread : threads) thread.join();
  REQUIRE(used == 0);
  REQUIRE(most <= 100);
  REQUIRE(most > 0);
}
