#include "stage2_pseudolabel/finished.h"

#include <algorithm>

#include "common/base/error.h"

namespace boxseg {
namespace {

// Writes six lines, of which the last may hold anything: why an image was skipped, or remarks on its labels.
std::string encode(const FinishedImage& image) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", image.y_crf, image.y_ret, image.has_maps ? image.maps.digest : "",
                     image.maps.offset, image.maps.size_bytes,
                     image.reason_skipped.empty() ? image.boxes_without_labels : image.reason_skipped);
}

FinishedImage decode(const std::string& payload) {
  std::string lines[6];
  size_t begin = 0;
  for (int i = 0; i < 5; ++i) {
    const size_t end = payload.find('\n', begin);
    ensure(end != std::string::npos, "a journal record of {} bytes has too few lines", payload.size());
    lines[i] = payload.substr(begin, end - begin);
    begin = end + 1;
  }
  lines[5] = payload.substr(begin);
  FinishedImage image;
  image.y_crf = lines[0];
  image.y_ret = lines[1];
  image.has_maps = !lines[2].empty();
  image.maps = {std::stoll(lines[3]), std::stoll(lines[4]), lines[2]};
  (image.y_crf.empty() ? image.reason_skipped : image.boxes_without_labels) = lines[5];
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
    if (image.reason_skipped.empty() && !fs::exists(output / y_crf_file(record.key))) continue;
    if (!image.y_ret.empty() && !fs::exists(output / y_ret_file(record.key))) continue;
    if (image.has_maps) used = std::max(used, image.maps.offset + image.maps.size_bytes);
    images_[record.key] = std::move(image);
  }
  spool_.forget_after(used);
}

void FinishedImages::add(const std::string& id, FinishedImage image, const std::string& maps_bytes) {
  if (image.has_maps) image.maps = spool_.append(maps_bytes);
  journal_.append({id, encode(image)});
  std::lock_guard lock(mutex_);
  images_[id] = std::move(image);
}

void FinishedImages::remove() {
  journal_.remove();
  spool_.remove();
}

}  // namespace boxseg
