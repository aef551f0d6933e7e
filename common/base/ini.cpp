#include "common/base/ini.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"

namespace boxseg {

Ini read_ini_file(const std::filesystem::path& path) {
  Ini ini;
  std::string section;
  const std::vector<std::string> lines = split(read_text_file(path), '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[') {
      if (line.back() != ']') fail_usage("{}:{}: '{}' lacks its closing bracket", path.string(), i + 1, line);
      section = trim(std::string_view(line).substr(1, line.size() - 2));
      ini[section];
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == std::string::npos || trim(line.substr(0, equals)).empty())
      fail_usage("{}:{}: '{}' is not of the form key = value", path.string(), i + 1, line);
    std::string key(trim(std::string_view(line).substr(0, equals)));
    std::replace(key.begin(), key.end(), '_', '-');
    if (!ini[section].emplace(key, trim(std::string_view(line).substr(equals + 1))).second)
      fail_usage("{}:{}: '{}' is set twice", path.string(), i + 1, key);
  }
  return ini;
}

}  // namespace boxseg
