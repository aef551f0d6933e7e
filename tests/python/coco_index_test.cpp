// `prepare coco` is compared with pycocotools, and run at the size of train2017.
#include <string>

#include "common/base/error.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg::test;

namespace {

void check(const std::string& python, int images) {
  const TemporaryDirectory dir;
  const auto result = run_command(fmt::format("'{}' '{}/tests/python/check_coco_index.py' '{}/prepare' '{}' {}", python,
                                              BOXSEG_SOURCE_DIR, BOXSEG_BIN_DIR, dir.path().string(), images));
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  std::printf("%s", result.out.c_str());
}

}  // namespace

TEST_CASE("prepare coco draws masks with the pixels of pycocotools", "[python]") {
  PYTHON_OR_SKIP(python);
  check(python.string(), 60);
}

TEST_CASE("prepare coco indexes annotations of the size of train2017 within 1500 MB", "[python][slow]") {
  PYTHON_OR_SKIP(python);
  check(python.string(), 118'287);
}
