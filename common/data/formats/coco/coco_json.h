// The COCO API's JSON files as text: cut into the entries of their lists, and the fields of one entry.
#pragma once
#include <simdjson.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/runtime/parallel.h"

namespace boxseg {

// "annotations[7]" of a file: what an error names.
struct CocoPlace {
  const std::filesystem::path& file;
  const char* list;
  size_t index;
  [[noreturn]] void refuse(const std::string& what) const {
    fail_input("{}: {}[{}] {}", file.string(), list, index, what);
  }
};

// A file cut into the elements of its lists, each of which is then parsed alone: on any thread, and without a document
// of many times the file's size in memory.
struct CutFile {
  simdjson::padded_string text;
  std::map<std::string, std::vector<std::string_view>, std::less<>> lists;  // by name; "": the file itself is the list

  // Throws bad_input where there is no such list.
  const std::vector<std::string_view>& list(const char* name, const std::filesystem::path& path) const;
};
// Throws bad_input for a file that cannot be read or is no JSON.
CutFile cut_coco_file(const std::filesystem::path& path);

// One entry of a list. The readers throw bad_input with the place, the field, and what stands there.
class CocoEntry {
 public:
  CocoEntry(const simdjson::dom::element& element, const CocoPlace& place);
  const CocoPlace& place() const { return place_; }

  // Of a name that stands twice the last one counts, as in Python's json.
  bool find(std::string_view field, simdjson::dom::element& value) const;
  bool has(std::string_view field) const;
  simdjson::dom::element get(std::string_view field) const;
  double number(std::string_view field) const;
  std::vector<double> numbers(std::string_view field) const;

  [[noreturn]] void refuse(const std::string& what) const { place_.refuse(what); }

 private:
  simdjson::dom::object object_;
  const CocoPlace& place_;
};

std::string shown(const simdjson::dom::element& value);  // as JSON, the start of a long one
// False where it is something else than a number without a fraction that fits; 3.0 is 3.
bool whole_number(const simdjson::dom::element& value, int64_t& number);
// The numbers of a list; throws as CocoEntry does, with the path of the field.
std::vector<double> numbers_of(const simdjson::dom::element& value, std::string_view field, const CocoPlace& place);
// Why one element of a list cannot be parsed: "has NaN as 'score'", or what simdjson says.
std::string why_no_json(std::string_view text, simdjson::error_code error);

// Calls use(i, entry i) for all on some threads; entries end with their call. Where entry i is no JSON, or use throws
// bad_input, it calls refused(i, the error) and goes on.
template <class Use, class Refused>
void for_each_entry(const std::vector<std::string_view>& list, const std::filesystem::path& path, const char* name,
                    int threads, const Use& use, const Refused& refused) {
  parallel_for(static_cast<int64_t>(list.size()), 256, threads, [&](int64_t begin, int64_t end) {
    simdjson::dom::parser parser;
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) try {
        const CocoPlace place{path, name, i};
        simdjson::dom::element element;
        if (const auto error = parser.parse(list[i].data(), list[i].size(), false).get(element))
          place.refuse(why_no_json(list[i], error));
        use(i, CocoEntry(element, place));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::bad_input) throw;
        refused(i, error);
      }
  });
}

// The same; the first error ends it.
template <class Use>
void for_each_entry(const std::vector<std::string_view>& list, const std::filesystem::path& path, const char* name,
                    int threads, const Use& use) {
  for_each_entry(list, path, name, threads, use, [](size_t, const Error&) { throw; });
}

}  // namespace boxseg
