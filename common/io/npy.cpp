#include "common/io/npy.h"

#include <fmt/ranges.h>

#include <cstring>
#include <numeric>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

// The text after 'NAME': in the header, which is a Python dict written by NumPy itself.
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

}  // namespace

FloatArray read_npy(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const std::string_view view(bytes);
  if (view.size() < 12 || !view.starts_with(kMagic))
    fail_input("{}: is not a NumPy .npy file; write it with numpy.save(file, array.astype('float32'))", path.string());
  const bool is_version_1 = view[6] == 1;
  uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, view.data() + 8, is_version_1 ? 2 : 4);
  const size_t header_at = is_version_1 ? 10 : 12;
  if (header_bytes > view.size() - header_at) fail_input("{}: is cut short in its header", path.string());
  const std::string_view header = view.substr(header_at, header_bytes);
  const std::string_view type = entry(header, "descr", path).substr(0, 5);
  if (type != "'<f4'" && type != "'<f8'")
    fail_input("{}: holds elements of type {}, expected '<f4' or '<f8'; write array.astype('float32')", path.string(),
               type);
  if (!entry(header, "fortran_order", path).starts_with("False"))
    fail_input("{}: is in Fortran order; write numpy.ascontiguousarray(array)", path.string());

  FloatArray array;
  array.shape = parse_shape(entry(header, "shape", path), path);
  const size_t element_bytes = type == "'<f4'" ? 4 : 8;
  const std::string_view data = view.substr(header_at + header_bytes);
  size_t count = 1;
  for (const int64_t side : array.shape)
    if (__builtin_mul_overflow(count, static_cast<size_t>(side), &count)) count = ~size_t{0} / 8;
  if (data.size() / element_bytes != count || data.size() % element_bytes != 0)
    fail_input("{}: is cut short or damaged: {} bytes of data for the shape [{}]", path.string(), data.size(),
               fmt::join(array.shape, ","));
  array.values.resize(count);
  if (element_bytes == 4) {
    if (count > 0) std::memcpy(array.values.data(), data.data(), data.size());
  } else {
    for (size_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, data.data() + 8 * i, 8);
      array.values[i] = static_cast<float>(value);
    }
  }
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
