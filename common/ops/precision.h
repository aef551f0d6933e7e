// Says how exactly networks compute on a GPU: --precision. On a CPU both kinds are exact.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace boxseg {

enum class Precision {
  exact,  // float32 without TF32, deterministic algorithms: the same seed gives the same bytes on one card
  fast,   // convolutions in bfloat16, other products in TF32, algorithms by trial; other bytes in every run
};

Precision parse_precision(const std::string& name);  // throws usage
const char* name_of(Precision precision);

// Returns what a run that was asked for `asked` computes with on a device.
Precision precision_on(const at::Device& device, Precision asked);

// Sets LibTorch's switches for a GPU, here and nowhere else. They belong to the whole process.
void set_precision(Precision precision);
Precision precision();  // the one that was set last; exact before

// While one of these lives on a thread and the precision is fast, convolutions of tensors on `device` are in bfloat16.
// Losses, Gram maps and cosine scores stay outside.
class FastConvolutions {
 public:
  explicit FastConvolutions(const at::Device& device);
  ~FastConvolutions();
  FastConvolutions(const FastConvolutions&) = delete;
  FastConvolutions& operator=(const FastConvolutions&) = delete;

 private:
  at::DeviceType type_;
  bool is_on_, was_enabled_ = false;
  at::ScalarType former_type_ = at::kFloat;
};

}  // namespace boxseg
