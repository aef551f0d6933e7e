// A side of a box, looked at from the box: along it, and outwards from it.
#pragma once
#include <array>
#include <cstdint>

#include "common/data/boxes.h"
#include "common/io/image.h"

namespace boxseg {

enum class Side { left, right, top, bottom };
inline constexpr std::array<Side, 4> kSides = {Side::left, Side::right, Side::top, Side::bottom};

class BoxSide {
 public:
  BoxSide(const PixelBox& box, ImageSize image, Side side) : box_(box), image_(image), side_(side) {}
  bool is_upright() const { return side_ == Side::left || side_ == Side::right; }
  int64_t length() const { return is_upright() ? box_.y1 - box_.y0 : box_.x1 - box_.x0; }
  int64_t depth() const { return is_upright() ? box_.x1 - box_.x0 : box_.y1 - box_.y0; }  // of the box, behind the side
  // Lines of pixels between the side and the image's border.
  int64_t room() const {
    return side_ == Side::left    ? box_.x0
           : side_ == Side::right ? image_.width - box_.x1
           : side_ == Side::top   ? box_.y0
                                  : image_.height - box_.y1;
  }
  // The index of a pixel in the image: line 0 is the first one outside of the box, -1 the last one in it.
  int64_t pixel(int64_t line, int64_t along) const {
    switch (side_) {
      case Side::left:
        return index(box_.x0 - 1 - line, box_.y0 + along);
      case Side::right:
        return index(box_.x1 + line, box_.y0 + along);
      case Side::top:
        return index(box_.x0 + along, box_.y0 - 1 - line);
      default:
        return index(box_.x0 + along, box_.y1 + line);
    }
  }
  int64_t place() const {  // the side's own coordinate, an edge of pixels
    return side_ == Side::left ? box_.x0 : side_ == Side::right ? box_.x1 : side_ == Side::top ? box_.y0 : box_.y1;
  }

 private:
  int64_t index(int64_t x, int64_t y) const { return y * image_.width + x; }

  PixelBox box_;
  ImageSize image_;
  Side side_;
};

}  // namespace boxseg
