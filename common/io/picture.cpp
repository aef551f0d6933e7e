#include "common/io/picture.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/io/opencv_view.h"

namespace boxseg {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontScale = 0.35;
constexpr int64_t kPadding = 2;

cv::Scalar scalar(const Color& c) { return {double(c[0]), double(c[1]), double(c[2])}; }

// The base letters of U+00C0 to U+017F; of the others in that range, a space stands for none.
constexpr std::string_view kBaseLetters =
    "AAAAAAACEEEEIIIIDNOOOOO OUUUUYTsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
    "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
static_assert(kBaseLetters.size() == 0x180 - 0xC0);

// The code point that begins at `at`, which moves on; what is no UTF-8 counts as one character.
uint32_t next_character(std::string_view text, size_t& at) {
  const auto first = static_cast<uint8_t>(text[at++]);
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  uint32_t code = more == 0 ? first : first & (0x3F >> more);
  for (int i = 0; i < more && at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; ++i)
    code = code << 6 | (static_cast<uint8_t>(text[at++]) & 0x3F);
  return code;
}

}  // namespace

void draw_box(RgbImage& picture, const PictureBox& box, const Color& color, int thickness) {
  const auto at = [](int64_t v) { return static_cast<int>(v); };
  cv::Mat mat = opencv_view(picture);
  cv::rectangle(mat, {at(box.x0), at(box.y0)}, {at(box.x1), at(box.y1)}, scalar(color), thickness);
}

int64_t text_width(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, kFontScale, 1, &baseline).width + 2 * kPadding;
}

void draw_text(RgbImage& picture, int64_t x, int64_t y, const std::string& text, const Color& color,
               const Color& ground) {
  const int64_t width = text_width(text);
  x = std::clamp<int64_t>(x, 0, std::max<int64_t>(0, picture.width - width));
  y = std::clamp<int64_t>(y, 0, std::max<int64_t>(0, picture.height - kTextHeight));
  cv::Mat mat = opencv_view(picture);
  const cv::Point corner(static_cast<int>(x), static_cast<int>(y));
  cv::rectangle(mat, corner, corner + cv::Point(static_cast<int>(width) - 1, static_cast<int>(kTextHeight) - 1),
                scalar(ground), cv::FILLED);
  cv::putText(mat, text, corner + cv::Point(kPadding, static_cast<int>(kTextHeight) - 3), kFont, kFontScale,
              scalar(color), 1, cv::LINE_AA);
}

std::string plain_letters(std::string_view utf8) {
  std::string plain;
  for (size_t at = 0; at < utf8.size();) {
    const uint32_t c = next_character(utf8, at);
    const bool is_combining_accent = c >= 0x300 && c < 0x370;
    if (is_combining_accent) continue;
    if (c >= 0x20 && c < 0x7F)
      plain += static_cast<char>(c);
    else if (c >= 0xC0 && c < 0x180 && kBaseLetters[c - 0xC0] != ' ')
      plain += kBaseLetters[c - 0xC0];
    else
      plain += '?';
  }
  return plain;
}

}  // namespace boxseg
