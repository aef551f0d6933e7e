#include "common/runtime/loader.h"

#include <atomic>
#include <chrono>
#include <set>
#include <string>

#include "common/base/error.h"
#include "common/data/shuffled_order.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Takes longer for some items than for others, so that workers finish out of order.
int64_t slow_square(int64_t i) {
  std::this_thread::sleep_for(std::chrono::microseconds((i * 7919) % 900));
  return i * i;
}

}  // namespace

TEST_CASE("The loader gives the same items in order for any number of workers") {
  for (const int workers : {0, 1, 2, 5}) {
    CAPTURE(workers);
    Loader<int64_t> loader(3, 120, workers, 4, slow_square);
    for (int64_t i = 3; i < 120; ++i) REQUIRE(loader.next() == i * i);
    REQUIRE_FALSE(loader.next().has_value());
    REQUIRE_FALSE(loader.next().has_value());
  }
}

TEST_CASE("The loader never has more than its depth in flight") {
  std::atomic<int64_t> made{0};
  {
    Loader<int64_t> loader(0, 1000, 3, 5, [&](int64_t i) { return ++made, i; });
    for (int given = 1; given <= 20; ++given) {
      loader.next();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      REQUIRE(made <= given + 5);
    }
  }  // and it can be left early
  REQUIRE(made < 1000);
}

TEST_CASE("An exception of an item comes out in its place, and the items after it still come") {
  for (const int workers : {0, 3}) {
    CAPTURE(workers);
    Loader<int64_t> loader(0, 10, workers, 4, [](int64_t i) {
      if (i == 6) fail_input("image {} is damaged", i);
      return i;
    });
    for (int64_t i = 0; i < 6; ++i) REQUIRE(loader.next() == i);
    REQUIRE_THROWS_WITH(loader.next(), "image 6 is damaged");
    for (int64_t i = 7; i < 10; ++i) REQUIRE(loader.next() == i);
    REQUIRE_FALSE(loader.next().has_value());
  }
}

TEST_CASE("An empty range and a depth of zero are fine") {
  Loader<int64_t> none(5, 5, 2, 3, slow_square);
  REQUIRE_FALSE(none.next().has_value());
  Loader<int64_t> shallow(0, 3, 2, 0, slow_square);
  REQUIRE(shallow.next() == 0);
  REQUIRE(shallow.next() == 1);
}

TEST_CASE("Each epoch is a permutation of its own, whole batches only") {
  const ShuffledOrder order(1, 23, 5);
  std::set<std::vector<int64_t>> epochs;
  for (int64_t epoch = 0; epoch < 30; ++epoch) {
    std::vector<int64_t> images;
    for (int64_t i = 0; i < 20; ++i) {
      const auto place = order.at(epoch * 20 + i);
      REQUIRE(place.epoch == epoch);
      REQUIRE((place.image >= 0 && place.image < 23));
      images.push_back(place.image);
    }
    REQUIRE(std::set<int64_t>(images.begin(), images.end()).size() == 20);
    epochs.insert(images);
  }
  REQUIRE(epochs.size() == 30);
}

TEST_CASE("The order is a function of seed and position, asked for in any sequence") {
  const ShuffledOrder forward(9, 12, 4), backward(9, 12, 4), other(10, 12, 4);
  std::vector<int64_t> a, b, c;
  for (int64_t i = 0; i < 240; ++i) a.push_back(forward.at(i).image);
  for (int64_t i = 239; i >= 0; --i) b.insert(b.begin(), backward.at(i).image);
  for (int64_t i = 0; i < 240; ++i) c.push_back(other.at(i).image);
  REQUIRE(a == b);
  REQUIRE(a != c);
  // Every image stands first about as often as any other: 20 epochs of 12 images, 20 times each in all.
  std::vector<int> count(12);
  for (const int64_t image : a) ++count[static_cast<size_t>(image)];
  for (const int n : count) REQUIRE(n == 20);
}

TEST_CASE("Fewer images than a batch repeat, one permutation after the other") {
  const ShuffledOrder order(2, 3, 8);
  for (int64_t epoch = 0; epoch < 10; ++epoch) {
    std::set<int64_t> images;
    for (int64_t i = 0; i < 3; ++i) images.insert(order.at(epoch * 3 + i).image);
    REQUIRE(images.size() == 3);
  }
  REQUIRE_THROWS(ShuffledOrder(1, 0, 4));
  REQUIRE_THROWS(ShuffledOrder(1, 4, 0));
}
