// The COCO results of stage 2 are read by pycocotools, and measured as `evaluate coco` does.
#include "tests/stage2/small_world.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("pycocotools reads the results of stage 2, and measures what evaluate coco measures", "[python]") {
  PYTHON_OR_SKIP(python);
  const SmallWorld world;
  world.give_ids(900);
  for (const std::string kind : {"per_box", "per_class"}) {
    must_run(world.command(kind, "--instances " + kind));
    const fs::path out = world.dir / kind;
    const auto result = run_command(fmt::format(
        "'{}' '{}/tests/python/check_instances.py' '{}/evaluate' '{}' {} '{}' '{}'", python.string(), BOXSEG_SOURCE_DIR,
        BOXSEG_BIN_DIR, world.dir.path().string(), kind, (out / "Y_crf").string(), (out / "instances.json").string()));
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 0);
    std::printf("%s", result.out.c_str());
  }
}
