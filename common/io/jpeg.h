// Decodes JPEG photographs straight to RGB, and encodes them, by libjpeg-turbo's TurboJPEG API.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/io/image.h"

namespace boxseg {

// Decodes to the same bytes as OpenCV (both use libjpeg-turbo: exact integer DCT, smooth chroma), without its detour
// over BGR, which takes a fifth of the time. Returns nullopt for what TurboJPEG does not turn into RGB: CMYK, unusual
// chroma sampling, more than 2^30 pixels (OpenCV's limit), headers that are damaged; OpenCV then decides. `remark` gets
// libjpeg's first warning if it is of damaged data, whose pixels are a guess; "" for none, and for what changes
// nothing, such as stray bytes between markers.
std::optional<RgbImage> decode_jpeg(std::string_view bytes, std::string* remark = nullptr);

// Writes a baseline JPEG with chroma at half the width and height and tables not optimised, which gives OpenCV's bytes
// at the same quality (1 to 100).
std::string encode_jpeg(const RgbImage& image, int quality);

}  // namespace boxseg
