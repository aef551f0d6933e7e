#include "stage2_pseudolabel/finished.h"

#include <algorithm>

#include "common/base/error.h"

namespace boxseg {
namespace {

constexpr char kBetweenMaps = '\0';  // which no JSON holds

// Three lines.
std::string encode(bool is_there, const Spool::Place& place) {
  return fmt::format("{}\n{}\n{}", is_there ? place.digest : "", place.offset, place.size_bytes);
}

// Writes nine lines, of which the last may hold anything: why an image was skipped, or remarks on its labels.
std::string encode(const FinishedImage& image) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", image.y_crf, image.y_ret, encode(image.has_maps, image.maps),
                     encode(image.has_results, image.results),
                     image.reason_skipped.empty() ? image.boxes_without_labels : image.reason_skipped);
}

FinishedImage decode(const std::string& payload) {
  constexpr size_t kLast = 8;
  std::string lines[kLast + 1];
  size_t begin = 0;
  for (size_t i = 0; i < kLast; ++i) {
    const size_t end = payload.find('\n', begin);
    ensure(end != std::string::npos, "a journal record of {} bytes has too few lines", payload.size());
    lines[i] = payload.substr(begin, end - begin);
    begin = end + 1;
  }
  lines[kLast] = payload.substr(begin);
  FinishedImage image;
  image.y_crf = lines[0];
  image.y_ret = lines[1];
  image.has_maps = !lines[2].empty();
  image.maps = {std::stoll(lines[3]), std::stoll(lines[4]), lines[2]};
  image.has_results = !lines[5].empty();
  image.results = {std::stoll(lines[6]), std::stoll(lines[7]), lines[5]};
  (image.y_crf.empty() ? image.reason_skipped : image.boxes_without_labels) = lines[kLast];
  return image;
}

}  // namespace

FinishedImages::FinishedImages(const fs::path& output, const Shard& shard, const std::string& run_key)
    : output_(output),
      journal_(output / shard_file(shard, ".journal"), run_key),
      spool_(output / shard_file(shard, ".spool")) {
  int64_t used = 0;
  for (const auto& record : journal_.found()) {
    FinishedImage image = decode(record.payload);
    if (image.has_maps && !spool_.holds(image.maps)) continue;
    if (image.has_results && !spool_.holds(image.results)) continue;
    if (image.reason_skipped.empty() && !fs::exists(output / y_crf_file(record.key))) continue;
    if (!image.y_ret.empty() && !fs::exists(output / y_ret_file(record.key))) continue;
    if (image.has_maps) used = std::max(used, image.maps.offset + image.maps.size_bytes);
    if (image.has_results) used = std::max(used, image.results.offset + image.results.size_bytes);
    images_[record.key] = std::move(image);
  }
  spool_.forget_after(used);
}

void FinishedImages::add(const std::string& id, FinishedImage image, const std::string& maps_bytes,
                         const ImageResults& results) {
  if (image.has_maps) image.maps = spool_.append(maps_bytes);
  if (image.has_results) image.results = spool_.append(results.y_crf + kBetweenMaps + results.y_ret);
  journal_.append({id, encode(image)});
  std::lock_guard lock(mutex_);
  images_[id] = std::move(image);
}

ImageResults FinishedImages::read_results(const FinishedImage& image) const {
  if (!image.has_results) return {};
  const std::string bytes = spool_.read(image.results);
  const size_t end = bytes.find(kBetweenMaps);
  ensure(end != std::string::npos, "results of {} bytes are of one label map alone", bytes.size());
  return {bytes.substr(0, end), bytes.substr(end + 1)};
}

void FinishedImages::remove() {
  journal_.remove();
  spool_.remove();
}

}  // namespace boxseg
