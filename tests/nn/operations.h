// Records what LibTorch is asked to do while an object of this lives, on all threads: which operations, how often, and
// how often memory of a tensor is asked for. It shows on a CPU what a GPU would wait for, and what would depend on its
// threads.
#pragma once
#include <ATen/record_function.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/ops/transfer.h"

namespace boxseg::test {

// A CPU waits for the results of these operations.
inline const std::set<std::string> kWaiting = {
    "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal",
    "aten::is_nonzero",          "aten::unique",  "aten::_unique2"};

// LibTorch 2.11 calls these operations nondeterministic on a GPU, and refuses them where deterministic ones are asked
// for.
inline const std::set<std::string> kNondeterministic = {"aten::upsample_bilinear2d_backward",
                                                        "aten::upsample_nearest2d_backward",
                                                        "aten::max_pool2d_with_indices_backward",
                                                        "aten::adaptive_avg_pool2d_backward",
                                                        "aten::_adaptive_avg_pool2d_backward",
                                                        "aten::nll_loss2d_forward",
                                                        "aten::nll_loss2d_backward",
                                                        "aten::grid_sampler_2d_backward",
                                                        "aten::reflection_pad2d_backward",
                                                        "aten::replication_pad2d_backward",
                                                        "aten::histc",
                                                        "aten::bincount",
                                                        "aten::kthvalue",
                                                        "aten::median",
                                                        "aten::cumsum",
                                                        "aten::put_",
                                                        "aten::scatter_add_",
                                                        "aten::index_add_",
                                                        "aten::scatter_reduce",
                                                        "aten::embedding_bag",
                                                        "aten::ctc_loss",
                                                        "aten::max_unpool2d",
                                                        "aten::avg_pool3d_backward",
                                                        "aten::max_pool3d_with_indices_backward"};

class Operations {
 public:
  Operations() {
    current() = this;
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback(&begin).scopes({at::RecordScope::FUNCTION}));
    counting().target = &allocations_;
    transfers_ = transfer_counts();
  }
  ~Operations() { stop(); }

  void stop() {
    if (current() != this) return;
    at::removeCallback(handle_);
    counting().target = nullptr;
    const TransferCounts now = transfer_counts();
    transfers_ = {now.uploads - transfers_.uploads, now.downloads - transfers_.downloads};
    current() = nullptr;
  }

  // The numbers below are whole after stop().
  int64_t uploads() const { return transfers_.uploads; }
  int64_t downloads() const { return transfers_.downloads; }
  int64_t allocations() const { return allocations_; }
  int64_t count(const std::string& name) const {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  }
  // Returns those of a set that were asked for, each with its number: "aten::item 3".
  std::vector<std::string> among(const std::set<std::string>& names) const {
    std::vector<std::string> found;
    for (const auto& [name, times] : counts_)
      if (names.contains(name)) found.push_back(name + " " + std::to_string(times));
    return found;
  }
  int64_t operations() const {
    int64_t all = 0;
    for (const auto& [name, times] : counts_) all += times;
    return all;
  }

 private:
  static Operations*& current() {
    static Operations* one = nullptr;
    return one;
  }

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    if (Operations* const log = current()) {
      const std::lock_guard lock(log->mutex_);
      ++log->counts_[function.name()];
    }
    return nullptr;
  }

  // Counts what goes through to the allocator that was there before.
  struct CountingAllocator final : c10::Allocator {
    c10::Allocator* below = c10::GetCPUAllocator();
    std::atomic<std::atomic<int64_t>*> target{nullptr};
    c10::DataPtr allocate(size_t bytes) override {
      if (auto* const count = target.load(); count != nullptr && bytes > 0) ++*count;
      return below->allocate(bytes);
    }
    c10::DeleterFnPtr raw_deleter() const override { return below->raw_deleter(); }
    void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
  };
  static CountingAllocator& counting() {
    static auto* const one = [] {
      auto* const made = new CountingAllocator;  // tensors may outlive static objects
      c10::SetCPUAllocator(made, /*priority=*/2);
      return made;
    }();
    return *one;
  }

  at::CallbackHandle handle_;
  std::mutex mutex_;
  std::map<std::string, int64_t> counts_;
  std::atomic<int64_t> allocations_{0};
  TransferCounts transfers_;
};

}  // namespace boxseg::test
