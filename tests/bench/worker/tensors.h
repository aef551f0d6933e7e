// Reads and writes tensors in the files that both sides of a race use.
#pragma once
#include <ATen/ATen.h>

#include <string>

#include "common/io/hdf5.h"

namespace boxseg::bench {

template <class T>
at::Tensor read_tensor(const H5Reader& file, const std::string& name) {
  const auto values = file.read<T>(name);
  return at::from_blob(const_cast<T*>(values.data()), file.shape(name), c10::CppTypeToScalarType<T>::value).clone();
}

inline void write_tensor(H5Writer& file, const std::string& name, const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kFloat).contiguous();
  file.write<float>(name, {values.const_data_ptr<float>(), static_cast<size_t>(values.numel())}, values.sizes().vec());
}

}  // namespace boxseg::bench
