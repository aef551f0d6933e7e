// These tests are on fields of CSV files.
#include "eval/csv_text.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("a field of CSV is quoted where it could be taken apart, and its quotes are doubled") {
  CHECK(csv_field("cat") == "cat");
  CHECK(csv_field("a cat") == "a cat");
  CHECK(csv_field("") == "");
  CHECK(csv_field("cat, black") == "\"cat, black\"");
  CHECK(csv_field("a \"cat\"") == "\"a \"\"cat\"\"\"");
  CHECK(csv_field("two\nlines") == "\"two\nlines\"");
  CHECK(csv_field("two\rlines") == "\"two\rlines\"");
  CHECK(csv_quoted("cat") == "\"cat\"");
  CHECK(csv_quoted("") == "\"\"");
  CHECK(csv_quoted("\"") == "\"\"\"\"");
}
