#include "common/io/jpeg.h"

#include <turbojpeg.h>

#include <memory>

#include "common/base/error.h"

namespace boxseg {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 30;

struct Destroy {
  void operator()(void* coder) const { tjDestroy(coder); }
};

struct FreeBytes {
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

// Tells which of libjpeg's warnings mean that pixels are lost.
bool is_damage(const std::string& warning) {
  const auto has = [&](const char* words) { return warning.find(words) != std::string::npos; };
  return has("Premature end") || (has("Corrupt JPEG data") && !has("extraneous bytes") && !has("ICC"));
}

}  // namespace

std::optional<RgbImage> decode_jpeg(std::string_view bytes, std::string* remark) {
  const std::unique_ptr<void, Destroy> decoder(tjInitDecompress());
  if (decoder == nullptr) return std::nullopt;
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, sampling = 0, colours = 0;
  const auto has_failed = [&](int status) {
    if (status == 0) return false;
    if (tjGetErrorCode(decoder.get()) != TJERR_WARNING) return true;
    const std::string warning = tjGetErrorStr2(decoder.get());
    if (remark != nullptr && is_damage(warning)) *remark = warning;
    return false;
  };
  if (has_failed(tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &sampling, &colours)) ||
      width < 1 || height < 1)
    return std::nullopt;
  if (colours == TJCS_CMYK || colours == TJCS_YCCK || int64_t{width} * height > kMaxPixels) return std::nullopt;
  RgbImage image(height, width);
  if (has_failed(tjDecompress2(decoder.get(), data, bytes.size(), image.pixels.data(), width, 0, height, TJPF_RGB, 0)))
    return std::nullopt;
  return image;
}

std::string encode_jpeg(const RgbImage& image, int quality) {
  const std::unique_ptr<void, Destroy> encoder(tjInitCompress());
  ensure(encoder != nullptr, "TurboJPEG cannot start");
  unsigned char* start = nullptr;
  unsigned long size = 0;
  const int failed =
      tjCompress2(encoder.get(), image.pixels.data(), static_cast<int>(image.width), 0, static_cast<int>(image.height),
                  TJPF_RGB, &start, &size, TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, FreeBytes> bytes(start);
  if (failed != 0)
    fail("an image of {} x {} pixels cannot be encoded as JPEG: {}", image.height, image.width,
         tjGetErrorStr2(encoder.get()));
  return {reinterpret_cast<const char*>(bytes.get()), size};
}

}  // namespace boxseg
