// XML files of annotations.
#pragma once
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "common/base/files.h"

namespace boxseg {

// Parses a whole file's bytes; returns what keeps them from being XML, worded to follow the file's name, or "".
std::string fault_of_xml(std::string_view bytes, pugi::xml_document& document);

// Reads a whole file: UTF-8 with or without a byte order mark, or UTF-16. Throws bad_input with the file's name: it
// cannot be read, it is no well-formed XML, or it holds a reference to the character 0, at which a text would end.
void read_xml(const fs::path& path, pugi::xml_document& document);

// The one outermost element. Throws bad_input where there is none of this name (`kind` tells what the file then is
// not: "VOC annotation") or where another one stands beside it.
pugi::xml_node only_root(const pugi::xml_document& document, const char* name, const char* kind, const fs::path& path);

// The name of the outermost element, told from the first 64 KiB of the file; "" for a file that is no XML, or cannot be
// read. What follows in the file may be damaged.
std::string name_of_root(const fs::path& path);

}  // namespace boxseg
