#include "common/data/shuffled_order.h"

#include <numeric>

#include "common/base/error.h"
#include "common/base/random.h"

namespace boxseg {

ShuffledOrder::ShuffledOrder(uint64_t seed, int64_t images, int64_t batch) : seed_(seed), images_(images) {
  ensure(images >= 1, "ShuffledOrder: {} images, expected at least 1", images);
  ensure(batch >= 1, "ShuffledOrder: batches of {}, expected at least 1", batch);
  per_epoch_ = images >= batch ? images / batch * batch : images;
}

ShuffledOrder::Place ShuffledOrder::at(int64_t position) const {
  ensure(position >= 0, "ShuffledOrder: position {}, expected 0 or more", position);
  const int64_t epoch = position / per_epoch_;
  std::lock_guard lock(mutex_);
  auto found = orders_.find(epoch);
  if (found == orders_.end()) {
    constexpr size_t kKept = 4;  // prefetching touches two epochs at their border; more only with tiny datasets
    if (orders_.size() >= kKept)
      orders_.erase(orders_.begin()->first < epoch ? orders_.begin() : std::prev(orders_.end()));
    std::vector<int64_t> order(static_cast<size_t>(images_));
    std::iota(order.begin(), order.end(), int64_t{0});
    Random(seed_, "order", static_cast<uint64_t>(epoch)).shuffle(order);
    found = orders_.emplace(epoch, std::move(order)).first;
  }
  return {found->second[static_cast<size_t>(position % per_epoch_)], epoch};
}

}  // namespace boxseg
