#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/hdf5.h"
#include "common/io/hdf5_detail.h"

namespace boxseg {
namespace {

using h5::Handle;

constexpr int64_t kMaxChunkBytes = 8 << 20;

// Chooses a chunk of whole rows of the first axis, as many as fit; a dataset of one image is one chunk.
std::vector<hsize_t> chunk_of(const Shape& shape, size_t element_bytes) {
  std::vector<hsize_t> chunk(shape.begin(), shape.end());
  for (auto& side : chunk) {
    const int64_t others = std::accumulate(chunk.begin(), chunk.end(), static_cast<int64_t>(element_bytes),
                                           [](int64_t a, hsize_t b) { return a * static_cast<int64_t>(b); }) /
                           static_cast<int64_t>(side);
    side = static_cast<hsize_t>(std::clamp<int64_t>(kMaxChunkBytes / others, 1, static_cast<int64_t>(side)));
    if (side > 1) break;  // this axis alone was cut enough
  }
  return chunk;
}

Handle text_type(size_t width) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<size_t>(width, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

}  // namespace

struct H5Writer::Impl {
  explicit Impl(const std::filesystem::path& p) : path(p), atomic(p) {}
  ~Impl() { file.reset(); }

  std::filesystem::path path;
  AtomicFile atomic;
  Handle link_properties;   // sets that names are UTF-8
  Handle group_properties;  // sets no time stamps, so that equal content gives equal bytes
  Handle file;

  [[noreturn]] void refuse(const std::string& what) const {
    const std::string reason = h5::last_reason();
    std::string way_out;
    for (const int error : {ENOSPC, EDQUOT, EFBIG})
      if (reason == std::strerror(error)) way_out = way_out_of(error);
    fail("{}: {} cannot be written: {}{}", path.string(), what, reason.empty() ? "no reason given" : reason, way_out);
  }

  void make_group(const std::string& group) {
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) > 0) return;
    const Handle handle(H5Gcreate2(file, group.c_str(), link_properties, group_properties, H5P_DEFAULT), H5Gclose);
    if (!handle.is_open()) refuse(group);
  }

  // Groups on the way are made here, since the library's own way gives them time stamps.
  void make_parents(const std::string& object) {
    for (size_t at = object.find('/', 1); at != std::string::npos; at = object.find('/', at + 1))
      make_group(object.substr(0, at));
  }

  void write(const std::string& dataset, hid_t type, const void* values, const Shape& shape, int gzip) {
    h5::prepare_library();
    ensure(file.is_open(), "{}: written to after it was closed", path.string());
    make_parents(dataset);
    ensure(gzip >= 0 && gzip <= 9, "{}: {}: gzip level {}, expected 0 to 9", path.string(), dataset, gzip);
    const std::vector<hsize_t> dims(shape.begin(), shape.end());
    const bool is_empty = std::find(dims.begin(), dims.end(), hsize_t{0}) != dims.end();
    const int rank = static_cast<int>(dims.size());
    const Handle space(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims.data(), nullptr), H5Sclose);
    const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation, false);
    // Filters need chunks, and chunks need a shape.
    if (!shape.empty() && !is_empty) {
      const std::vector<hsize_t> chunk = chunk_of(shape, H5Tget_size(type));
      H5Pset_chunk(creation, rank, chunk.data());
      if (gzip > 0) {
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, static_cast<unsigned>(gzip));
      }
      H5Pset_fletcher32(creation);
    }
    const Handle handle(H5Dcreate2(file, dataset.c_str(), type, space, link_properties, creation, H5P_DEFAULT),
                        H5Dclose);
    if (!handle.is_open()) refuse(dataset);
    if (!is_empty && H5Dwrite(handle, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) refuse(dataset);
  }

  void set_attribute(const std::string& object, const std::string& name, hid_t type, hid_t space, const void* values) {
    h5::prepare_library();
    ensure(file.is_open(), "{}: written to after it was closed", path.string());
    const Handle owner(H5Oopen(file, object.empty() ? "/" : object.c_str(), H5P_DEFAULT), H5Oclose);
    if (!owner.is_open()) refuse(fmt::format("attribute '{}' of {}, which is not in the file,", name, object));
    if (H5Aexists(owner, name.c_str()) > 0) H5Adelete(owner, name.c_str());
    const Handle handle(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    const bool is_empty = values == nullptr;
    if (!handle.is_open() || (!is_empty && H5Awrite(handle, type, values) < 0))
      refuse(fmt::format("{}, attribute '{}',", object, name));
  }
};

H5Writer::H5Writer(const std::filesystem::path& path) {
  h5::prepare_library();
  impl_ = std::make_unique<Impl>(path);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);  // attributes may exceed 64 kB from 1.8 on
  H5Pset_file_locking(access, false, true);
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  impl_->link_properties = Handle(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_char_encoding(impl_->link_properties, H5T_CSET_UTF8);
  impl_->group_properties = Handle(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(impl_->group_properties, false);
  impl_->file = Handle(H5Fcreate(impl_->atomic.temporary().c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  if (!impl_->file.is_open()) impl_->refuse("the file");
}

H5Writer::~H5Writer() = default;
H5Writer::H5Writer(H5Writer&&) noexcept = default;

template <class T>
void H5Writer::write(const std::string& dataset, std::span<const T> values, const Shape& shape, int gzip) {
  const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  ensure(count == static_cast<int64_t>(values.size()), "{}: {}: {} values do not fill the shape [{}]",
         impl_->path.string(), dataset, values.size(), fmt::join(shape, ","));
  impl_->write(dataset, h5::native_type<T>(), values.data(), shape, gzip);
}

void H5Writer::write_strings(const std::string& dataset, const std::vector<std::string>& values) {
  size_t width = 1;
  for (const auto& value : values) width = std::max(width, value.size());
  std::vector<char> bytes(width * values.size(), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    ensure(values[i].find('\0') == std::string::npos, "{}: {}: text {} holds a zero byte", impl_->path.string(),
           dataset, i);
    std::copy(values[i].begin(), values[i].end(), bytes.begin() + static_cast<ptrdiff_t>(i * width));
  }
  impl_->write(dataset, text_type(width), bytes.data(), {static_cast<int64_t>(values.size())}, 1);
}

void H5Writer::make_group(const std::string& group) {
  h5::prepare_library();
  ensure(impl_->file.is_open(), "{}: written to after it was closed", impl_->path.string());
  impl_->make_parents(group);
  impl_->make_group(group);
}

template <class T>
void H5Writer::set_attribute(const std::string& object, const std::string& name, T value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  impl_->set_attribute(object, name, h5::native_type<T>(), space, &value);
}

template <class T>
void H5Writer::set_attribute_list(const std::string& object, const std::string& name, const std::vector<T>& values) {
  const hsize_t count = values.size();
  const Handle space(values.empty() ? H5Screate(H5S_NULL) : H5Screate_simple(1, &count, nullptr), H5Sclose);
  impl_->set_attribute(object, name, h5::native_type<T>(), space, values.empty() ? nullptr : values.data());
}

void H5Writer::set_attribute_text(const std::string& object, const std::string& name, const std::string& value) {
  ensure(value.find('\0') == std::string::npos, "{}: attribute '{}' holds a zero byte", impl_->path.string(), name);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  impl_->set_attribute(object, name, text_type(value.size()), space, value.c_str());
}

void H5Writer::close_and_commit() {
  h5::prepare_library();
  ensure(impl_->file.is_open(), "{}: closed twice", impl_->path.string());
  if (H5Fflush(impl_->file, H5F_SCOPE_GLOBAL) < 0) impl_->refuse("the file");
  if (impl_->file.reset() < 0) impl_->refuse("the file");
  impl_->atomic.commit();
}

#define INSTANTIATE(T)                                                                         \
  template void H5Writer::write<T>(const std::string&, std::span<const T>, const Shape&, int); \
  template void H5Writer::set_attribute<T>(const std::string&, const std::string&, T);         \
  template void H5Writer::set_attribute_list<T>(const std::string&, const std::string&, const std::vector<T>&);
BOXSEG_FOR_EACH_H5_TYPE(INSTANTIATE)
#undef INSTANTIATE

}  // namespace boxseg
