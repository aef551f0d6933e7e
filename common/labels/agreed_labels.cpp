#include "common/labels/agreed_labels.h"

#include "common/base/error.h"

namespace boxseg {

LabelMap agreed_labels(const LabelMap& a, const LabelMap& b, uint8_t otherwise) {
  ensure(a.height == b.height && a.width == b.width, "agreement of maps of {} x {} and {} x {} pixels", a.width,
         a.height, b.width, b.height);
  LabelMap result(a.height, a.width);
  for (size_t i = 0; i < a.pixels.size(); ++i) result.pixels[i] = a.pixels[i] == b.pixels[i] ? a.pixels[i] : otherwise;
  return result;
}

}  // namespace boxseg
