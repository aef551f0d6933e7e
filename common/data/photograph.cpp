#include "common/data/photograph.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/image_container.h"

namespace boxseg {
namespace {

// A photograph of COCO says all within its first 700 bytes. EXIF with a preview is a segment of 64 kB at most.
constexpr size_t kBeginnings[] = {4 << 10, 128 << 10};

std::string beginning_of(const std::filesystem::path& path, size_t length) {
  std::string bytes(length, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(length));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

bool is_grey(const RgbImage& image) {
  for (size_t i = 0; i + 2 < image.pixels.size(); i += 3)
    if (image.pixels[i] != image.pixels[i + 1] || image.pixels[i] != image.pixels[i + 2]) return false;
  return true;
}

}  // namespace

PhotographHeader look_at_header(const std::filesystem::path& path) {
  for (const size_t length : kBeginnings) {
    const std::string beginning = beginning_of(path, length);
    if (const auto header = header_of_jpeg(beginning)) return {header->size, header->is_grey};
    if (!is_jpeg(beginning)) break;
  }
  const std::string bytes = read_file(path);
  if (const auto header = header_of_jpeg(bytes)) return {header->size, header->is_grey};
  const RgbImage image = decode_rgb(path, bytes);
  return {{image.height, image.width}, is_grey(image)};
}

Photograph look_at_photograph(const std::filesystem::path& path, const std::string& name) {
  const std::string bytes = read_file(path);
  std::string remark;
  RgbImage image = decode_rgb(path, bytes, &remark);
  const ImageSize size{image.height, image.width};
  Photograph photograph{std::move(image), size, orientation_of_image(bytes), digest_of(bytes), {}};
  auto& doubts = photograph.doubts;
  if (is_stored_turned(bytes))
    doubts["a photograph that is turned"] = fmt::format(
        "{} is turned upright, as its EXIF says: boxes and masks are taken to be those of the upright one", name);
  if (!remark.empty())
    doubts[is_jpeg(bytes) ? "damaged data" : "several pages"] = fmt::format("{}: {}", path.string(), remark);
  constexpr int kAlmostBlack = 16;
  if (const int brightest = *std::max_element(photograph.image.pixels.begin(), photograph.image.pixels.end());
      brightest < kAlmostBlack)
    doubts["a black photograph"] =
        fmt::format("{} is almost black, its brightest value {} of 255{}", path.string(), brightest,
                    is_jpeg(bytes) ? "" : "; is it of 16 bits, of which it uses a few?");
  return photograph;
}

}  // namespace boxseg
