#include "common/io/jpeg.h"

#include <turbojpeg.h>

#include <memory>

namespace boxseg {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 30;

struct DestroyDecoder {
  void operator()(void* decoder) const { tjDestroy(decoder); }
};

}  // namespace

std::optional<RgbImage> decode_jpeg(std::string_view bytes) {
  const std::unique_ptr<void, DestroyDecoder> decoder(tjInitDecompress());
  if (decoder == nullptr) return std::nullopt;
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &sampling, &colours) != 0) return std::nullopt;
  if (colours == TJCS_CMYK || colours == TJCS_YCCK || int64_t{width} * height > kMaxPixels) return std::nullopt;
  RgbImage image(height, width);
  const int failed = tjDecompress2(decoder.get(), data, bytes.size(), image.pixels.data(), width, 0, height, TJPF_RGB, 0);
  if (failed != 0 && tjGetErrorCode(decoder.get()) != TJERR_WARNING) return std::nullopt;
  return image;
}

}  // namespace boxseg
