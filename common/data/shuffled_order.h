// The order in which training sees its images.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace boxseg {

// Which image stands at position p of an endless shuffled sequence over n images: each epoch is a permutation that
// depends on (seed, epoch) only. With drop_last as the authors' DataLoader: an epoch holds floor(n/batch)*batch
// images (all n, with repetition, when n < batch).
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
