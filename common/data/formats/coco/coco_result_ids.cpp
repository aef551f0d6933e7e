#include "common/data/formats/coco/coco_result_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

namespace boxseg {
namespace {

// Whether the text is a whole number of 64 bits: as it is written, or with zeros in front.
bool is_number(const std::string& text, int64_t& number, bool has_zeros) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  return has_zeros ? text[0] != '-' : std::to_string(number) == text;
}

// Returns the numbers in the texts, or none where one is no number, or two are one.
std::vector<std::string> numbers_in(const std::vector<std::string>& texts, bool have_zeros, bool may_repeat = false) {
  std::vector<std::string> numbers;
  std::set<int64_t> seen;
  for (const auto& text : texts) {
    int64_t number = 0;
    if (!is_number(text, number, have_zeros)) return {};
    if (!may_repeat && !seen.insert(number).second) return {};
    numbers.push_back(std::to_string(number));
  }
  return numbers;
}

std::vector<std::string> quoted(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  for (const auto& text : texts)
    all.push_back(nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return all;
}

std::vector<std::string> places(size_t count) {
  std::vector<std::string> all;
  for (size_t i = 1; i <= count; ++i) all.push_back(std::to_string(i));
  return all;
}

bool is_of_coco(const Dataset& dataset) {
  const auto format = dataset.facts.find("format of the boxes");
  return format != dataset.facts.end() && format->second == "COCO JSON";
}

std::vector<std::string> ids_of_images(const Dataset& dataset, std::vector<std::string>& remarks) {
  if (dataset.images.empty()) return {};
  std::vector<std::string> source_ids, names;
  for (const auto& image : dataset.images) source_ids.push_back(image.source_id), names.push_back(image.id);
  // A file of COCO has an id once; files of several splits may each count from 1 on, and results are of one split.
  auto ids = numbers_in(source_ids, false, is_of_coco(dataset));
  if (ids.empty() && is_of_coco(dataset) && std::count(source_ids.begin(), source_ids.end(), "") == 0)
    return quoted(source_ids);
  if (!ids.empty()) return ids;
  ids = numbers_in(names, true);
  if (!ids.empty())
    remarks.push_back(fmt::format("image_id is the number in an image's name, {} of '{}'", ids[0], names[0]));
  else
    remarks.push_back(fmt::format("image_id counts the images of the dataset from 1 on, 1 is '{}'", names[0]));
  return ids.empty() ? places(names.size()) : ids;
}

std::vector<std::string> ids_of_classes(const Dataset& dataset, std::vector<std::string>& remarks) {
  std::vector<std::string> ids = numbers_in(dataset.class_ids, false);
  if (ids.empty()) ids = quoted(dataset.class_ids);
  if (ids.empty() && dataset.classes() > 1) {
    ids = places(dataset.class_names.size() - 1);
    remarks.push_back(fmt::format("category_id counts the classes from 1 on, 1 is '{}'", dataset.class_names[1]));
  }
  ids.insert(ids.begin(), "");
  return ids;
}

}  // namespace

CocoResultIds coco_result_ids(const Dataset& dataset) {
  CocoResultIds ids;
  ids.images = ids_of_images(dataset, ids.remarks);
  ids.classes = ids_of_classes(dataset, ids.remarks);
  return ids;
}

Digest digest_of_result_ids(const CocoResultIds& ids, const Dataset& dataset, const std::string& split) {
  Hasher hasher;
  for (const auto& id : ids.classes) hasher.text(id);
  for (const int64_t i : dataset.split(split)) {
    const ImageSize size = dataset.images[static_cast<size_t>(i)].source_size;
    hasher.text(ids.images[static_cast<size_t>(i)]).number(size.height).number(size.width);
  }
  return hasher.digest();
}

}  // namespace boxseg
