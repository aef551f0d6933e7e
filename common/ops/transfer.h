// Copies between the CPU and the device that tensors are on. All that the operators and training steps move goes
// through here, where it can be counted: each download waits for the device, and each upload takes a place in its
// queue.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace boxseg {

// Makes a tensor on the CPU that is about to be filled and uploaded. Its memory is page-locked where the device is a
// GPU, so that the copy neither waits nor goes through a second buffer.
at::Tensor empty_for_upload(at::IntArrayRef shape, at::ScalarType type, const at::Device& device);

// Returns the same numbers on the device. Memory of empty_for_upload() must not be changed afterwards: a GPU may not
// have read it yet.
at::Tensor upload(const at::Tensor& from, const at::Device& device);

// Returns the same numbers on the CPU; they are there when this returns.
at::Tensor download(const at::Tensor& from);

struct TransferCounts {
  int64_t uploads = 0, downloads = 0;
};
TransferCounts transfer_counts();  // counts since the program's start, tensors on the CPU included

// Brings tables of plain structs and numbers, which kernels read, to a device by a single copy.
class DeviceTables {
 public:
  // Returns the place of the table, by which get() and tensor() find it after upload_to().
  template <class Item>
  size_t add(const std::vector<Item>& table) {
    return add_bytes(table.data(), table.size() * sizeof(Item));
  }
  void upload_to(const at::Device& device);
  template <class Item>
  const Item* get(size_t place) const {
    return reinterpret_cast<const Item*>(on_device_.const_data_ptr<uint8_t>() + place);
  }
  // Returns a table of `count` numbers as a tensor, which shares the memory.
  at::Tensor tensor(size_t place, int64_t count, at::ScalarType type) const;

 private:
  size_t add_bytes(const void* from, size_t bytes);

  std::vector<uint8_t> bytes_;
  at::Tensor on_device_;
};

}  // namespace boxseg
