// Shows texts from files as people should see them: names may hold what a terminal obeys, and what an eye cannot tell.
#pragma once
#include <string>
#include <string_view>

namespace boxseg {

// Returns the text as a terminal may get it: each control character but tab and newline, which it would obey, becomes
// "\x1B" or such.
std::string printable(std::string_view text);

// Returns a name for a message that says it looks right and is not: as printable(), and also characters that cannot be
// seen (blanks but the plain one, joiners, marks of direction, a byte order mark) become "\u00A0", and bytes that are
// no UTF-8 become "\xE9".
std::string visible(std::string_view name);

// Returns the name as it was meant: without characters that cannot be seen, and with plain blanks for other blanks.
std::string plain(std::string_view name);

}  // namespace boxseg
