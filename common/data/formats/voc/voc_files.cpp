#include "common/data/formats/voc/voc_files.h"

#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

// The id in "/JPEGImages/a b.Jpg /SegmentationClass/a b.png", or "" for a line of another kind.
std::string id_of_paths(const std::string& line) {
  const std::string folder = "JPEGImages/";
  const size_t at = line.find(folder);
  if (at != 0 && at != line.find('/') + 1) return "";
  const std::string in_lower_case = lower_case(line);
  for (const std::string& suffix : image_suffixes()) {
    const size_t end = in_lower_case.find(suffix, at + folder.size());
    if (end == std::string::npos) continue;
    const size_t after = end + suffix.size();
    if (after == line.size() || line[after] == ' ' || line[after] == '\t')
      return line.substr(at + folder.size(), end - at - folder.size());
  }
  return "";
}

struct Flagged {
  std::string id;
  int flag;
};
// "ID 1", "ID 0", "ID -1"; id "" for a line of another kind.
Flagged with_flag(const std::string& line) {
  const size_t blank = line.find_last_of(" \t");
  if (blank == std::string::npos) return {};
  const std::string last = line.substr(blank + 1);
  if (last != "1" && last != "0" && last != "-1") return {};
  return {std::string(trim(line.substr(0, blank))), last == "-1" ? -1 : last[0] - '0'};
}

}  // namespace

std::vector<ListedImage> read_image_list(const fs::path& path,
                                         const std::function<bool(const std::string&)>& is_image) {
  std::vector<ListedImage> images;
  std::unordered_map<std::string, int64_t> line_of;
  int64_t line = 0;
  for (const std::string& content : split(read_text_file(path), '\n')) {
    ++line;
    if (content.empty()) continue;
    std::string id = id_of_paths(content);
    if (id.empty()) {
      const Flagged flagged = with_flag(content);
      const bool has_flag = !flagged.id.empty() && !is_image(content);
      if (has_flag && flagged.flag < 0) continue;
      id = has_flag ? flagged.id : content;
    }
    try {
      output_name(id);
    } catch (const Error& e) {
      fail_input("{}:{}: {}", path.string(), line, e.what());
    }
    if (const auto [at, is_new] = line_of.emplace(id, line); !is_new)
      fail_input("{}:{}: image '{}' stands in line {} already; remove one", path.string(), line, id, at->second);
    images.push_back({id, line});
  }
  if (images.empty()) fail_input("{}: names no image", path.string());
  return images;
}

}  // namespace boxseg
