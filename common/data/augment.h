// Training augmentation, step by step as the authors' transforms_bbox and transforms_mask do it (tests/README.md,
// augment.h5): scale, pad and crop, flip, colour jitter, normalise. All draws come from one Random stream per (seed,
// epoch, image).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/data/augment_options.h"
#include "common/data/dataset.h"

namespace boxseg {

// Holds one training sample on its way. image: [H,W,3] float32, RGB, 0..255. masks: any number of [H,W] uint8 planes.
struct Sample {
  int64_t height = 0, width = 0;
  std::vector<float> image;
  std::vector<Box> boxes;  // in annotation numbers, moved along with the image
  struct Plane {
    std::vector<uint8_t> pixels;
    uint8_t padding;  // 0 for background masks, 255 for labels
  };
  std::vector<Plane> planes;
};
Sample make_sample(const RgbImage& image, std::vector<Box> boxes = {}, std::vector<Sample::Plane> planes = {});

// Scales the image as OpenCV's bilinear does when given fx, fy and no size (so its step is 1/factor), and planes by the
// nearest pixel: see resample.h.
void scale(Sample& sample, double factor);

// Pads both sides by ceil(difference/2) with (123,117,104), then cuts the crop at floor(draw*(padded-crop)).
void pad_and_crop(Sample& sample, ImageSize crop, double draw_x, double draw_y);
inline void pad_and_crop(Sample& sample, int64_t crop, double draw_x, double draw_y) {
  pad_and_crop(sample, ImageSize{crop, crop}, draw_x, draw_y);
}
// Gives boxes in the frame of the window [x0,x1) x [y0,y1). Those that only touch it are dropped; a side cut by its
// right or bottom edge becomes the window's size + 1 (as the authors have it).
std::vector<Box> clip_boxes(const std::vector<Box>& boxes, int64_t x0, int64_t y0, int64_t x1, int64_t y1);

// Flips boxes by x -> W - x, as the authors do, although pixels map to W-1-x. An image without boxes is flipped as
// well: theirs is left alone only when its annotation has no object, which their reader refuses.
void flip_horizontally(Sample& sample);

struct JitterFactors {
  double brightness = 1, contrast = 1, saturation = 1;
};
// Works on truncated 8-bit values with pillow's arithmetic, in this order; contrast goes towards the rounded mean of
// the grey image.
void jitter(Sample& sample, const JitterFactors& factors);

// Says how a backbone's weights want their input; it belongs to the weights file and is stored in checkpoints.
struct Normalisation {
  std::string name;  // "caffe_bgr", "torchvision_rgb", "lite0_rgb"
  bool is_bgr = false;
  std::array<float, 3> mean{}, divisor{1, 1, 1};  // in channel order of the tensor: (x - mean) / divisor
};
Normalisation parse_normalisation(const std::string& name);  // throws usage with the known names
// Returns [3,H,W] float32, row-major.
std::vector<float> normalise(const std::vector<float>& image, int64_t height, int64_t width, const Normalisation& n);
// Goes the way back, with rounding, to look at what a network is given.
RgbImage denormalise(const std::vector<float>& tensor, int64_t height, int64_t width, const Normalisation& n);

struct AugmentDraws {
  double scale = 1, crop_x = 0, crop_y = 0;
  bool is_flipped = false;
  JitterFactors jitter;
};
// Draws from `random` in this order: scale, crop x, crop y, flip, brightness, contrast, saturation (always all seven).
AugmentDraws draw_augmentation(const AugmentOptions& options, Random& random);

// Does all steps but normalise, with given draws, or with draws from `random`.
void augment(Sample& sample, int64_t crop, const AugmentDraws& draws);
void augment(Sample& sample, const AugmentOptions& options, Random& random);

// Gives the same bits as make_sample() and augment(), but only the crop's pixels are ever resized or converted; the
// loaders call it.
Sample augmented(const RgbImage& image, std::vector<Box> boxes, std::vector<Sample::Plane> planes, int64_t crop,
                 const AugmentDraws& draws);

}  // namespace boxseg
