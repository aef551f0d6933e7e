#include "common/data/formats/coco/coco_json.h"

#include <cmath>

#include "common/base/files.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

// Both functions throw simdjson_error.
std::vector<std::string_view> elements_of(ondemand::array list) {
  std::vector<std::string_view> elements;
  for (auto element : list) elements.push_back(simdjson::to_json_string(element.value()).value());
  return elements;
}

void cut(ondemand::document& document, CutFile& file) {
  if (document.type() == ondemand::json_type::array) {
    file.lists[""] = elements_of(document.get_array());
  } else if (document.type() == ondemand::json_type::object) {
    for (auto field : document.get_object()) {
      const std::string_view name = field.unescaped_key();
      if (name != "images" && name != "categories" && name != "annotations") continue;
      file.lists.erase(std::string(name));  // where a name stands twice, the last one counts
      ondemand::array list;
      if (!field.value().get_array().get(list)) file.lists[std::string(name)] = elements_of(list);
    }
  } else {
    return;  // such as a number, in which no list is found
  }
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
}

// Skips the byte order mark that editors on Windows write.
simdjson::padded_string_view without_mark(const simdjson::padded_string& text, const fs::path& path) {
  const std::string_view bytes = text;
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"))
    fail_input("{}: is UTF-16 text; save it as UTF-8", path.string());
  const size_t mark = bytes.starts_with("\xef\xbb\xbf") ? 3 : 0;
  const size_t size = bytes.size() - mark;
  return simdjson::padded_string_view(bytes.data() + mark, size, size + simdjson::SIMDJSON_PADDING);
}

std::string_view start_of(std::string_view text) { return text.substr(0, 40); }

// Returns the place behind a text in quotes that begins at `at`.
size_t behind_text(std::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return at + 1;
}

}  // namespace

const std::vector<std::string_view>& CutFile::list(const char* name, const fs::path& path) const {
  const auto found = lists.find(name);
  if (found == lists.end()) fail_input("{}: has no list '{}'; is it a COCO annotation file?", path.string(), name);
  return found->second;
}

CutFile cut_coco_file(const fs::path& path) {
  if (!fs::exists(path)) fail_input("{}: no such file", path.string());
  CutFile file;
  try {
    file.text = simdjson::padded_string::load(path.string());
    ondemand::parser parser;
    ondemand::document document = parser.iterate(without_mark(file.text, path));
    cut(document, file);
  } catch (const simdjson::simdjson_error& error) {
    if (error.error() == simdjson::IO_ERROR) fail_input("{}: cannot be read", path.string());
    fail_input("{}: is no JSON: {}", path.string(), error.what());
  }
  return file;
}

CocoEntry::CocoEntry(const dom::element& element, const CocoPlace& place) : place_(place) {
  if (element.get_object().get(object_)) refuse(fmt::format("is {}, expected an object {{...}}", shown(element)));
}

bool CocoEntry::find(std::string_view field, dom::element& value) const {
  bool is_found = false;
  for (auto at = object_.begin(), end = object_.end(); at != end; ++at)
    if (at.key_equals(field)) value = at.value(), is_found = true;
  return is_found;
}

bool CocoEntry::has(std::string_view field) const {
  dom::element value;
  return find(field, value);
}

dom::element CocoEntry::get(std::string_view field) const {
  dom::element value;
  if (!find(field, value)) refuse(fmt::format("has no '{}'", field));
  return value;
}

double CocoEntry::number(std::string_view field) const {
  const dom::element found = get(field);
  double value = 0;
  if (found.get_double().get(value)) refuse(fmt::format("has {} as '{}', expected a number", shown(found), field));
  return value;
}

std::vector<double> CocoEntry::numbers(std::string_view field) const { return numbers_of(get(field), field, place_); }

std::string shown(const dom::element& value) {
  const std::string text = simdjson::minify(value);
  return text.size() > start_of(text).size() ? fmt::format("{}...", start_of(text)) : text;
}

bool whole_number(const dom::element& value, int64_t& number) {
  if (!value.get_int64().get(number)) return true;
  double real = 0;  // some tools write 3.0
  if (!value.is_double() || value.get_double().get(real) || !(std::abs(real) < 0x1p63) || real != std::trunc(real))
    return false;
  number = static_cast<int64_t>(real);
  return true;
}

std::vector<double> numbers_of(const dom::element& value, std::string_view field, const CocoPlace& place) {
  dom::array list;
  if (value.get_array().get(list))
    place.refuse(fmt::format("has {} as '{}', expected a list of numbers", shown(value), field));
  std::vector<double> values;
  values.reserve(list.size());
  for (const dom::element x : list) {
    double number = 0;
    if (x.get_double().get(number)) place.refuse(fmt::format("has {} in '{}', expected numbers", shown(x), field));
    values.push_back(number);
  }
  return values;
}

// Finds why the text is no JSON. Python's json writes and reads NaN, Infinity and -Infinity, which JSON does not have;
// the last text before one is its field.
std::string why_no_json(std::string_view json, simdjson::error_code error) {
  std::string_view field;
  for (size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      const size_t end = std::min(behind_text(json, at), json.size());
      field = start_of(json.substr(at + 1, end - at - 2));
      at = end;
      continue;
    }
    for (const std::string_view word : {"NaN", "-Infinity", "Infinity"})
      if (json.substr(at).starts_with(word))
        return fmt::format("has {} as '{}', which is no number; mend what wrote it, or leave this entry out", word,
                           field);
    ++at;
  }
  if (error == simdjson::NUMBER_ERROR) return "is no JSON: a number in it is misspelt, or too large for 64 bits";
  return fmt::format("is no JSON: {}", simdjson::error_message(error));
}

}  // namespace boxseg
