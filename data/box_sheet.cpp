#include "data/box_sheet.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/data/suspicious_boxes.h"
#include "common/io/picture.h"
#include "common/io/resized.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr int64_t kGap = 6;
constexpr Color kWarning = {255, 225, 0}, kWhite = {255, 255, 255}, kBlack = {0, 0, 0};

struct Shown {
  int64_t image = 0;  // index into Dataset::images
  std::vector<Suspicion> suspicions;
};

struct Choice {
  std::vector<Shown> photos;
  size_t suspicious = 0;  // of them, the first ones
};

// Photographs with suspicious boxes, then the others, evenly.
Choice choose(const Dataset& dataset) {
  Choice choice;
  std::vector<Shown> others;
  for (size_t i = 0; i < dataset.images.size(); ++i) {
    Shown shown{static_cast<int64_t>(i), suspicions(dataset.images[i], dataset.box_numbers)};
    const bool is_suspicious = std::any_of(shown.suspicions.begin(), shown.suspicions.end(),
                                           [](const Suspicion& suspicion) { return suspicion.any(); });
    (is_suspicious ? choice.photos : others).push_back(std::move(shown));
  }
  constexpr auto kMost = static_cast<size_t>(kMostPhotosOfSheet);
  if (choice.photos.size() > kMost) choice.photos.resize(kMost);
  choice.suspicious = choice.photos.size();
  const size_t room = std::min(kMost - choice.photos.size(), others.size());
  for (size_t k = 0; k < room; ++k) choice.photos.push_back(others[k * others.size() / room]);
  return choice;
}

std::string class_text(const Dataset& dataset, int64_t class_id) {
  const std::string plain = plain_letters(dataset.class_names[static_cast<size_t>(class_id)]);
  return plain.find('?') == std::string::npos ? plain : std::to_string(class_id);
}

Color readable_on(const Color& ground) {
  const double luminance = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2];
  return luminance > 128 ? kBlack : kWhite;
}

RgbImage drawn(const Dataset& dataset, const Shown& shown, int64_t side) {
  const ImageEntry& image = dataset.images[static_cast<size_t>(shown.image)];
  RgbImage picture = resized(read_rgb(dataset.image_path(image)), fitted(image.size, side));
  const double scale = static_cast<double>(picture.width) / static_cast<double>(image.size.width);
  struct Label {
    int64_t x, y;
    std::string text;
    Color ground;
  };
  std::vector<Label> labels;  // above all boxes
  for (const bool suspicious_ones : {false, true})
    for (size_t i = 0; i < image.boxes.size(); ++i) {
      const Suspicion& suspicion = shown.suspicions[i];
      if (suspicion.any() != suspicious_ones) continue;
      const Box box = in_edges(image.boxes[i], dataset.box_numbers);
      const auto at = [&](float v) { return static_cast<int64_t>(std::lround(v * scale)); };
      const Color color = suspicion.any() ? kWarning : dataset.palette.at(static_cast<size_t>(box.class_id));
      const PictureBox drawn_box{at(box.x0), at(box.y0), at(box.x1) - 1, at(box.y1) - 1};
      draw_box(picture, drawn_box, suspicion.any() ? kBlack : kWhite, suspicion.any() ? 5 : 3);
      draw_box(picture, drawn_box, color, suspicion.any() ? 3 : 1);
      const std::string name = class_text(dataset, box.class_id);
      const bool has_room = drawn_box.x1 - drawn_box.x0 >= 20;  // else names would hide what they name
      if (suspicion.any())
        labels.push_back({drawn_box.x0, drawn_box.y0, name + ": " + suspicion.words(), color});
      else if (has_room)
        labels.push_back({drawn_box.x0, drawn_box.y0, name, color});
    }
  for (const Label& label : labels)
    draw_text(picture, label.x, label.y, label.text, readable_on(label.ground), label.ground);
  return picture;
}

// The end of a name says more than its beginning.
std::string caption_of(const ImageEntry& image, int64_t width) {
  std::string text = plain_letters(image.photo_path());
  while (text.size() > 4 && text_width(text) > width) text = "..." + text.substr(text.starts_with("...") ? 4 : 1);
  return text;
}

void paste(const RgbImage& picture, int64_t x, int64_t y, RgbImage& sheet) {
  for (int64_t row = 0; row < picture.height; ++row)
    std::copy_n(picture.pixels.begin() + row * picture.width * 3, picture.width * 3,
                sheet.pixels.begin() + ((y + row) * sheet.width + x) * 3);
}

}  // namespace

void require_sheet(const std::string& path, const Dataset& dataset) {
  const std::string ending = lower_case(fs::path(path).extension().string());
  if (ending != ".jpg" && ending != ".jpeg") fail_usage("--sheet {}: expected a name that ends in .jpg", path);
  require_writable_file(path, "--sheet");
  refuse_dataset_files({path}, "--sheet", dataset);
}

std::string write_box_sheet(const fs::path& path, const Dataset& dataset, int threads) {
  const Choice choice = choose(dataset);
  const auto count = static_cast<int64_t>(choice.photos.size());
  const auto [columns, side] = count <= 12   ? std::pair<int64_t, int64_t>{4, 320}
                               : count <= 60 ? std::pair<int64_t, int64_t>{5, 260}
                                             : std::pair<int64_t, int64_t>{8, 200};
  std::vector<RgbImage> pictures(choice.photos.size());
  parallel_for(count, 1, threads, [&, side = side](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      throw_if_interrupted();
      pictures[static_cast<size_t>(i)] = drawn(dataset, choice.photos[static_cast<size_t>(i)], side);
    }
  });
  std::vector<int64_t> tops = {kGap};  // of the rows, and the height of the sheet
  for (int64_t i = 0; i < count; i += columns) {
    int64_t height = 0;
    for (int64_t k = i; k < std::min(count, i + columns); ++k)
      height = std::max(height, pictures[static_cast<size_t>(k)].height);
    tops.push_back(tops.back() + height + kTextHeight + kGap);
  }
  RgbImage sheet(tops.back(), kGap + std::min(columns, std::max<int64_t>(1, count)) * (side + kGap));
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), uint8_t{255});
  for (int64_t i = 0; i < count; ++i) {
    const RgbImage& picture = pictures[static_cast<size_t>(i)];
    const int64_t x = kGap + i % columns * (side + kGap), y = tops[static_cast<size_t>(i / columns)];
    paste(picture, x, y, sheet);
    const ImageEntry& image = dataset.images[static_cast<size_t>(choice.photos[static_cast<size_t>(i)].image)];
    draw_text(sheet, x, y + picture.height, caption_of(image, side), kBlack, kWhite);
  }
  write_rgb_jpeg(path, sheet);
  std::string text = count < static_cast<int64_t>(dataset.images.size())
                         ? fmt::format("{} of {} photographs", count, dataset.images.size())
                         : fmt::format("{} photographs", count);
  if (choice.suspicious > 0) text += fmt::format(", {} with boxes that look like mistakes first", choice.suspicious);
  return text;
}

}  // namespace boxseg
