// Text for /bin/sh and for Makefiles.
#pragma once
#include <string>

namespace boxseg {

std::string shell_quote(const std::string& text);  // 'it'\''s'; plain words stay as they are
std::string make_escape(const std::string& text);  // $ doubled: for a recipe line

}  // namespace boxseg
