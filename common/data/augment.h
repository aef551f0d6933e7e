// Training augmentation, step by step as the authors' transforms_bbox and transforms_mask do it (golden: augment.h5):
// scale, pad and crop, flip, colour jitter, normalise. All draws come from one Random stream per (seed, epoch, image).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/data/dataset.h"

namespace boxseg {

// One training sample on its way. image: [H,W,3] float32, RGB, 0..255. masks: any number of [H,W] uint8 planes.
struct Sample {
  int64_t height = 0, width = 0;
  std::vector<float> image;
  std::vector<Box> boxes;  // annotation numbers, moved along
  struct Plane {
    std::vector<uint8_t> pixels;
    uint8_t padding;  // 0 for background masks, 255 for labels
  };
  std::vector<Plane> planes;
};

void scale(Sample& sample, double factor);  // OpenCV bilinear given fx, fy and no size; planes nearest
// Pads both sides by ceil(difference/2) with (123,117,104), then cuts crop x crop at floor(draw*(padded-crop)).
void pad_and_crop(Sample& sample, int64_t crop, double draw_x, double draw_y);
void flip_horizontally(Sample& sample);
struct JitterFactors {
  double brightness = 1, contrast = 1, saturation = 1;
};
void jitter(Sample& sample, const JitterFactors& factors);  // on truncated 8-bit values, pillow's arithmetic

// How a backbone's weights want their input; belongs to the weights file and is stored in checkpoints.
struct Normalisation {
  std::string name;          // "caffe_bgr", "torchvision_rgb", "lite0_rgb"
  bool is_bgr = false;
  std::array<float, 3> mean{}, divisor{1, 1, 1};  // in channel order of the tensor: (x - mean) / divisor
};
Normalisation parse_normalisation(const std::string& name);  // throws usage with the known names
// [3,H,W] float32, row-major.
std::vector<float> normalise(const std::vector<float>& image, int64_t height, int64_t width, const Normalisation& n);

struct AugmentOptions {
  double scale_min = 0.5, scale_max = 1.5, flip = 0.5, jitter = 0.5;
  int64_t crop = 321;
};
// All steps but normalise, with draws from `random` in this order: scale, crop x, crop y, flip, brightness, contrast,
// saturation (always all seven).
void augment(Sample& sample, const AugmentOptions& options, Random& random);

}  // namespace boxseg
