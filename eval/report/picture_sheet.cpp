#include "eval/report/picture_sheet.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/io/opencv_view.h"
#include "common/io/picture.h"
#include "common/io/resized.h"
#include "eval/miou/label_folder.h"
#include "eval/report/gallery.h"
#include "eval/report/html.h"

namespace boxseg {
namespace {

constexpr int64_t kGap = 8, kHeader = 34;

// This is the sheet being drawn: columns of one width, rows as high as their pictures.
class Sheet {
 public:
  Sheet(const std::vector<ImageSize>& rows, int64_t columns) {
    for (const ImageSize& size : rows) width_ = std::max(width_, size.width);
    int64_t top = kHeader;
    for (const ImageSize& size : rows) {
      tops_.push_back(top);
      top += size.height + kGap;
    }
    image_ = RgbImage(top, columns * (width_ + kGap) + kGap);
    std::fill(image_.pixels.begin(), image_.pixels.end(), uint8_t{255});
  }
  void put_title(int64_t column, const std::string& text) {
    cv::putText(opencv_view(image_), text, {static_cast<int>(left(column)), kHeader - 12}, cv::FONT_HERSHEY_SIMPLEX,
                0.5, {30, 30, 30}, 1, cv::LINE_AA);
  }
  void put(int64_t row, int64_t column, const RgbImage& picture) {
    const int64_t top = tops_[static_cast<size_t>(row)];
    for (int64_t y = 0; y < picture.height; ++y)
      std::copy_n(picture.pixels.begin() + y * picture.width * 3, picture.width * 3,
                  image_.pixels.begin() + ((top + y) * image_.width + left(column)) * 3);
  }
  const RgbImage& image() const { return image_; }

 private:
  int64_t left(int64_t column) const { return kGap + column * (width_ + kGap); }
  int64_t width_ = 150;  // at least this, for the titles
  std::vector<int64_t> tops_;
  RgbImage image_;
};

RgbImage photo_with_boxes(const Dataset& dataset, const ImageEntry& entry, ImageSize shown) {
  RgbImage photo = resized(read_rgb(dataset.image_path(entry)), shown);
  const double scale = static_cast<double>(shown.width) / static_cast<double>(entry.size.width);
  for (const Box& numbers : entry.boxes) {
    const Box box = in_edges(numbers, dataset.box_numbers);
    const Color& c = dataset.palette.at(static_cast<size_t>(box.class_id));
    const auto at = [&](float v) { return static_cast<int64_t>(v * scale); };
    draw_box(photo, {at(box.x0), at(box.y0), at(box.x1), at(box.y1)}, c, 2);
  }
  return photo;
}

// Reads the labels of one column: from a run's folder, or the truth.
LabelMap labels_of(const LabelSet* set, const Dataset& dataset, const ImageEntry& entry) {
  return set == nullptr ? read_truth(dataset, entry) : LabelFolder(set->folder).read(entry);
}

}  // namespace

RgbImage picture_sheet(const Table& table, const RunFolder& run, int64_t images, int64_t side, int threads) {
  if (!run.dataset || !fs::is_directory(run.dataset->root))
    fail_input("{}: the images are not there, so no pictures can be shown; --data-root names their folder", run.name);
  const Dataset& dataset = *run.dataset;
  std::vector<const LabelSet*> sets;
  for (const auto& cell : table.rows.front().cells) {
    sets.push_back(cell.values.empty() ? nullptr : run.find_labels(cell.values.front().front().key));
    if (!cell.values.empty() && sets.back() == nullptr)
      fail_input("{}: there are no label maps {} yet", run.name, cell.values.front().front().key);
  }
  if (sets.empty() || sets.front() == nullptr) fail_usage("{}: the first column must name label maps", table.name);
  std::vector<RankedImage> ranked = rank_images(dataset, sets.front()->split, *sets.front(), threads);
  std::erase_if(ranked,
                [&](const RankedImage& r) { return dataset.images[static_cast<size_t>(r.index)].mask_path.empty(); });
  if (ranked.empty())
    fail_input("{}: no image of split {} has both labels and a ground truth", run.name, sets.front()->split);
  const auto count = std::min(images, static_cast<int64_t>(ranked.size()));
  std::vector<const ImageEntry*> entries;
  std::vector<ImageSize> sizes;
  for (int64_t row = 0; row < count; ++row) {
    const size_t place =
        count == 1 ? 0 : static_cast<size_t>(row) * (ranked.size() - 1) / static_cast<size_t>(count - 1);
    entries.push_back(&dataset.images[static_cast<size_t>(ranked[place].index)]);
    sizes.push_back(fitted(entries.back()->size, side));
  }
  Sheet sheet(sizes, static_cast<int64_t>(sets.size()) + 1);
  sheet.put_title(0, "image and boxes");
  for (size_t c = 0; c < sets.size(); ++c) sheet.put_title(static_cast<int64_t>(c) + 1, table.columns[c]);
  for (size_t row = 0; row < entries.size(); ++row) {
    sheet.put(static_cast<int64_t>(row), 0, photo_with_boxes(dataset, *entries[row], sizes[row]));
    for (size_t c = 0; c < sets.size(); ++c)
      sheet.put(static_cast<int64_t>(row), static_cast<int64_t>(c) + 1,
                colored(resized(labels_of(sets[c], dataset, *entries[row]), sizes[row]), dataset.palette));
  }
  return sheet.image();
}

}  // namespace boxseg
