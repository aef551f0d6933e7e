#include "common/data/photograph.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/image_container.h"

namespace boxseg {

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
