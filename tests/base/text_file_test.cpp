#include "common/base/text_file.h"

#include "common/base/error.h"
#include "common/base/options.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string in_utf16(const std::string& text, bool is_big_endian) {
  std::string bytes;
  for (const char c : text) bytes += is_big_endian ? std::string({'\0', c}) : std::string({c, '\0'});
  return bytes;
}

}  // namespace

TEST_CASE("A text file is read without the byte order mark of UTF-8") {
  const TemporaryDirectory dir;
  write_file(dir / "a.txt",
             "\xEF\xBB\xBF"
             "cat\nd\xC3\xB6g\n");
  REQUIRE(read_text_file(dir / "a.txt") == "cat\nd\xC3\xB6g\n");
  write_file(dir / "a.txt", "");
  REQUIRE(read_text_file(dir / "a.txt").empty());
  write_file(dir / "a.txt", "caf\xE9\n");  // Latin-1 may be the name of a file
  REQUIRE(read_text_file(dir / "a.txt") == "caf\xE9\n");
}

TEST_CASE("UTF-16 and UTF-32 are refused by name, with a way out") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& bytes, const std::string& encoding) {
    write_file(dir / "list.txt", bytes);
    REQUIRE_THROWS_WITH(read_text_file(dir / "list.txt"),
                        Contains("list.txt: is " + encoding) && Contains("iconv -f " + encoding));
  };
  refused("\xFF\xFE" + in_utf16("pic\r\n", false), "UTF-16");
  refused("\xFE\xFF" + in_utf16("pic\r\n", true), "UTF-16");
  refused(in_utf16("pic\r\n", false), "UTF-16");  // has no byte order mark
  refused(std::string("\xFF\xFE\0\0p\0\0\0", 8), "UTF-32");
}

TEST_CASE("A file with a zero byte is no text, and the line is named") {
  const TemporaryDirectory dir;
  write_file(dir / "classes.txt", std::string("star\nleaf\nbackgrou\x8d\0\0\nring\nmoon\n", 32));
  REQUIRE_THROWS_WITH(read_text_file(dir / "classes.txt"),
                      Contains("classes.txt: is no text file: byte 19, in line 3"));
}

TEST_CASE("UTF-8 is told from other bytes") {
  REQUIRE(is_utf8("d\xC3\xB6g \xE4\xB8\xAD \xF0\x9F\x90\xB1"));
  REQUIRE(is_utf8(""));
  for (const std::string bytes :
       {"caf\xE9", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80", "\xE0\x80\x80"}) {
    CAPTURE(bytes);
    REQUIRE_FALSE(is_utf8(bytes));
  }
}

TEST_CASE("A configuration may begin with a byte order mark") {
  const TemporaryDirectory dir;
  write_file(dir / "p.ini", "\xEF\xBB\xBF[classify]\nlr = 0.1\n");
  REQUIRE(read_ini_file(dir / "p.ini").at("classify").at("lr") == "0.1");
}
