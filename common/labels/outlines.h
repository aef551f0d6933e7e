// Outlines of masks as polygons, for formats that have no pixels.
#pragma once
#include <cstdint>
#include <vector>

namespace boxseg {

// Rings x, y, x, y, ... along the edges of pixels around the pixels of `mask` ([H,W], not 0) that share sides: one for
// each such part. What a part encloses without holding it is cut out by a bridge to its ring, so that a ring alone
// says what it holds: filled by the even-odd rule, the rings of tolerance 0 give the mask again. A larger tolerance
// leaves out corners that lie closer than that many pixels to the outline without them.
std::vector<std::vector<double>> outlines_of(const std::vector<uint8_t>& mask, int64_t height, int64_t width,
                                             double tolerance);

// One ring that holds what all of them hold, joined by bridges, for formats with one polygon an object; empty where
// there are none.
std::vector<double> joined_rings(const std::vector<std::vector<double>>& rings);

}  // namespace boxseg
