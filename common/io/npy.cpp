#include "common/io/npy.h"

#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

// Returns the text after 'NAME': in the header, which is a Python dict written by NumPy itself.
std::string_view entry(std::string_view header, std::string_view name, const std::filesystem::path& path) {
  const size_t at = header.find(fmt::format("'{}':", name));
  if (at == std::string_view::npos) fail_input("{}: its .npy header has no '{}': {}", path.string(), name, header);
  return trim(header.substr(at + name.size() + 3));
}

std::vector<int64_t> parse_shape(std::string_view text, const std::filesystem::path& path) {
  const size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos)
    fail_input("{}: its .npy header has no shape", path.string());
  std::vector<int64_t> shape;
  for (const auto& piece : split(text.substr(1, end - 1), ',')) {
    if (piece.empty()) continue;  // "(5,)"
    if (piece.find_first_not_of("0123456789") != std::string::npos || piece.size() > 15)
      fail_input("{}: its .npy header has the side '{}'", path.string(), piece);
    shape.push_back(parse_integer(piece, path.string()));
  }
  return shape;
}

// An open file has its header read already, and stands at its data.
struct Opened {
  std::ifstream file;
  std::vector<int64_t> shape;
  size_t element_bytes = 0, data_bytes = 0;
};

// Reads up to `count` bytes; there are fewer where the file ends.
std::string next_bytes(std::ifstream& file, size_t count) {
  std::string bytes(count, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// Returns the first value of the text: "'|O'" of "'|O', 'fortran_order': ...".
std::string_view first_element(std::string_view text) {
  return text.starts_with('\'') ? text.substr(0, text.find('\'', 1) + 1) : text.substr(0, 20);
}

// Says what to do about a `type` that is not read, which is "'|u1'" or such.
const char* way_to_floats(std::string_view type) {
  const char kind = type.size() > 2 ? type[2] : '?';
  if (kind == 'f') return "write array.astype('float32')";
  if (kind == 'i' || kind == 'u' || kind == 'b')
    return "of whole numbers from 0 to 255 write (array / 255).astype('float32'), of labels one plane a class: "
           "numpy.stack([(array == k) for k in range(classes)]).astype('float32')";
  return "write an array of float32";
}

Opened open_npy(const std::filesystem::path& path) {
  Opened o;
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (!error) o.file.open(path, std::ios::binary);
  if (error || !o.file)
    fail_input("{}: cannot be read: {}", path.string(), error ? error.message() : std::strerror(errno));
  const std::string start = next_bytes(o.file, 8);
  if (start.size() < 8 || !start.starts_with(kMagic))
    fail_input("{}: is not a NumPy .npy file; write it with numpy.save(file, array.astype('float32'))", path.string());
  const std::string length = next_bytes(o.file, start[6] == 1 ? 2 : 4);
  uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, length.data(), length.size());
  const uintmax_t header_at = start.size() + length.size();
  if (header_at > size || header_bytes > size - header_at) fail_input("{}: is cut short in its header", path.string());
  const std::string header = next_bytes(o.file, header_bytes);
  const std::string_view type = first_element(entry(header, "descr", path));
  if (type != "'<f4'" && type != "'<f8'")
    fail_input("{}: holds elements of type {}, expected '<f4' or '<f8'; {}", path.string(), type, way_to_floats(type));
  if (!entry(header, "fortran_order", path).starts_with("False"))
    fail_input("{}: is in Fortran order; write numpy.ascontiguousarray(array)", path.string());
  o.shape = parse_shape(entry(header, "shape", path), path);
  o.element_bytes = type == "'<f4'" ? 4 : 8;
  o.data_bytes = static_cast<size_t>(size - header_at - header_bytes);
  size_t count = 1;
  for (const int64_t side : o.shape)
    if (__builtin_mul_overflow(count, static_cast<size_t>(side), &count)) count = ~size_t{0} / 8;
  if (o.data_bytes / o.element_bytes != count || o.data_bytes % o.element_bytes != 0)
    fail_input("{}: is cut short or damaged: {} bytes of data for the shape [{}]", path.string(), o.data_bytes,
               fmt::join(o.shape, ","));
  return o;
}

}  // namespace

std::vector<int64_t> read_npy_shape(const std::filesystem::path& path) { return open_npy(path).shape; }

FloatArray read_npy(const std::filesystem::path& path) {
  Opened o = open_npy(path);
  FloatArray array{o.shape, std::vector<float>(o.data_bytes / o.element_bytes)};
  if (o.element_bytes == 4) {
    o.file.read(reinterpret_cast<char*>(array.values.data()), static_cast<std::streamsize>(o.data_bytes));
  } else {
    double value = 0;
    for (float& v : array.values)
      if (o.file.read(reinterpret_cast<char*>(&value), sizeof value)) v = static_cast<float>(value);
  }
  if (!o.file) fail_input("{}: cannot be read to its end", path.string());
  return array;
}

void write_npy(const std::filesystem::path& path, const FloatArray& array) {
  const int64_t count = std::accumulate(array.shape.begin(), array.shape.end(), int64_t{1}, std::multiplies<>());
  ensure(count == static_cast<int64_t>(array.values.size()), "{}: {} values do not fill the shape [{}]", path.string(),
         array.values.size(), fmt::join(array.shape, ","));
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');  // the data begin at a multiple of 64
  const auto header_bytes = static_cast<uint16_t>(header.size());
  std::string bytes = std::string(kMagic) + std::string("\x01\x00", 2);
  bytes.append(reinterpret_cast<const char*>(&header_bytes), 2).append(header);
  bytes.append(reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float));
  write_file(path, bytes);
}

}  // namespace boxseg
