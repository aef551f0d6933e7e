#include "common/data/formats/yolo/yolo_config.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/yolo/yaml_subset.h"

namespace boxseg {
namespace {

using Kind = YamlValue::Kind;
constexpr int64_t kMostClasses = 10000;

bool is_yaml(const fs::path& file) {
  const std::string suffix = lower_case(file.extension().string());
  return suffix == ".yaml" || suffix == ".yml";
}

// -1 for none.
int64_t whole_number(const std::string& text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : -1;
}

// "names: {0: cat, 1: dog}": in the order of the numbers, which leave out none.
std::vector<YamlText> by_number(const YamlValue& map, const std::string& file) {
  std::map<int64_t, YamlText> of_number;
  for (size_t i = 0; i < map.keys.size(); ++i) {
    const YamlText& key = map.keys[i];
    const int64_t number = whole_number(key.text);
    if (number < 0 || number >= kMostClasses)
      fail_input("{}:{}: '{}' is no class number; write the names of classes as '0: NAME'", file, key.line, key.text);
    if (const auto [seen, is_new] = of_number.emplace(number, map.items[i]); !is_new)
      fail_input("{}:{}: class number {} has the name '{}' in line {} already; remove one", file, key.line, number,
                 seen->second.text, seen->second.line);
  }
  std::vector<YamlText> names;
  for (const auto& [number, name] : of_number) {
    if (number != static_cast<int64_t>(names.size()))
      fail_input("{}:{}: the class number {} has no name, but {} has one; name all numbers from 0 on", file, map.line,
                 names.size(), number);
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> checked_names(const std::vector<YamlText>& names, const std::string& file) {
  std::unordered_map<std::string, size_t> number_of;
  std::vector<std::string> texts;
  for (const YamlText& name : names) {
    if (name.text.empty())
      fail_input("{}:{}: the class number {} has an empty name; name it, since those behind it would move up", file,
                 name.line, texts.size());
    if (!is_utf8(name.text)) fail_input("{}:{}: the name of a class is no UTF-8; save it as UTF-8", file, name.line);
    if (const auto [seen, is_new] = number_of.emplace(name.text, texts.size()); !is_new)
      fail_input("{}:{}: the class numbers {} and {} are both named '{}'; give each a name of its own", file, name.line,
                 seen->second, texts.size(), name.text);
    texts.push_back(name.text);
  }
  return texts;
}

void read_names(const std::map<std::string, YamlValue>& values, YoloConfig& config) {
  const std::string file = config.file.string();
  int64_t count = -1;
  if (const auto nc = values.find("nc"); nc != values.end() && nc->second.kind != Kind::nothing) {
    count = nc->second.kind == Kind::text ? whole_number(nc->second.items[0].text) : -1;
    if (count < 1 || count >= kMostClasses)
      fail_input("{}:{}: 'nc' is no number of classes; write how many there are", file, nc->second.line);
  }
  const auto found = values.find("names");
  if (found != values.end() && found->second.kind == Kind::text)
    fail_input("{}:{}: 'names' is '{}', expected a list; write names: ['cat', 'dog']", file, found->second.line,
               found->second.items[0].text);
  if (found != values.end() && found->second.kind != Kind::nothing)
    config.names =
        checked_names(found->second.kind == Kind::map ? by_number(found->second, file) : found->second.items, file);
  if (config.names.empty() && count < 0)
    fail_input("{}: names no classes; write names: ['cat', 'dog'], by the class numbers from 0 on", file);
  if (config.names.empty()) {
    config.has_invented_names = true;
    for (int64_t i = 0; i < count; ++i) config.names.push_back(fmt::format("class {}", i));
  } else if (count >= 0 && count != static_cast<int64_t>(config.names.size())) {
    fail_input("{}: 'nc' says {} classes, but 'names' has {}; correct the one that is wrong", file, count,
               config.names.size());
  }
}

// Ultralytics knows "validation" for "val", and some files have "valid".
std::string split_name(const std::string& key) { return key == "valid" || key == "validation" ? "val" : key; }

void read_splits(const std::map<std::string, YamlValue>& values, YoloConfig& config) {
  for (const char* key : {"train", "val", "valid", "validation", "test", "minival"}) {
    const auto found = values.find(key);
    if (found == values.end() || found->second.kind == Kind::nothing) continue;
    const std::string where = fmt::format("{}:{}", config.file.string(), found->second.line);
    if (found->second.kind == Kind::map)
      fail_input("{}: '{}' is a mapping, expected a folder, a list file, or a list of them", where, key);
    std::vector<std::string>& entries = config.splits[split_name(key)];
    if (!entries.empty()) fail_input("{}: '{}' means the same split as a key above; remove one", where, key);
    for (const YamlText& entry : found->second.items) {
      if (entry.text.starts_with("http://") || entry.text.starts_with("https://") ||
          entry.text.find('*') != std::string::npos)
        fail_input("{}:{}: '{}' is no path; write a folder of images or a list file", config.file.string(), entry.line,
                   entry.text);
      if (!entry.text.empty()) entries.push_back(entry.text);
    }
    if (entries.empty()) config.splits.erase(split_name(key));
  }
}

YoloConfig read_data_yaml(const fs::path& file) {
  YoloConfig config;
  config.file = file;
  const auto values = read_yaml_subset(
      file, {"path", "train", "val", "valid", "validation", "test", "minival", "names", "nc", "kpt_shape"});
  read_names(values, config);
  if (const auto root = values.find("path"); root != values.end() && root->second.kind != Kind::nothing) {
    if (root->second.kind != Kind::text)
      fail_input("{}:{}: 'path' is no text, expected one folder", file.string(), root->second.line);
    config.root = root->second.items[0].text;
  }
  read_splits(values, config);
  if (const auto shape = values.find("kpt_shape"); shape != values.end() && shape->second.kind != Kind::nothing) {
    config.keypoint_numbers = 1;
    for (const YamlText& item : shape->second.items) config.keypoint_numbers *= whole_number(item.text);
    if (config.keypoint_numbers < 1 || config.keypoint_numbers > 10000 || shape->second.items.size() != 2)
      fail_input("{}:{}: 'kpt_shape' is no [POINTS, NUMBERS]; correct it", file.string(), shape->second.line);
  }
  return config;
}

// A name a line. An empty line between names counts as a class in some programs and in others not.
YoloConfig read_names_file(const fs::path& file) {
  YoloConfig config;
  config.file = file;
  std::vector<std::string> lines = split(read_text_file(file), '\n');
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::vector<YamlText> names;
  for (const std::string& line : lines) names.push_back({line, static_cast<int64_t>(names.size()) + 1, false});
  config.names = checked_names(names, file.string());
  if (config.names.empty()) fail_input("{}: names no class; write one name a line", file.string());
  return config;
}

}  // namespace

bool is_data_yaml(const fs::path& file) {
  std::error_code ignored;
  if (!is_yaml(file) || !fs::is_regular_file(file, ignored)) return false;
  const std::string bytes = read_file(file);
  for (const std::string_view key : {"names", "nc", "'names'", "\"names\""})
    for (size_t at = bytes.find(key); at != std::string::npos; at = bytes.find(key, at + 1)) {
      const size_t colon = bytes.find_first_not_of(' ', at + key.size());
      const bool is_at_start = at == 0 || bytes[at - 1] == '\n' || (at == 3 && bytes.starts_with("\xEF\xBB\xBF"));
      if (is_at_start && colon != std::string::npos && bytes[colon] == ':') return true;
    }
  return false;
}

bool is_names_file(const fs::path& file) {
  const std::string name = lower_case(file.filename().string());
  return name == "classes.txt" || name == "names.txt" || name == "_darknet.labels" ||
         lower_case(file.extension().string()) == ".names";
}

fs::path find_yolo_config(const fs::path& folder) {
  std::vector<fs::path> yamls, lists;
  std::error_code error;
  for (fs::directory_iterator i(folder, error); !error && i != fs::directory_iterator(); i.increment(error)) {
    const fs::path& file = i->path();
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored) || file.filename().string().starts_with("._")) continue;
    if (is_names_file(file)) lists.push_back(file);
    if (is_data_yaml(file)) yamls.push_back(file);
  }
  if (error) fail_input("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(yamls.begin(), yamls.end());
  std::sort(lists.begin(), lists.end());  // "_darknet.labels", "classes.txt", "names.txt", "obj.names"
  for (const fs::path& yaml : yamls)
    if (yaml.stem() == "data") return yaml;
  if (yamls.size() > 1)
    fail_input("{}: holds {} and {}, which both describe a data set; name the one that is meant in place of the folder",
               folder.string(), yamls[0].filename().string(), yamls[1].filename().string());
  if (!yamls.empty()) return yamls[0];
  return lists.empty() ? fs::path() : lists[0];
}

YoloConfig read_yolo_config(const fs::path& file) {
  return is_yaml(file) ? read_data_yaml(file) : read_names_file(file);
}

}  // namespace boxseg
