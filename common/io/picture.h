// What is drawn onto small pictures of photographs (resized.h): boxes and words.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// In pixels of the picture. What lies beyond its border is not drawn.
struct PictureBox {
  int64_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};
void draw_box(RgbImage& picture, const PictureBox& box, const Color& color, int thickness);

// Draws a line of text, 12 pixels high with its ground, at (x, y) or as near to it as the picture allows. The letters
// are ASCII's; see plain_letters().
inline constexpr int64_t kTextHeight = 12;
void draw_text(RgbImage& picture, int64_t x, int64_t y, const std::string& text, const Color& color,
               const Color& ground);
int64_t text_width(const std::string& text);  // pixels

// The text in ASCII: Latin letters lose their accents, and any other character becomes "?".
std::string plain_letters(std::string_view utf8);

}  // namespace boxseg
