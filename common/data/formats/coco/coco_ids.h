// Reads ids in the COCO API's JSON files: whole numbers, or texts, such as the names of files.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/data/formats/coco/coco_json.h"

namespace boxseg {

// 3 and 3.0 are one id and 3 and "3" are two, as in Python. Numbers come in their order, texts in that of their
// letters.
struct CocoId {
  bool is_text = false;
  int64_t number = 0;
  std::string text;
  // clang-tidy 14 takes the 0 that the compiler compares with for a pointer. NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const CocoId&) const = default;
};
std::string shown(const CocoId& id);  // 3, or "3" as JSON
std::string plain(const CocoId& id);  // 3 for both

// Returns the id in a field. Throws bad_input for anything else, numbers with a fraction or of 2^63 and more among
// them.
CocoId id_in(const CocoEntry& entry, std::string_view field);

// Throws bad_input that names both entries of the list where two ids are equal; if `is_sorted`, also where numbers and
// texts are mixed, which have no order.
void require_unique(const std::vector<CocoId>& ids, const std::filesystem::path& path, const char* list,
                    bool is_sorted);

// Finds the place of an id; -1 for one that is not there.
class CocoIdIndex {
 public:
  explicit CocoIdIndex(const std::vector<CocoId>& ids);
  int64_t operator()(const CocoId& id) const;
  std::string known() const;  // "2, 4, 7 and 77 others"

 private:
  std::unordered_map<int64_t, int64_t> numbers_;
  std::unordered_map<std::string, int64_t> texts_;
  std::string known_;
};

}  // namespace boxseg
