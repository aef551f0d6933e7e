#include "common/data/formats/yolo/yolo_labels.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/base/visible_text.h"
#include "common/data/formats/no_class.h"

namespace boxseg {
namespace {

constexpr int64_t kHighestClass = 9999;

std::vector<std::string> words_of(std::string line) {
  std::replace(line.begin(), line.end(), '\t', ' ');
  std::vector<std::string> words = split(line, ' ');
  std::erase(words, "");
  return words;
}

void set_centre_and_size(const std::vector<double>& numbers, const std::string& where, AnnotatedBox& box) {
  const double width = numbers[2], height = numbers[3];
  if (width <= 0 || height <= 0)
    fail_input("{}: the box is {} wide and {} high; correct it, or remove the line", where, width, height);
  box.x0 = numbers[0] - width / 2;
  box.y0 = numbers[1] - height / 2;
  box.x1 = numbers[0] + width / 2;
  box.y1 = numbers[1] + height / 2;
}

void set_polygon(const std::vector<double>& points, AnnotatedBox& box) {
  box.x0 = box.x1 = points[0];
  box.y0 = box.y1 = points[1];
  for (size_t i = 0; i < points.size(); i += 2) {
    box.x0 = std::min(box.x0, points[i]);
    box.x1 = std::max(box.x1, points[i]);
    box.y0 = std::min(box.y0, points[i + 1]);
    box.y1 = std::max(box.y1, points[i + 1]);
  }
  box.rings = {points};
}

}  // namespace

int64_t YoloLabelReader::read_class(const std::string& text, const std::string& where) const {
  if (!is_number(text) && std::find(config_.names.begin(), config_.names.end(), text) != config_.names.end())
    fail_input("{}: the class is the name '{}', expected its number; write {}", where, visible(text),
               std::find(config_.names.begin(), config_.names.end(), text) - config_.names.begin());
  const double number = read_box_number(text, "the class", where);
  if (number < 0 || number != std::floor(number) || number > kHighestClass)
    fail_input("{}: the class is {}, expected a whole number from 0 on; correct it, or remove the line", where, text);
  if (!config_.names.empty() && number >= static_cast<double>(config_.names.size()))
    fail_input("{}: the class is {}, but {} has {} classes, 0 to {}; name it there, or correct the line", where, text,
               config_.file.string(), config_.names.size(), config_.names.size() - 1);
  return static_cast<int64_t>(number);
}

AnnotatedBox YoloLabelReader::read_line(const std::string& line, const std::string& where) {
  const std::vector<std::string> words = words_of(line);
  if (words.size() == 1 && std::count(line.begin(), line.end(), ',') >= 4)
    fail_input("{}: the numbers are separated by commas, expected blanks; replace them", where);
  AnnotatedBox box;
  const int64_t number = read_class(words[0], where);
  std::vector<double> numbers;
  for (size_t i = 1; i < words.size(); ++i)
    numbers.push_back(read_box_number(words[i], fmt::format("number {} of the line", i + 1), where));
  const size_t pose = static_cast<size_t>(config_.keypoint_numbers);
  const bool has_pose = pose > 0 && numbers.size() == 4 + pose;
  if (numbers.size() == 4 || numbers.size() == 5 || has_pose)
    set_centre_and_size(numbers, where, box);
  else if (numbers.size() >= 6 && numbers.size() % 2 == 0 && pose == 0)
    set_polygon(numbers, box);
  else
    fail_input(
        "{}: has {} numbers, expected 5 (class, centre, size), 6 (with a confidence), or for a polygon 7, 9, 11, ...; "
        "correct the line{}",
        where, words.size(),
        pose > 0            ? fmt::format(", or 'kpt_shape' in {}", config_.file.string())
        : words.size() >= 8 ? ", or, where these are points of a pose, add data.yaml with its 'kpt_shape'"
                            : "");
  box.class_name = config_.names.empty() ? fmt::format("class {}", number) : config_.names[static_cast<size_t>(number)];
  if (is_no_class(box.class_name))
    fail_input("{}: the class {}, '{}', stands for what is no object; correct it, or remove the line", where, number,
               visible(box.class_name));
  check_box(box, where);
  check_shares(box, where, outside_);
  if (numbers.size() == 5) confidences_.add(where);
  if (has_pose) keypoints_.add(where);
  highest_class_ = std::max(highest_class_, number);
  return box;
}

std::vector<AnnotatedBox> YoloLabelReader::read(const fs::path& file, std::vector<std::string>& bad_boxes) {
  std::vector<AnnotatedBox> boxes;
  int64_t number = 0;
  for (const std::string& line : split(read_text_file(file), '\n')) {
    ++number;
    if (line.empty()) continue;
    const std::string place = fmt::format("line {}", number);
    try {
      boxes.push_back(read_line(line, file.string() + ": " + place));
      boxes.back().place = place;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      bad_boxes.emplace_back(e.what());
    }
  }
  return boxes;
}

void YoloLabelReader::describe(std::vector<std::string>& doubts) const {
  if (confidences_.count > 0)
    doubts.push_back(
        fmt::format("{} a sixth number, which is taken as a confidence, so a network may have found them; all are "
                    "taken, however low it is, the first is {}",
                    confidences_.counted("box has", "boxes have"), confidences_.first));
  if (keypoints_.count > 0)
    doubts.push_back(fmt::format("{} points of a pose, which are not read, the first is {}",
                                 keypoints_.counted("box has", "boxes have"), keypoints_.first));
  if (outside_.count > 0) doubts.push_back(describe_outside(outside_));
}

bool looks_like_yolo_labels(std::string_view text) {
  bool has_letters = false;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> words = words_of(line);
    const auto numbers =
        std::count_if(words.begin(), words.end(), [](const std::string& word) { return is_number(word); });
    if (numbers >= 4) return true;
    if (std::count(line.begin(), line.end(), ',') >= 4 && is_number(line.substr(0, line.find(',')))) return true;
    has_letters |= numbers < static_cast<int64_t>(words.size());
  }
  return !has_letters;
}

}  // namespace boxseg
