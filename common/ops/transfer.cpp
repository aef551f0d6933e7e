#include "common/ops/transfer.h"

#include <ATen/Functions.h>

#include <atomic>

namespace boxseg {
namespace {

constexpr size_t kAlignment = 16;  // bytes, for each table; more than any number needs

std::atomic<int64_t> uploads{0}, downloads{0};

}  // namespace

at::Tensor empty_for_upload(at::IntArrayRef shape, at::ScalarType type, const at::Device& device) {
  return at::empty(shape, at::TensorOptions(type).pinned_memory(device.is_cuda()));
}

at::Tensor upload(const at::Tensor& from, const at::Device& device) {
  ++uploads;
  return from.to(device, from.scalar_type(), /*non_blocking=*/device.is_cuda() && from.is_pinned());
}

at::Tensor download(const at::Tensor& from) {
  ++downloads;
  return from.to(at::kCPU);
}

TransferCounts transfer_counts() { return {uploads.load(), downloads.load()}; }

size_t DeviceTables::add_bytes(const void* from, size_t bytes) {
  const size_t place = (bytes_.size() + kAlignment - 1) / kAlignment * kAlignment;
  bytes_.resize(place + bytes);
  if (bytes > 0) std::memcpy(bytes_.data() + place, from, bytes);
  return place;
}

void DeviceTables::upload_to(const at::Device& device) {
  const at::Tensor staged = empty_for_upload({static_cast<int64_t>(bytes_.size())}, at::kByte, device);
  std::memcpy(staged.mutable_data_ptr<uint8_t>(), bytes_.data(), bytes_.size());
  on_device_ = boxseg::upload(staged, device);
  bytes_ = {};
}

at::Tensor DeviceTables::tensor(size_t place, int64_t count, at::ScalarType type) const {
  const auto size = static_cast<int64_t>(c10::elementSize(type));
  return on_device_.narrow(0, static_cast<int64_t>(place), count * size).view(type);
}

}  // namespace boxseg
