// Holds what the reader and the writer of HDF5 files share: handles that close themselves, element types, reasons.
#pragma once
#include <hdf5.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace boxseg::h5 {

// Owns an identifier of the library together with the function that releases it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    reset();
    id_ = std::exchange(other.id_, -1);
    close_ = other.close_;
    return *this;
  }
  operator hid_t() const { return id_; }
  bool is_open() const { return id_ >= 0; }
  herr_t reset() {
    const herr_t result = id_ >= 0 ? close_(id_) : 0;
    id_ = -1;
    return result;
  }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// Stops the library from printing every failed call on stderr (per thread), and from closing files at exit once more
// that we have given up (full disk). Call it before anything else.
void prepare_library();

// Returns the deepest reason the library noted for the call that failed last in this thread, or "".
std::string last_reason();

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, float>)
    return H5T_NATIVE_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return H5T_NATIVE_DOUBLE;
  else if constexpr (std::is_same_v<T, int8_t>)
    return H5T_NATIVE_INT8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return H5T_NATIVE_UINT8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return H5T_NATIVE_INT16;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return H5T_NATIVE_UINT16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return H5T_NATIVE_INT32;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return H5T_NATIVE_UINT32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return H5T_NATIVE_INT64;
  else {
    static_assert(std::is_same_v<T, uint64_t>, "no HDF5 type for this element type");
    return H5T_NATIVE_UINT64;
  }
}

// Names a type: "float32", "uint8", "bool" (as h5py stores it), "string", "other".
std::string name_of_type(hid_t type);

}  // namespace boxseg::h5

// This stays out of clang-format's hands, which goes back and forth between two layouts of it.
// clang-format off
#define BOXSEG_FOR_EACH_H5_TYPE(APPLY)                                        \
  APPLY(float) APPLY(double) APPLY(int8_t) APPLY(uint8_t) APPLY(int16_t)      \
  APPLY(uint16_t) APPLY(int32_t) APPLY(uint32_t) APPLY(int64_t) APPLY(uint64_t)
// clang-format on
