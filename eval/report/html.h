// Makes pieces of a self-contained HTML page: escaped text and pictures inside data: URIs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

std::string escaped(std::string_view text);  // fits into text and into attributes in double quotes
std::string base64(std::string_view bytes);

// Return "data:image/jpeg;base64,..." and "data:image/png;base64,...".
std::string jpeg_uri(const RgbImage& image, int quality);
std::string png_uri(const RgbImage& image);
// The picture has transparency: `alpha` is [H,W].
std::string png_uri(const RgbImage& image, const std::vector<uint8_t>& alpha);

std::string css_color(const Color& color);  // "#80c0ff"

RgbImage colored(const LabelMap& labels, const Palette& palette);  // void is white

// Shows values in [0,1] as colours from dark blue over green to yellow (viridis); NaN is grey.
RgbImage heat_map(const std::vector<float>& values, int64_t height, int64_t width);

}  // namespace boxseg
