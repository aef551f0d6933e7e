// .caffemodel: a binary protocol buffer, caffe.proto's NetParameter. Of it only names and blobs are read, so neither Caffe
// nor a prototxt is needed (OpenCV's dnn reader wants one that fits).
#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "common/base/error.h"
#include "common/io/checkpoint/formats.h"

namespace boxseg {
namespace {

// The fields of one message, one after the other: number, and either a value or bytes.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& file) : rest_(bytes), file_(file) {}

  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    number = static_cast<int>(key >> 3);
    value = 0, bytes = {};
    switch (key & 7) {
      case 0: value = varint(); break;
      case 1: bytes = take(8); break;
      case 2: bytes = take(varint()); break;
      case 5: bytes = take(4); break;
      default: fail_input("{}: is damaged, or no .caffemodel (field type {})", file_, key & 7);
    }
    return true;
  }

  bool is_at_end() const { return rest_.empty(); }
  uint64_t varint() {
    uint64_t result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      result |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return result;
    }
    fail_input("{}: is damaged, or no .caffemodel (a number of more than 64 bits)", file_);
  }

  int number = 0;
  uint64_t value = 0;
  std::string_view bytes;

 private:
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) fail_input("{}: is cut short, or no .caffemodel", file_);
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  const std::string& file_;
};

// Repeated numbers stand packed in one field, or one by one.
void append_floats(std::string_view bytes, std::vector<float>& values) {
  const size_t before = values.size();
  values.resize(before + bytes.size() / sizeof(float));
  std::memcpy(values.data() + before, bytes.data(), bytes.size() / sizeof(float) * sizeof(float));
}

std::vector<int64_t> read_shape(std::string_view bytes, const std::string& file) {
  std::vector<int64_t> shape;
  for (Fields f(bytes, file); f.next();) {
    if (f.number != 1) continue;
    if (f.bytes.empty()) shape.push_back(static_cast<int64_t>(f.value));
    for (Fields packed(f.bytes, file); !packed.is_at_end();) shape.push_back(static_cast<int64_t>(packed.varint()));
  }
  return shape;
}

// BlobProto: data 5, shape 7; before shapes: num 1, channels 2, height 3, width 4, where what a bias or a matrix does not
// use is 1.
at::Tensor read_blob(std::string_view bytes, bool is_bias, const std::string& file) {
  std::vector<float> data;
  std::vector<int64_t> shape, extents(4, 1);
  bool has_extents = false;
  for (Fields f(bytes, file); f.next();) {
    if (f.number >= 1 && f.number <= 4) extents[static_cast<size_t>(f.number - 1)] = static_cast<int64_t>(f.value), has_extents = true;
    else if (f.number == 5) append_floats(f.bytes, data);
    else if (f.number == 7) shape = read_shape(f.bytes, file);
  }
  if (shape.empty() && has_extents) shape = extents;
  const auto count = static_cast<int64_t>(data.size());
  if (is_bias) shape = {count};
  if (shape.size() == 4 && shape[0] == 1 && shape[1] == 1) shape.erase(shape.begin(), shape.begin() + 2);  // a matrix
  int64_t product = 1;
  for (const int64_t n : shape) product *= std::max<int64_t>(n, 0);
  if (shape.empty() || product != count) fail_input("{}: holds a blob of {} numbers whose shape says {}", file, count, product);
  return at::from_blob(data.data(), shape, at::kFloat).clone();
}

// LayerParameter (fields 1, 7) or V1LayerParameter (4, 6): the first blob is the weight, the second the bias.
void read_layer(std::string_view bytes, int name_field, int blob_field, const std::string& file, NamedTensors& tensors) {
  std::string name;
  std::vector<std::string_view> blobs;
  for (Fields f(bytes, file); f.next();) {
    if (f.number == name_field) name = std::string(f.bytes);
    else if (f.number == blob_field) blobs.push_back(f.bytes);
  }
  static const char* const kKinds[] = {".weight", ".bias"};
  for (size_t i = 0; i < std::min<size_t>(blobs.size(), 2); ++i) tensors.emplace_back(name + kKinds[i], read_blob(blobs[i], i == 1, file));
}

}  // namespace

NamedTensors read_caffe_model(std::string_view bytes, const std::string& file) {
  NamedTensors tensors;
  for (Fields f(bytes, file); f.next();) {
    if (f.number == 100) read_layer(f.bytes, 1, 7, file, tensors);
    else if (f.number == 2) read_layer(f.bytes, 4, 6, file, tensors);
  }
  if (tensors.empty()) fail_input("{}: holds no layer with weights; is it a .caffemodel of Caffe 1?", file);
  return tensors;
}

}  // namespace boxseg
