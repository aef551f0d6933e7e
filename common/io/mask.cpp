#include "common/io/mask.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/io/label_png.h"

namespace boxseg {
namespace {

// These names are those of MATLAB's description of its file format: kinds of data elements, classes of arrays.
enum Kind : uint32_t { kInt8 = 1, kUint8 = 2, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15 };
enum Class : uint32_t { kStructClass = 2, kUint8Class = 9 };
constexpr size_t kHeaderSize = 128;

struct Element {
  uint32_t kind = 0;
  std::string_view data;
};

// Cuts data elements off the front of `bytes`. Throws bad_input without the file's name, which the caller adds.
class Elements {
 public:
  explicit Elements(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }

  Element next() {
    const uint32_t first = number(0);
    // A small element holds up to four bytes within its tag.
    if (first >> 16 != 0) {
      const size_t size = first >> 16;
      if (size > 4) fail_input("a small element of {} bytes", size);
      return take(first & 0xffff, 4, size, 8);
    }
    const size_t size = number(4);
    // Elements begin at multiples of 8, except behind a compressed one.
    return take(first, 8, size, first == kCompressed ? 8 + size : 8 + (size + 7) / 8 * 8);
  }
  Element next(uint32_t kind, const char* what) {
    const Element element = next();
    if (element.kind != kind) fail_input("{} is of kind {}, expected {}", what, element.kind, kind);
    return element;
  }

 private:
  uint32_t number(size_t at) const {
    if (bytes_.size() < at + 4) fail_input("it ends early");
    uint32_t value = 0;
    std::memcpy(&value, bytes_.data() + at, 4);
    return value;
  }
  Element take(uint32_t kind, size_t start, size_t size, size_t whole) {
    if (bytes_.size() < start + size) fail_input("it ends early");
    const Element element{kind, bytes_.substr(start, size)};
    bytes_.remove_prefix(std::min(whole, bytes_.size()));
    return element;
  }
  std::string_view bytes_;
};

std::vector<uint32_t> numbers(std::string_view data) {
  std::vector<uint32_t> values(data.size() / 4);
  std::memcpy(values.data(), data.data(), values.size() * 4);
  return values;
}

// All arrays begin with these fields; `rest` stands behind them.
struct Array {
  uint32_t array_class = 0;
  std::vector<uint32_t> dims;
  std::string name;
  Elements rest{{}};
};

Array open_array(std::string_view matrix) {
  Array array;
  array.rest = Elements(matrix);
  const auto flags = numbers(array.rest.next(kUint32, "an array's flags").data);
  if (flags.size() != 2) fail_input("an array has {} flags, expected 2", flags.size());
  array.array_class = flags[0] & 0xff;
  array.dims = numbers(array.rest.next(kInt32, "an array's size").data);
  array.name = array.rest.next(kInt8, "an array's name").data;
  return array;
}

std::string inflated(std::string_view compressed) {
  // Deflate shrinks to a 1032nd at best; the first bytes say how much there is, but a damaged file may say anything.
  const size_t most = compressed.size() * 1100;
  std::string bytes;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) fail("zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  int status = Z_OK;
  while (status == Z_OK && bytes.size() <= most) {
    const size_t done = bytes.size();
    bytes.resize(done + (1 << 16));
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
    stream.avail_out = 1 << 16;
    status = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(bytes.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) fail_input("its compressed data are cut short or changed");
  return bytes;
}

LabelMap segmentation_of(std::string_view matrix) {
  Array array = open_array(matrix);
  if (array.array_class != kUint8Class || array.dims.size() != 2)
    fail_input("GTcls.Segmentation is of class {} with {} dimensions, expected uint8 [H,W]", array.array_class,
               array.dims.size());
  const size_t height = array.dims[0], width = array.dims[1];
  const std::string_view data = array.rest.next(kUint8, "GTcls.Segmentation").data;
  if (height == 0 || width == 0 || data.size() / height != width || data.size() % height != 0)
    fail_input("GTcls.Segmentation has {} values for {} x {} pixels", data.size(), height, width);
  LabelMap labels(static_cast<int64_t>(height), static_cast<int64_t>(width));
  for (size_t x = 0; x < width; ++x)  // MATLAB's arrays stand column after column
    for (size_t y = 0; y < height; ++y) labels.pixels[y * width + x] = static_cast<uint8_t>(data[x * height + y]);
  return labels;
}

// Returns the field Segmentation of the struct GTcls; nullopt for another variable, whose name is added to `others`.
std::optional<LabelMap> from_variable(std::string_view matrix, std::vector<std::string>& others) {
  Array array = open_array(matrix);
  if (array.name != "GTcls" || array.array_class != kStructClass) {
    others.push_back(array.name);
    return {};
  }
  const auto lengths = numbers(array.rest.next(kInt32, "the length of field names").data);
  const std::string_view names = array.rest.next(kInt8, "the names of fields").data;
  if (lengths.size() != 1 || lengths[0] == 0) fail_input("the names of the fields of GTcls have no length");
  for (size_t at = 0; at + lengths[0] <= names.size(); at += lengths[0]) {
    const Element field = array.rest.next(kMatrix, "a field of GTcls");
    const std::string_view name = names.substr(at, lengths[0]);
    if (name.substr(0, name.find('\0')) == "Segmentation") return segmentation_of(field.data);
  }
  fail_input("GTcls has no field Segmentation");
}

LabelMap read_variables(std::string_view bytes) {
  std::vector<std::string> others;
  Elements file(bytes.substr(kHeaderSize));
  while (!file.empty()) {
    const Element element = file.next();
    std::string buffer;
    std::string_view matrix = element.data;
    if (element.kind == kCompressed) {
      buffer = inflated(element.data);
      matrix = Elements(buffer).next(kMatrix, "compressed data").data;
    } else if (element.kind != kMatrix) {
      fail_input("an element is of kind {}, expected an array", element.kind);
    }
    if (auto labels = from_variable(matrix, others)) return std::move(*labels);
  }
  const bool is_of_objects = std::find(others.begin(), others.end(), "GTinst") != others.end();
  fail_input("{} variables, but no struct GTcls; {}", others.size(),
             is_of_objects ? "it is of SBD's folder inst, whose numbers are objects: classes are in the folder cls"
                           : "masks of classes are those of SBD's folder cls");
}

}  // namespace

LabelMap read_sbd_mat(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  if (!bytes.starts_with("MATLAB 5.0") || bytes.size() < kHeaderSize)
    fail_input("{}: is no MATLAB 5 file, expected a mask of SBD (cls/ID.mat); save it as a label PNG", path.string());
  if (bytes.compare(126, 2, "IM") != 0)
    fail_input("{}: its numbers are not little-endian; save it as a label PNG", path.string());
  try {
    return read_variables(bytes);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::bad_input) throw;
    fail_input("{}: cannot be read as a mask of SBD (cls/ID.mat): {}; fetch it again, or save it as a label PNG",
               path.string(), e.what());
  }
}

LabelMap read_mask(const std::filesystem::path& path) {
  return lower_case(path.extension().string()) == ".mat" ? read_sbd_mat(path) : read_label_png(path);
}

}  // namespace boxseg
