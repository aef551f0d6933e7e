// These tests are on the text helpers.
#include "common/base/text.h"

#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;
using Strings = std::vector<std::string>;

TEST_CASE("split trims its pieces and keeps empty ones between separators", "[cpu]") {
  REQUIRE(split("4, 55 ,3", ',') == Strings{"4", "55", "3"});
  REQUIRE(split("a,,b,", ',') == Strings{"a", "", "b", ""});
  REQUIRE(split("", ',').empty());
  REQUIRE(split("  \t ", ',').empty());
  REQUIRE(split("alone", ',') == Strings{"alone"});
  REQUIRE(trim(" \t a b\r\n") == "a b");
  REQUIRE(trim("\n").empty());
  REQUIRE(join({"a", "b", "c"}, ", ") == "a, b, c");
  REQUIRE(join({}, ", ").empty());
  REQUIRE(read_lines("one\r\n\n  two  \n") == Strings{"one", "two"});
}

TEST_CASE("The nearest name is found for a slip, and none for another word", "[cpu]") {
  const Strings names = {"threshold", "threads", "seed", "device"};
  REQUIRE(nearest("treshold", names) == "threshold");
  REQUIRE(nearest("thread", names) == "threads");
  REQUIRE(nearest("sead", names) == "seed");
  REQUIRE(nearest("dveice", names) == "device");
  REQUIRE(nearest("learning-rate", names).empty());
  REQUIRE(nearest("xy", names).empty());
  REQUIRE(nearest("seed", {}).empty());
}

TEST_CASE("Numbers are of the whole text or refused with their name", "[cpu]") {
  REQUIRE(parse_number("1e-3", "--x") == 0.001);
  REQUIRE(parse_number(" -2.5 ", "--x") == -2.5);
  REQUIRE(parse_integer("-9223372036854775808", "--n") == INT64_MIN);
  for (const char* text : {"", "1x", "0x10", "1,5", "one", "1 2"}) {
    INFO(text);
    const Failure failure = failure_of([&] { parse_number(text, "--rate"); });
    REQUIRE(failure.kind == ErrorKind::usage);
    REQUIRE(failure.mentions("--rate"));
    REQUIRE(failure_of([&] { parse_integer(text, "--n"); }).kind == ErrorKind::usage);
  }
  REQUIRE(failure_of([&] { parse_integer("1.0", "--n"); }).mentions("'1.0' is not an integer"));
  REQUIRE(failure_of([&] { parse_integer("9223372036854775808", "--n"); }).kind == ErrorKind::usage);
}
