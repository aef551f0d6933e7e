// `evaluate coco` is compared with pycocotools itself.
#include <string>

#include "common/base/error.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

TEST_CASE("evaluate coco equals pycocotools to the last bit on 20 made-up datasets", "[python]") {
  PYTHON_OR_SKIP(python);
  const boxseg::test::TemporaryDirectory dir;
  const auto result =
      boxseg::test::run_command(fmt::format("'{}' '{}/tests/python/check_coco.py' '{}/evaluate' '{}' 20",
                                            python.string(), BOXSEG_SOURCE_DIR, BOXSEG_BIN_DIR, dir.path().string()));
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
  std::printf("%s", result.out.c_str());
}
