#include "eval/review/review_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/data/formats/csv/csv_table.h"
#include "eval/csv_text.h"

namespace boxseg {
namespace {

const std::vector<std::string> kColumns = {"rank", "image",  "box",          "class",         "x0",      "y0",    "x1",
                                           "y1",   "filled", "disagreement", "sides_touched", "oddness", "remark"};

// The columns from `image` to `y1`, which tell a box from all others.
std::vector<std::string> place_of(const Dataset& dataset, const ImageEntry& image, size_t number) {
  const Box box = in_photograph(in_edges(image.boxes[number], dataset.box_numbers), image);
  const bool has_id = !image.box_ids.empty() && !image.box_ids[number].empty();
  std::vector<std::string> place = {image.photo_path(), has_id ? image.box_ids[number] : std::to_string(number + 1),
                                    dataset.class_names[static_cast<size_t>(box.class_id)]};
  for (const float corner : {box.x0, box.y0, box.x1, box.y1}) place.push_back(fmt::format("{}", corner));
  return place;
}

// All that ReviewedBox::words() may say.
bool are_words(const std::string& text) {
  for (const Remark remark : {Remark::none, Remark::overfull, Remark::sparse, Remark::empty})
    for (const bool is_odd : {false, true})
      if (text == review_words(remark, is_odd)) return true;
  return false;
}

}  // namespace

std::string review_csv(const Dataset& dataset, const std::vector<ReviewedBox>& boxes) {
  std::string text = join(kColumns, ",") + "\n";
  for (size_t i = 0; i < boxes.size(); ++i) {
    const ReviewedBox& b = boxes[i];
    std::vector<std::string> place =
        place_of(dataset, dataset.images[static_cast<size_t>(b.image)], static_cast<size_t>(b.box));
    std::transform(place.begin(), place.end(), place.begin(), csv_field);
    text += fmt::format("{},{},{:.3f},{:.3f},{},{:.2f},{}\n", i + 1, join(place, ","), b.mask.filled(),
                        b.mask.disagreement(), b.mask.sides_touched, b.oddness, csv_field(b.words()));
  }
  return text;
}

std::vector<ListedBox> listed(const std::vector<ReviewedBox>& boxes) {
  std::vector<ListedBox> list;
  for (const ReviewedBox& b : boxes) list.push_back({b.image, b.box, b.words()});
  return list;
}

std::optional<std::vector<ListedBox>> read_review_csv(std::string_view text, const std::string& where,
                                                      const Dataset& dataset, const std::string& split) {
  std::map<std::vector<std::string>, ListedBox> boxes;  // by place
  for (const int64_t index : dataset.split(split)) {
    const ImageEntry& image = dataset.images[static_cast<size_t>(index)];
    for (size_t number = 0; number < image.boxes.size(); ++number)
      if (!image.boxes[number].is_crowd &&
          !boxes.emplace(place_of(dataset, image, number), ListedBox{index, static_cast<int64_t>(number), ""}).second)
        return std::nullopt;  // two annotations of one id cannot be told from one another
  }
  const CsvTable table = parse_csv(text, where);
  if (table.rows.size() != boxes.size() + 1 || table.rows[0].fields != kColumns) return std::nullopt;
  std::vector<ListedBox> list;
  for (size_t rank = 1; rank < table.rows.size(); ++rank) {
    const std::vector<std::string>& fields = table.rows[rank].fields;
    if (fields.size() != kColumns.size() || fields[0] != std::to_string(rank) || !are_words(fields.back()))
      return std::nullopt;
    auto box = boxes.extract({fields.begin() + 1, fields.begin() + 8});
    if (box.empty()) return std::nullopt;
    box.mapped().words = fields.back();
    list.push_back(std::move(box.mapped()));
  }
  return list;
}

}  // namespace boxseg
