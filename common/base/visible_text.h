// Texts from files as people should see them: names hold what a terminal obeys, and what an eye cannot tell.
#pragma once
#include <string>
#include <string_view>

namespace boxseg {

// For a terminal, which obeys control characters: "\x1B" in place of each but tab and newline.
std::string printable(std::string_view text);

// For messages on names that look right and are not: as printable, and characters that cannot be seen (blanks but the
// plain one, joiners, marks of direction, a byte order mark) as "\u00A0", bytes that are no UTF-8 as "\xE9".
std::string visible(std::string_view name);

// The name as it was meant: without what cannot be seen, with plain blanks for others.
std::string plain(std::string_view name);

}  // namespace boxseg
