#include "common/ops/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include <cstdlib>

#include "common/base/error.h"

namespace boxseg {
namespace {

Precision in_force = Precision::exact;

}  // namespace

Precision parse_precision(const std::string& name) {
  if (name == "exact") return Precision::exact;
  if (name == "fast") return Precision::fast;
  fail_usage("--precision {}: not one of exact, fast", name);
}

const char* name_of(Precision precision) { return precision == Precision::exact ? "exact" : "fast"; }

Precision precision_on(const at::Device& device, Precision asked) {
  return device.is_cuda() ? asked : Precision::exact;
}

void set_precision(Precision precision) {
  const bool is_exact = precision == Precision::exact;
  // cuBLAS is deterministic only with work space of its own for each handle, which it must be told before the first
  // product.
  if (is_exact) ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(is_exact, /*warn_only=*/false);
  // By default LibTorch, when deterministic, fills every new tensor with NaN, which serves only to find mistakes.
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(is_exact);
  context.setBenchmarkCuDNN(!is_exact);
  context.setAllowTF32CuDNN(!is_exact);
  context.setAllowTF32CuBLAS(!is_exact);
  in_force = precision;
}

Precision precision() { return in_force; }

FastConvolutions::FastConvolutions(const at::Device& device)
    : type_(device.type()), is_on_(in_force == Precision::fast) {
  if (!is_on_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(type_);
  former_type_ = at::autocast::get_autocast_dtype(type_);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::increment_nesting();
}

FastConvolutions::~FastConvolutions() {
  if (!is_on_) return;
  // Autocast keeps the weights that it converted. The next pass has others, so they go.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_dtype(type_, former_type_);
  at::autocast::set_autocast_enabled(type_, was_enabled_);
}

}  // namespace boxseg
