// A small RAII wrapper over the HDF5 C API reads and writes whole datasets, and scalar and vector attributes.
//
// Files are created under a name of their own and renamed by close_and_commit(); they are opened for reading without
// file locks (network file systems). Object timestamps are off. Datasets get the fletcher32 checksum. One object is not
// for concurrent use, but different files may be used from different threads. Element types T are float, double,
// uint8_t, int32_t, int64_t, uint32_t, uint64_t, int8_t, int16_t and uint16_t. Numbers are converted on reading;
// fractions into integers and integers that do not fit are refused. Equal calls give equal bytes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace boxseg {

using Shape = std::vector<int64_t>;

class H5Reader {
 public:
  // Throws bad_input where the file is missing, not HDF5, or cut short ("was its writer killed? remove it and run ...
  // again").
  explicit H5Reader(const std::filesystem::path& path);
  ~H5Reader();
  H5Reader(H5Reader&&) noexcept;

  bool has(const std::string& object) const;                                     // dataset or group, "a/b"
  bool has_attribute(const std::string& object, const std::string& name) const;  // object "" or "/" = root
  std::vector<std::string> children(const std::string& group) const;             // names, sorted; "" = root
  bool is_group(const std::string& object) const;
  Shape shape(const std::string& dataset) const;            // {} for a scalar
  std::string type_name(const std::string& dataset) const;  // "float32", "uint8", "int64", "string", ...
  template <class T>
  std::vector<T> read(const std::string& dataset) const;  // row-major, all of it
  std::vector<std::string> read_strings(const std::string& dataset) const;
  template <class T>
  T attribute(const std::string& object, const std::string& name) const;  // scalar (or size 1)
  template <class T>
  std::vector<T> attribute_list(const std::string& object, const std::string& name) const;
  std::string attribute_text(const std::string& object, const std::string& name) const;
  std::vector<std::string> attribute_texts(const std::string& object, const std::string& name) const;
  std::string attribute_type(const std::string& object, const std::string& name) const;  // as type_name()
  Shape attribute_shape(const std::string& object, const std::string& name) const;       // {} for a scalar
  std::vector<std::string> attribute_names(const std::string& object) const;             // sorted
  const std::filesystem::path& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class H5Writer {
 public:
  explicit H5Writer(const std::filesystem::path& path);
  ~H5Writer();  // without close_and_commit() nothing remains
  H5Writer(H5Writer&&) noexcept;

  // Creates missing groups on the way. `gzip` is 0 for none, or 1..9 (with shuffle).
  template <class T>
  void write(const std::string& dataset, std::span<const T> values, const Shape& shape, int gzip = 0);
  template <class T>
  void write(const std::string& dataset, const std::vector<T>& values, int gzip = 0) {
    write<T>(dataset, std::span<const T>(values), {static_cast<int64_t>(values.size())}, gzip);
  }
  void write_strings(const std::string& dataset, const std::vector<std::string>& values);
  void make_group(const std::string& group);
  template <class T>
  void set_attribute(const std::string& object, const std::string& name, T value);
  template <class T>
  void set_attribute_list(const std::string& object, const std::string& name, const std::vector<T>& values);
  void set_attribute_text(const std::string& object, const std::string& name, const std::string& value);
  void close_and_commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace boxseg
