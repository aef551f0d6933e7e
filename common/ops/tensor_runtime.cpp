#include "common/ops/tensor_runtime.h"

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <mutex>
#include <unordered_map>

#include "common/base/log.h"
#include "common/ops/device.h"
#include "common/ops/device_path.h"

namespace boxseg {
namespace {

// Smaller blocks stay in the heap (common/runtime/heap.h).
constexpr size_t kLargeBlock = size_t{16} << 20;

// Puts blocks that are freed aside, and hands out the latest first.
class RecyclingAllocator final : public c10::Allocator {
 public:
  explicit RecyclingAllocator(c10::Allocator* system) : system_(system) {}

  c10::DataPtr allocate(size_t bytes) override {
    void* const block = bytes < kLargeBlock ? system_->raw_allocate(bytes) : take(bytes);
    return {block, block, &free_block, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  static RecyclingAllocator& instance() {
    // It is never destroyed, since tensors may outlive static objects.
    static auto* const one = new RecyclingAllocator(c10::GetDefaultCPUAllocator());
    return *one;
  }

 private:
  struct Block {
    void* at;
    size_t bytes;
  };

  static void free_block(void* block) { instance().put(block); }

  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto best = aside_.end();
    for (auto b = aside_.begin(); b != aside_.end(); ++b)
      if (b->bytes >= bytes && b->bytes <= bytes + bytes / 8 && (best == aside_.end() || b->bytes < best->bytes))
        best = b;
    Block block{nullptr, bytes};
    if (best != aside_.end()) {
      block = *best;
      aside_.erase(best);
      aside_bytes_ -= block.bytes;
    } else {
      release(std::max(most_used_, used_bytes_ + bytes) - used_bytes_ - bytes);
      block.at = system_->raw_allocate(bytes);
    }
    used_bytes_ += block.bytes;
    most_used_ = std::max(most_used_, used_bytes_);
    used_[block.at] = block.bytes;
    return block.at;
  }

  void put(void* at) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = used_.find(at); found != used_.end()) {
        aside_.push_front({at, found->second});
        aside_bytes_ += found->second;
        used_bytes_ -= found->second;
        used_.erase(found);
        return;
      }
    }
    system_->raw_deallocate(at);
  }

  // Gives the oldest blocks back to the system until at most `bytes` lie aside.
  void release(size_t bytes) {
    while (aside_bytes_ > bytes) {
      system_->raw_deallocate(aside_.back().at);
      aside_bytes_ -= aside_.back().bytes;
      aside_.pop_back();
    }
  }

  c10::Allocator* const system_;
  std::mutex mutex_;
  std::list<Block> aside_;
  std::unordered_map<void*, size_t> used_;
  size_t aside_bytes_ = 0, used_bytes_ = 0, most_used_ = 0;
};

}  // namespace

void start_tensor_runtime(int threads) {
  if (const char* everywhere = std::getenv("BOXSEG_DEVICE_PATH"); everywhere != nullptr && *everywhere == '1') {
    static const DevicePathEverywhere taken;
    log_warning("BOXSEG_DEVICE_PATH=1: the device path is taken on the CPU, which is for tests, and slow");
  }
  mallopt(M_MMAP_MAX, 0);  // blocks of all sizes come from the heap: 3 % of a training step were zeros for pages
  at::set_num_threads(threads);
  c10::SetCPUAllocator(&RecyclingAllocator::instance(), /*priority=*/1);
}

TensorDevice choose_device(const std::string& name, const std::string& precision) {
  const Precision asked = parse_precision(precision);
  const at::Device device = resolve_device(name);
  const TensorDevice chosen{device, precision_on(device, asked)};
  if (device.is_cuda()) set_precision(chosen.used);
  if (chosen.used != asked)
    log_info("--precision {}: computed {} on this device, a CPU", precision, name_of(chosen.used));
  return chosen;
}

}  // namespace boxseg
