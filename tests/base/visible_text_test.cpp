// Names from files are shown to people.
#include "common/base/visible_text.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("A terminal is shown control characters, and does not obey them", "[cpu]") {
  REQUIRE(printable("a\x1b[2Jb\x07\r\x7f") == "a\\x1B[2Jb\\x07\\x0D\\x7F");
  REQUIRE(printable("two\nlines\tand Köln 東京 \xC2\xA0") == "two\nlines\tand Köln 東京 \xC2\xA0");
  REQUIRE(printable("\xC2\x9B"
                    "2J") == "\\u009B2J");
  REQUIRE(printable("cut \xC2") == "cut \xC2");
  REQUIRE(printable("no UTF-8: \xE9\xFF, overlong \xC0\x80") == "no UTF-8: \xE9\xFF, overlong \xC0\\x80");
  REQUIRE(printable("").empty());
}

TEST_CASE("What an eye cannot tell is written out, and left out of what was meant", "[cpu]") {
  REQUIRE(visible("cat\xC2\xA0"
                  "a") == "cat\\u00A0a");
  REQUIRE(visible("\xE2\x80\x8B"
                  "cat\r\n\xEF\xBB\xBF") == "\\u200Bcat\\x0D\\x0A\\uFEFF");
  REQUIRE(visible("cat\xE2\x80\xA8"
                  "dog") == "cat\\u2028dog");
  REQUIRE(visible("K\xF6ln") == "K\\xF6ln");
  REQUIRE(visible("Köln 東京 🐈") == "Köln 東京 🐈");
  REQUIRE(plain("cat\xC2\xA0"
                "a\xE2\x80\x8B") == "cat a");
  REQUIRE(plain("\xE3\x80\x80"
                "cat\x01") == " cat");
  REQUIRE(plain("K\xF6ln 東京") == "K\xF6ln 東京");
}
