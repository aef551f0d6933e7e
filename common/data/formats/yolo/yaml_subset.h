// The small part of YAML in which people and tools describe sets of images: a mapping at the top, whose values are
// texts, lists of texts or mappings of texts to texts.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct YamlText {
  std::string text;
  int64_t line = 0;  // 1-based
  bool is_quoted = false;
};

struct YamlValue {
  enum class Kind { nothing, text, list, map };  // nothing: "KEY:", "KEY: ~" or "KEY: null"
  Kind kind = Kind::nothing;
  int64_t line = 0;             // of its key, 1-based
  std::vector<YamlText> keys;   // of a mapping, as many as items
  std::vector<YamlText> items;  // the texts of a list, the values of a mapping, or the one text
};

// The values of those of the `wanted` keys that stand at the top of the file. What other keys hold is passed over,
// however deep it is (Ultralytics' files hold programs, Roboflow's hold mappings).
// Read are: comments; texts that are plain, in single or in double quotes with their escapes; lists and mappings
// between brackets, over several lines too, or one item a line. Texts stay as they are written: `no` is "no", 007 is
// "007".
// Throws bad_input with FILE:LINE for all else in the value of a wanted key: nested values, texts over several lines,
// anchors, aliases, tags; and for a key that stands twice, a second document, and text that is no YAML.
std::map<std::string, YamlValue> read_yaml_subset(const fs::path& path, const std::vector<std::string>& wanted);

}  // namespace boxseg
