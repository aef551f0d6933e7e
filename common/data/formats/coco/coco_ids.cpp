#include "common/data/formats/coco/coco_ids.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/base/files.h"
#include "common/base/text.h"

namespace boxseg {

std::string shown(const CocoId& id) { return id.is_text ? nlohmann::json(id.text).dump() : std::to_string(id.number); }

std::string plain(const CocoId& id) { return id.is_text ? id.text : std::to_string(id.number); }

CocoId id_in(const CocoEntry& entry, std::string_view field) {
  const simdjson::dom::element found = entry.get(field);
  CocoId id;
  if (whole_number(found, id.number)) return id;
  std::string_view text;
  // NumPy, and so COCOeval, drops NULs at the end of a text.
  if (found.get_string().get(text) || text.find('\0') != std::string_view::npos)
    entry.refuse(fmt::format("has {} as '{}', expected a whole number below 2^63 or a text", shown(found), field));
  id.is_text = true;
  id.text = text;
  return id;
}

void require_unique(const std::vector<CocoId>& ids, const fs::path& path, const char* list, bool is_sorted) {
  std::unordered_set<int64_t> numbers;
  std::unordered_set<std::string_view> texts;
  numbers.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const CocoId& id = ids[i];
    const CocoPlace place{path, list, i};
    if (is_sorted && id.is_text != ids[0].is_text)
      place.refuse(
          fmt::format("has the id {}, and {}[0] has {}; use either numbers or texts", shown(id), list, shown(ids[0])));
    if (id.is_text ? texts.insert(id.text).second : numbers.insert(id.number).second) continue;
    const auto first = std::find(ids.begin(), ids.end(), id) - ids.begin();
    place.refuse(fmt::format("has the id {} of {}[{}]; give each an id of its own", shown(id), list, first));
  }
}

CocoIdIndex::CocoIdIndex(const std::vector<CocoId>& ids) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    if (ids[i].is_text)
      texts_.emplace(ids[i].text, place);
    else
      numbers_.emplace(ids[i].number, place);
  }
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min<size_t>(ids.size(), 5); ++i) first.push_back(shown(ids[i]));
  known_ = first.empty() ? "none" : join(first, ", ");
  if (ids.size() > 5) known_ += fmt::format(" and {} more", ids.size() - 5);
}

int64_t CocoIdIndex::operator()(const CocoId& id) const {
  if (id.is_text) {
    const auto found = texts_.find(id.text);
    return found == texts_.end() ? -1 : found->second;
  }
  const auto found = numbers_.find(id.number);
  return found == numbers_.end() ? -1 : found->second;
}

std::string CocoIdIndex::known() const { return known_; }

}  // namespace boxseg
