// A .caffemodel is a binary protocol buffer, caffe.proto's NetParameter. Only its names and blobs are read, so neither
// Caffe nor a prototxt is needed (OpenCV's dnn reader wants one that fits).
#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "common/base/error.h"
#include "common/io/checkpoint/formats.h"
#include "common/io/protobuf.h"

namespace boxseg {
namespace {

struct Fields : ProtobufFields {
  Fields(std::string_view bytes, const std::string& file) : ProtobufFields(bytes, file, "a .caffemodel") {}
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
    if (f.is_integer) shape.push_back(static_cast<int64_t>(f.value));
    for (Fields packed(f.bytes, file); !packed.is_at_end();) shape.push_back(static_cast<int64_t>(packed.integer()));
  }
  return shape;
}

// Reads a BlobProto. Its fields are data 5, shape 7; before shapes: num 1, channels 2, height 3, width 4, of which
// those that a bias or a matrix does not use are 1.
at::Tensor read_blob(std::string_view bytes, bool is_bias, const std::string& file) {
  std::vector<float> data;
  std::vector<int64_t> shape, extents(4, 1);
  bool has_extents = false;
  for (Fields f(bytes, file); f.next();) {
    if (f.number >= 1 && f.number <= 4)
      extents[static_cast<size_t>(f.number - 1)] = static_cast<int64_t>(f.value), has_extents = true;
    else if (f.number == 5)
      append_floats(f.bytes, data);
    else if (f.number == 7)
      shape = read_shape(f.bytes, file);
  }
  if (shape.empty() && has_extents) shape = extents;
  const auto count = static_cast<int64_t>(data.size());
  if (is_bias) shape = {count};
  if (shape.size() == 4 && shape[0] == 1 && shape[1] == 1) shape.erase(shape.begin(), shape.begin() + 2);  // a matrix
  int64_t product = 1;
  for (const int64_t n : shape) product *= std::max<int64_t>(n, 0);
  if (shape.empty() || product != count)
    fail_input("{}: holds a blob of {} numbers whose shape says {}", file, count, product);
  return at::from_blob(data.data(), shape, at::kFloat).clone();
}

// Reads a LayerParameter (fields 1, 7) or a V1LayerParameter (4, 6): the first blob is the weight, the second the bias.
void read_layer(std::string_view bytes, int name_field, int blob_field, const std::string& file,
                NamedTensors& tensors) {
  std::string name;
  std::vector<std::string_view> blobs;
  for (Fields f(bytes, file); f.next();) {
    if (f.number == name_field)
      name = std::string(f.bytes);
    else if (f.number == blob_field)
      blobs.push_back(f.bytes);
  }
  static const char* const kKinds[] = {".weight", ".bias"};
  for (size_t i = 0; i < std::min<size_t>(blobs.size(), 2); ++i)
    tensors.emplace_back(name + kKinds[i], read_blob(blobs[i], i == 1, file));
}

}  // namespace

NamedTensors read_caffe_model(std::string_view bytes, const std::string& file) {
  NamedTensors tensors;
  for (Fields f(bytes, file); f.next();) {
    if (f.number == 100)
      read_layer(f.bytes, 1, 7, file, tensors);
    else if (f.number == 2)
      read_layer(f.bytes, 4, 6, file, tensors);
  }
  if (tensors.empty()) fail_input("{}: holds no layer with weights; is it a .caffemodel of Caffe 1?", file);
  return tensors;
}

}  // namespace boxseg
