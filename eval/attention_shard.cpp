#include "eval/attention_shard.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/io/hdf5.h"

namespace boxseg {

namespace fs = std::filesystem;

namespace {

// A pixel's place between cells, align_corners: the first pixel is the first cell, the last the last.
struct Place {
  int64_t cell = 0, next = 0;
  float weight = 0;
};
std::vector<Place> places(int64_t cells, int64_t pixels) {
  std::vector<Place> result(static_cast<size_t>(pixels));
  const float step = pixels > 1 ? static_cast<float>(cells - 1) / static_cast<float>(pixels - 1) : 0.0f;
  for (int64_t i = 0; i < pixels; ++i) {
    const float position = step * static_cast<float>(i);
    Place& p = result[static_cast<size_t>(i)];
    p.cell = std::min(static_cast<int64_t>(position), cells - 1);
    p.next = std::min(p.cell + 1, cells - 1);
    p.weight = p.next > p.cell ? position - static_cast<float>(p.cell) : 0.0f;
  }
  return result;
}

// value(y, x, w00, w01, w10, w11) at every pixel of the image.
template <class Value>
std::vector<float> painted(ImageSize cells, ImageSize size, const Value& value) {
  const auto rows = places(cells.height, size.height), columns = places(cells.width, size.width);
  std::vector<float> result;
  result.reserve(static_cast<size_t>(size.height * size.width));
  for (const Place& y : rows)
    for (const Place& x : columns)
      result.push_back(value(y, x, (1 - y.weight) * (1 - x.weight), (1 - y.weight) * x.weight, y.weight * (1 - x.weight),
                             y.weight * x.weight));
  return result;
}

float mixed(const float* map, int64_t w, const Place& y, const Place& x, float w00, float w01, float w10, float w11) {
  return w00 * map[y.cell * w + x.cell] + w01 * map[y.cell * w + x.next] + w10 * map[y.next * w + x.cell] +
         w11 * map[y.next * w + x.next];
}

void require_maps(const fs::path& file, const std::string& group, const std::vector<float>& values, size_t area) {
  if (area == 0 || values.size() % area != 0)
    fail_input("{}: {} has {} values for {} cells; make the shard again with stage2_pseudolabel", file.string(), group, values.size(), area);
}

}  // namespace

AttentionShards::AttentionShards(const std::vector<fs::path>& files) {
  for (const auto& path : files) {
    const H5Reader file(path);
    if (!file.has("ids")) fail_input("{}: not an attention shard of stage2_pseudolabel", path.string());
    const std::vector<std::string> ids = file.read_strings("ids");
    for (size_t i = 0; i < ids.size(); ++i) shard_of_image_[ids[i]] = {path, "maps/" + std::to_string(i)};
  }
}

std::optional<CellMaps> AttentionShards::find(const std::string& image_id) const {
  const auto found = shard_of_image_.find(image_id);
  if (found == shard_of_image_.end()) return std::nullopt;
  const auto& [path, group] = found->second;
  const H5Reader file(path);
  CellMaps maps;
  const Shape shape = file.shape(group + "/gram");
  if (shape.size() != 3 || shape[0] != 5) fail_input("{}: {}/gram is not of shape [5,h,w]", path.string(), group);
  maps.cells = {shape[1], shape[2]};
  maps.gram = file.read<float>(group + "/gram");
  if (file.has(group + "/query_maps")) maps.query_maps = file.read<float>(group + "/query_maps");
  if (file.has(group + "/class_maps")) maps.class_maps = file.read<float>(group + "/class_maps");
  const auto area = static_cast<size_t>(shape[1] * shape[2]);
  require_maps(path, group + "/query_maps", maps.query_maps, area);
  require_maps(path, group + "/class_maps", maps.class_maps, area);
  maps.classes = file.attribute_list<int64_t>(group, "classes");
  maps.classes.resize(std::min(maps.classes.size(), maps.class_maps.size() / area));
  return maps;
}

std::vector<float> attention_picture(const CellMaps& maps, ImageSize size) {
  const int64_t w = maps.cells.width, area = maps.cells.height * w;
  const int64_t queries = static_cast<int64_t>(maps.query_maps.size()) / area;
  return painted(maps.cells, size, [&](const Place& y, const Place& x, float w00, float w01, float w10, float w11) {
    const auto gram = [&](int64_t kind, int64_t row, int64_t column) { return maps.gram[static_cast<size_t>(kind * area + row * w + column)]; };
    // |F|^2 of the interpolated feature from the inner products of the four cells around it.
    float squared = w00 * w00 * gram(0, y.cell, x.cell) + w01 * w01 * gram(0, y.cell, x.next) +
                    w10 * w10 * gram(0, y.next, x.cell) + w11 * w11 * gram(0, y.next, x.next);
    squared += 2 * (w00 * w01 * gram(1, y.cell, x.cell) + w10 * w11 * gram(1, y.next, x.cell));
    squared += 2 * (w00 * w10 * gram(2, y.cell, x.cell) + w01 * w11 * gram(2, y.cell, x.next));
    squared += 2 * (w00 * w11 * gram(3, y.cell, x.cell) + w01 * w10 * gram(4, y.cell, x.cell));
    const float norm = std::max(1e-12f, std::sqrt(std::max(0.0f, squared)));
    float sum = 0;
    for (int64_t j = 0; j < queries; ++j)
      sum += std::max(0.0f, mixed(maps.query_maps.data() + j * area, w, y, x, w00, w01, w10, w11) / norm);
    return queries > 0 ? sum / static_cast<float>(queries) : 0.0f;
  });
}

std::vector<float> u0_picture(const std::vector<float>& attention, const std::vector<uint8_t>& background, double threshold) {
  ensure(attention.size() == background.size(), "u0 of {} and {} pixels", attention.size(), background.size());
  float highest = 0;
  for (const float a : attention) highest = std::max(highest, a);
  const float lowest = static_cast<float>(threshold) * highest;
  std::vector<float> u0(attention.size());
  for (size_t i = 0; i < u0.size(); ++i) u0[i] = background[i] != 0 ? 1.0f : attention[i] < lowest ? 0.0f : attention[i];
  return u0;
}

std::vector<float> activation_picture(const CellMaps& maps, size_t i, ImageSize size) {
  const int64_t w = maps.cells.width;
  const float* map = maps.class_maps.data() + i * static_cast<size_t>(maps.cells.height * w);
  return painted(maps.cells, size, [&](const Place& y, const Place& x, float w00, float w01, float w10, float w11) {
    return std::max(0.0f, mixed(map, w, y, x, w00, w01, w10, w11));
  });
}

}  // namespace boxseg
