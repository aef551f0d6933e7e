// The names at the beginning of a JSON file, to tell formats apart without reading all of it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct JsonBeginning {
  bool is_list = false;            // the file is a list [...]; `names` are then those of its first element
  bool is_cut = false;             // the file goes on behind what was looked at
  std::vector<std::string> names;  // of the top level's fields, in their order, as they stand in the quotes
  bool has(std::string_view name) const;
};

// Of a text, of which `is_cut` tells whether it is only the start of a file. Looks at quotes, brackets and commas
// alone: of what is no JSON it may give anything.
JsonBeginning json_beginning(std::string_view text, bool is_cut);

// Of a file's first million bytes. Without names for what cannot be read, is no regular file, or does not begin with
// { or [ (behind blanks and a byte order mark).
JsonBeginning json_beginning(const fs::path& path);

}  // namespace boxseg
