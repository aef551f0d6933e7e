#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/hdf5.h"
#include "common/io/hdf5_detail.h"

namespace boxseg {
namespace {

using h5::Handle;

std::string object_path(const std::string& object) { return object.empty() ? "/" : object; }

Shape shape_of_space(hid_t space) {
  std::vector<hsize_t> dims(static_cast<size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  if (!dims.empty()) H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

int64_t count_of_space(hid_t space) {
  return H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : static_cast<int64_t>(H5Sget_simple_extent_npoints(space));
}

// Adds a name to a std::vector<std::string>, for the library's walks over links and attributes.
template <class Info>
herr_t add_name(hid_t, const char* name, const Info*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

// Aborts the conversion of a whole number that does not fit the wanted type, which would be clipped in silence.
H5T_conv_ret_t refuse_out_of_range(H5T_conv_except_t what, hid_t, hid_t target, void*, void*, void*) {
  const bool is_range = what == H5T_CONV_EXCEPT_RANGE_HI || what == H5T_CONV_EXCEPT_RANGE_LOW;
  return is_range && H5Tget_class(target) == H5T_INTEGER ? H5T_CONV_ABORT : H5T_CONV_UNHANDLED;
}

}  // namespace

struct H5Reader::Impl {
  std::filesystem::path path;
  Handle file;

  [[noreturn]] void refuse(const std::string& object, const std::string& why) const {
    fail_input("{}: {}: {}", path.string(), object_path(object), why);
  }

  bool exists(const std::string& object) const {
    if (object.empty() || object == "/") return true;
    for (size_t at = object.find('/', 1);; at = object.find('/', at + 1)) {  // H5Lexists wants each step to exist
      const std::string prefix = object.substr(0, at);
      if (H5Lexists(file, prefix.c_str(), H5P_DEFAULT) <= 0) return false;
      if (at == std::string::npos) break;
    }
    return H5Oexists_by_name(file, object.c_str(), H5P_DEFAULT) > 0;
  }

  Handle open_object(const std::string& object) const {
    h5::prepare_library();
    Handle handle(exists(object) ? H5Oopen(file, object_path(object).c_str(), H5P_DEFAULT) : -1, H5Oclose);
    if (!handle.is_open()) refuse(object, "not in this file; was it written by another version or program?");
    return handle;
  }

  Handle open_dataset(const std::string& name) const {
    Handle handle = open_object(name);
    if (H5Iget_type(handle) != H5I_DATASET) refuse(name, "is a group, a dataset was expected");
    return handle;
  }

  Handle open_attribute(const std::string& object, const std::string& name) const {
    const Handle owner = open_object(object);
    Handle handle(H5Aexists(owner, name.c_str()) > 0 ? H5Aopen(owner, name.c_str(), H5P_DEFAULT) : -1, H5Aclose);
    if (!handle.is_open()) refuse(object, fmt::format("has no attribute '{}'", name));
    return handle;
  }

  // Refuses a type in the file that T cannot hold without loss of meaning: only numbers fit, and no fractions into
  // integers.
  template <class T>
  void check_type(hid_t type, const std::string& what) const {
    const H5T_class_t kind = H5Tget_class(type);
    const bool is_fine = kind == H5T_INTEGER || kind == H5T_ENUM || (kind == H5T_FLOAT && std::is_floating_point_v<T>);
    if (!is_fine)
      refuse(what, fmt::format("holds {} values, {} was expected", h5::name_of_type(type),
                               std::is_floating_point_v<T> ? "a number" : "a whole number"));
  }

  // Returns how many elements the file says it has. A damaged one may claim any number; more than the best of
  // compressions could put into a file of this size is refused.
  size_t count_to_read(hid_t space, hid_t type, const std::string& what) const {
    constexpr double kMostPerByte = 1100, kSmall = 1 << 20;
    const int64_t count = count_of_space(space);
    const double bytes = static_cast<double>(count) * static_cast<double>(H5Tget_size(type));
    hsize_t held = 0;
    H5Fget_filesize(file, &held);
    if (bytes > kMostPerByte * static_cast<double>(held) + kSmall)
      refuse(what, fmt::format("claims {} elements, which {} bytes of file cannot hold: it is damaged; remove the file "
                               "and make it again",
                               count, held));
    return static_cast<size_t>(count);
  }

  template <class T>
  std::vector<T> room_for(size_t count, const std::string& what) const {
    try {
      return std::vector<T>(count);
    } catch (const std::bad_alloc&) {
      fail("{}: {}: not enough memory for its {} elements", path.string(), what, count);
    }
  }

  // Reads texts by `read(memory_type, buffer)`, which is H5Dread or H5Aread.
  template <class Read>
  std::vector<std::string> strings(hid_t type, hid_t space, const std::string& what, const Read& read) const {
    if (H5Tget_class(type) != H5T_STRING)
      refuse(what, fmt::format("holds {} values, text was expected", h5::name_of_type(type)));
    const size_t n = count_to_read(space, type, what);
    std::vector<std::string> values = room_for<std::string>(n, what);
    if (n == 0) return values;
    const Handle memory(H5Tcopy(type), H5Tclose);
    if (H5Tis_variable_str(type) > 0) {
      std::vector<char*> pointers(n, nullptr);
      if (read(memory, pointers.data()) < 0) refuse(what, "cannot be read: " + h5::last_reason());
      for (size_t i = 0; i < n; ++i) values[i] = pointers[i] != nullptr ? pointers[i] : "";
      H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
      return values;
    }
    const size_t width = H5Tget_size(type);
    std::vector<char> bytes(n * width);
    if (read(memory, bytes.data()) < 0) refuse(what, "cannot be read: " + h5::last_reason());
    const bool is_space_padded = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    for (size_t i = 0; i < n; ++i) {
      values[i].assign(&bytes[i * width], strnlen(&bytes[i * width], width));
      if (is_space_padded) values[i].erase(values[i].find_last_not_of(' ') + 1);
    }
    return values;
  }
};

H5Reader::H5Reader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  h5::prepare_library();
  impl_->path = path;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail_input("{}: cannot be read: No such file or directory", path.string());
  if (std::filesystem::is_directory(status)) fail_input("{}: is a folder, an HDF5 file was expected", path.string());
  require_regular_file(path);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access, false, true);
  impl_->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (impl_->file.is_open()) return;
  const std::string reason = h5::last_reason();
  if (H5Fis_hdf5(path.c_str()) > 0)
    fail_input("{}: is not whole (was its writer killed, or the copy cut?): {}; remove it and make it again",
               path.string(), reason);
  if (const int code = errno; code == EACCES) fail_input("{}: cannot be read: {}", path.string(), std::strerror(code));
  fail_input("{}: is not an HDF5 file, or its beginning is lost; remove it and make it again", path.string());
}

H5Reader::~H5Reader() = default;
H5Reader::H5Reader(H5Reader&&) noexcept = default;

const std::filesystem::path& H5Reader::path() const { return impl_->path; }

bool H5Reader::has(const std::string& object) const {
  h5::prepare_library();
  return impl_->exists(object);
}

bool H5Reader::has_attribute(const std::string& object, const std::string& name) const {
  if (!has(object)) return false;
  const Handle owner = impl_->open_object(object);
  return H5Aexists(owner, name.c_str()) > 0;
}

bool H5Reader::is_group(const std::string& object) const {
  const Handle handle = impl_->open_object(object);
  return H5Iget_type(handle) == H5I_GROUP;
}

std::vector<std::string> H5Reader::children(const std::string& group) const {
  const Handle handle = impl_->open_object(group);
  if (H5Iget_type(handle) != H5I_GROUP) impl_->refuse(group, "is a dataset, a group was expected");
  std::vector<std::string> names;
  hsize_t index = 0;
  if (H5Literate(handle, H5_INDEX_NAME, H5_ITER_INC, &index, add_name<H5L_info_t>, &names) < 0)
    impl_->refuse(group, "cannot be listed: " + h5::last_reason());
  return names;
}

Shape H5Reader::shape(const std::string& dataset) const {
  const Handle handle = impl_->open_dataset(dataset);
  const Handle space(H5Dget_space(handle), H5Sclose);
  return shape_of_space(space);
}

std::string H5Reader::type_name(const std::string& dataset) const {
  const Handle handle = impl_->open_dataset(dataset);
  const Handle type(H5Dget_type(handle), H5Tclose);
  return h5::name_of_type(type);
}

template <class T>
std::vector<T> H5Reader::read(const std::string& dataset) const {
  const Handle handle = impl_->open_dataset(dataset);
  const Handle space(H5Dget_space(handle), H5Sclose), type(H5Dget_type(handle), H5Tclose);
  impl_->check_type<T>(type, dataset);
  std::vector<T> values = impl_->room_for<T>(impl_->count_to_read(space, type, dataset), dataset);
  if (values.empty()) return values;
  const Handle transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  H5Pset_type_conv_cb(transfer, refuse_out_of_range, nullptr);
  if (H5Dread(handle, h5::native_type<T>(), H5S_ALL, H5S_ALL, transfer, values.data()) < 0)
    impl_->refuse(dataset, fmt::format("cannot be read, the file is damaged or a number does not fit ({}); "
                                       "remove the file and make it again",
                                       h5::last_reason()));
  return values;
}

std::vector<std::string> H5Reader::read_strings(const std::string& dataset) const {
  const Handle handle = impl_->open_dataset(dataset);
  const Handle space(H5Dget_space(handle), H5Sclose), type(H5Dget_type(handle), H5Tclose);
  return impl_->strings(type, space, dataset, [&](hid_t memory, void* buffer) {
    return H5Dread(handle, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
  });
}

template <class T>
std::vector<T> H5Reader::attribute_list(const std::string& object, const std::string& name) const {
  const Handle handle = impl_->open_attribute(object, name);
  const Handle space(H5Aget_space(handle), H5Sclose), type(H5Aget_type(handle), H5Tclose);
  const std::string what = fmt::format("{}, attribute '{}'", object_path(object), name);
  impl_->check_type<T>(type, what);
  // Attributes have no conversion callback, so narrow integers are read wide and looked at.
  using Wide = std::conditional_t<std::is_integral_v<T> && sizeof(T) < 8, int64_t, T>;
  std::vector<Wide> values(static_cast<size_t>(count_of_space(space)));
  if (!values.empty() && H5Aread(handle, h5::native_type<Wide>(), values.data()) < 0)
    impl_->refuse(what, "cannot be read: " + h5::last_reason());
  for (const Wide value : values)
    if (!(std::is_same_v<Wide, T>)&&static_cast<Wide>(static_cast<T>(value)) != value)
      impl_->refuse(what, fmt::format("{} does not fit the type wanted", value));
  return {values.begin(), values.end()};
}

template <class T>
T H5Reader::attribute(const std::string& object, const std::string& name) const {
  const std::vector<T> values = attribute_list<T>(object, name);
  if (values.size() != 1)
    impl_->refuse(object, fmt::format("attribute '{}' holds {} values, one was expected", name, values.size()));
  return values[0];
}

std::string H5Reader::attribute_text(const std::string& object, const std::string& name) const {
  const std::vector<std::string> values = attribute_texts(object, name);
  if (values.size() != 1)
    impl_->refuse(object, fmt::format("attribute '{}' holds {} values, one was expected", name, values.size()));
  return values[0];
}

std::vector<std::string> H5Reader::attribute_texts(const std::string& object, const std::string& name) const {
  const Handle handle = impl_->open_attribute(object, name);
  const Handle space(H5Aget_space(handle), H5Sclose), type(H5Aget_type(handle), H5Tclose);
  const std::string what = fmt::format("{}, attribute '{}'", object_path(object), name);
  return impl_->strings(type, space, what, [&](hid_t memory, void* buffer) { return H5Aread(handle, memory, buffer); });
}

std::string H5Reader::attribute_type(const std::string& object, const std::string& name) const {
  const Handle handle = impl_->open_attribute(object, name);
  const Handle type(H5Aget_type(handle), H5Tclose);
  return h5::name_of_type(type);
}

Shape H5Reader::attribute_shape(const std::string& object, const std::string& name) const {
  const Handle handle = impl_->open_attribute(object, name);
  const Handle space(H5Aget_space(handle), H5Sclose);
  return shape_of_space(space);
}

std::vector<std::string> H5Reader::attribute_names(const std::string& object) const {
  const Handle owner = impl_->open_object(object);
  std::vector<std::string> names;
  hsize_t index = 0;
  if (H5Aiterate2(owner, H5_INDEX_NAME, H5_ITER_INC, &index, add_name<H5A_info_t>, &names) < 0)
    impl_->refuse(object, "its attributes cannot be listed: " + h5::last_reason());
  return names;
}

#define INSTANTIATE(T)                                                             \
  template std::vector<T> H5Reader::read<T>(const std::string&) const;             \
  template T H5Reader::attribute<T>(const std::string&, const std::string&) const; \
  template std::vector<T> H5Reader::attribute_list<T>(const std::string&, const std::string&) const;
BOXSEG_FOR_EACH_H5_TYPE(INSTANTIATE)
#undef INSTANTIATE

}  // namespace boxseg
