#include "common/io/hdf5_detail.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace boxseg::h5 {

void prepare_library() {
  static const bool once = [] {
    // This fails when another library initialised HDF5 first; then HDF5 keeps its own ways.
    H5dont_atexit();
    return true;
  }();
  static_cast<void>(once);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string last_reason() {
  std::string reason;
  const auto visit = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    auto& text = *static_cast<std::string*>(out);
    // The walk goes upward, so the first text is the deepest.
    if (text.empty() && entry->desc != nullptr) text = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, visit, &reason);
  // HDF5 describes a failed system call with time, addresses and sizes; the call's own message suffices.
  const std::string_view mark = "error message = '";
  if (const size_t at = reason.find(mark); at != std::string::npos) {
    reason.erase(0, at + mark.size());
    reason.erase(std::min(reason.find('\''), reason.size()));
  }
  return reason;
}

std::string name_of_type(hid_t type) {
  const size_t bits = H5Tget_size(type) * 8;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return fmt::format("{}{}", H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int", bits);
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_STRING:
      return "string";
    case H5T_ENUM:
      return bits == 8 && H5Tget_nmembers(type) == 2 ? "bool" : "enum";
    case H5T_COMPOUND:
      return "compound";
    default:
      return "other";
  }
}

}  // namespace boxseg::h5
