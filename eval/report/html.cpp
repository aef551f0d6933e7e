#include "eval/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "common/base/error.h"
#include "common/io/jpeg.h"
#include "common/io/opencv_view.h"
#include "common/io/png_codec.h"

namespace boxseg {
namespace {

// This is zlib's level for PNGs within a page.
constexpr int kSmallest = 9;

std::string data_uri(const char* type, std::string_view bytes) {
  return fmt::format("data:image/{};base64,{}", type, base64(bytes));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string base64(std::string_view bytes) {
  static const char* const kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += k <= n ? kLetters[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string jpeg_uri(const RgbImage& image, int quality) { return data_uri("jpeg", encode_jpeg(image, quality)); }

std::string png_uri(const RgbImage& image) { return data_uri("png", encode_rgb_png(image, kSmallest)); }

std::string png_uri(const RgbImage& image, const std::vector<uint8_t>& alpha) {
  ensure(alpha.size() * 3 == image.pixels.size(), "alpha of {} pixels for {} x {}", alpha.size(), image.width,
         image.height);
  std::vector<uint8_t> rgba;
  rgba.reserve(4 * alpha.size());
  for (size_t i = 0; i < alpha.size(); ++i) {
    const uint8_t* rgb = &image.pixels[3 * i];
    rgba.insert(rgba.end(), {rgb[0], rgb[1], rgb[2], alpha[i]});
  }
  return data_uri("png", encode_png({image.height, image.width, 4, rgba.data()}, kSmallest));
}

std::string css_color(const Color& c) { return fmt::format("#{:02x}{:02x}{:02x}", c[0], c[1], c[2]); }

RgbImage colored(const LabelMap& labels, const Palette& palette) {
  RgbImage image(labels.height, labels.width);
  for (size_t i = 0; i < labels.pixels.size(); ++i) {
    const uint8_t value = labels.pixels[i];
    const Color color = value == 255             ? Color{255, 255, 255}
                        : value < palette.size() ? palette[value]
                                                 : voc_palette()[value];
    std::copy(color.begin(), color.end(), image.pixels.begin() + static_cast<int64_t>(3 * i));
  }
  return image;
}

RgbImage heat_map(const std::vector<float>& values, int64_t height, int64_t width) {
  cv::Mat grey(static_cast<int>(height), static_cast<int>(width), CV_8UC1), bgr;
  for (size_t i = 0; i < values.size(); ++i)
    grey.data[i] =
        std::isnan(values[i]) ? 0 : static_cast<uint8_t>(std::lround(255 * std::clamp(values[i], 0.0f, 1.0f)));
  cv::applyColorMap(grey, bgr, cv::COLORMAP_VIRIDIS);
  RgbImage image(height, width);
  cv::Mat rgb = opencv_view(image);
  cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) std::fill_n(image.pixels.begin() + static_cast<int64_t>(3 * i), 3, uint8_t{128});
  return image;
}

}  // namespace boxseg
