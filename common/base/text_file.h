// Reads text files that people write: lists, class names, configurations.
#pragma once
#include <string>
#include <string_view>

#include "common/base/files.h"

namespace boxseg {

// Returns the whole file without a UTF-8 byte order mark, which editors on Windows put in front. Throws bad_input with
// the file's name where it cannot be read, is UTF-16 or UTF-32 (as Notepad's "Unicode" and PowerShell's ">" write), or
// holds a zero byte and so is no text.
std::string read_text_file(const fs::path& path);

// Names what the bytes are if they are no text that this project reads: "UTF-16", "UTF-32", "no text"; else "".
std::string foreign_encoding(std::string_view bytes);

bool is_utf8(std::string_view text);
// Returns how many bytes the first character of a text has that is not empty; 0 where it is no UTF-8.
size_t character_length(std::string_view text);

}  // namespace boxseg
