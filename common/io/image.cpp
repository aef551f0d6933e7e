#include "common/io/image.h"

#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/codecs.h"
#include "common/io/image_container.h"
#include "common/io/jpeg.h"
#include "common/io/png_codec.h"

namespace boxseg {
namespace {

void refuse_if_cut(const std::filesystem::path& path, std::string_view bytes) {
  if (bytes.empty()) fail_input("{}: is empty; copy the image again", path.string());
  if (const std::string fault = fault_of_image(bytes); !fault.empty())
    fail_input("{}: is damaged or cut short ({}); copy the image again", path.string(), fault);
}

RgbImage decode_stored(const std::filesystem::path& path, const std::string& bytes, std::string* remark) {
  if (is_jpeg(bytes))
    if (std::optional<RgbImage> image = decode_jpeg(bytes, remark)) return std::move(*image);
  if (is_png(bytes)) return decode_png_rgb(path, bytes);
  return decode_unusual_image(path, bytes);
}

}  // namespace

RgbImage read_rgb(const std::filesystem::path& path) { return decode_rgb(path, read_file(path)); }

RgbImage decode_rgb(const std::filesystem::path& path, const std::string& bytes, std::string* remark) {
  refuse_if_cut(path, bytes);
  std::string damage;
  RgbImage stored = decode_stored(path, bytes, &damage);
  if (const size_t pages = pages_of_image(bytes); remark != nullptr && pages > 1)
    *remark = fmt::format("holds {} pages: the first is taken; save the others as files of their own", pages);
  if (remark != nullptr && !damage.empty())
    *remark = damage + ": a part of its pixels is a guess; copy the image again";
  return upright(std::move(stored), orientation_of_image(bytes));
}

void write_rgb_jpeg(const std::filesystem::path& path, const RgbImage& image, int quality) {
  write_file(path, encode_jpeg(image, quality));
}

void write_rgb_png(const std::filesystem::path& path, const RgbImage& image) {
  write_file(path, encode_rgb_png(image));
}

std::string encode_rgb_png(const RgbImage& image, int level) {
  return encode_png({.height = image.height, .width = image.width, .channels = 3, .pixels = image.pixels.data()},
                    level);
}

}  // namespace boxseg
