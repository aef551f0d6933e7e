// Holds COCO's masks: run lengths over the columns of an image, as the COCO API defines them (cocoapi, maskApi). Runs
// alternate between 0 and 1, beginning with 0; pixel (y, x) is number x * height + y.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boxseg {

struct RunLengths {
  int64_t height = 0, width = 0;
  std::vector<uint32_t> runs;
};

using CocoBox = std::array<double, 4>;  // x, y, width, height

// Returns the union of polygons x0,y0,x1,y1,... in pixels, rasterised as the COCO API does (five times finer, then
// every fifth point of the outline). Polygons of one point or none add nothing.
RunLengths mask_of_polygons(const std::vector<std::vector<double>>& polygons, int64_t height, int64_t width);
std::vector<double> polygon_of_box(const CocoBox& box);

// Read and write the compressed text form of `counts`. Throws bad_input for text that is cut short, has foreign
// letters, or gives a run that is negative or beyond 32 bits.
RunLengths mask_of_text(std::string_view counts, int64_t height, int64_t width);
std::string text_of_mask(const RunLengths& mask);

uint64_t area_of(const RunLengths& mask);
// Returns the box around a mask. It is 0,0,0,0 for a mask of one run; for one whose runs of ones are all empty it is
// what pycocotools 2.0.11 gets, with sides of nearly 2^32.
CocoBox box_of(const RunLengths& mask);

// Return intersection over union, where a crowd as truth divides by the detection's area; -1 for masks of different
// image sizes.
double box_iou(const CocoBox& detection, const CocoBox& truth, bool is_crowd);
double mask_iou(const RunLengths& detection, const RunLengths& truth, bool is_crowd);

}  // namespace boxseg
