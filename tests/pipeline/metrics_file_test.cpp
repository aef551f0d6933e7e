// The file metrics.json is merged, read and checked.
#include "common/pipeline/plan/metrics_file.h"

#include "common/base/files.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("what is no flat JSON object is refused with the file's name, however deep it is") {
  const TemporaryDirectory dir;
  const fs::path path = dir / "metrics.json";
  const auto nested = [](size_t depth, const std::string& open, const std::string& close) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += open;
    text += "1";
    for (size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  for (const std::string& text :
       {std::string("[]"), std::string("{\"a\": [1]}"), std::string("{\"a\": {\"b\": 1}}"), std::string("{\"a\": 1"),
        std::string("5"), std::string(), nested(1000000, "[", "]"), nested(400000, "{\"a\":", "}")}) {
    write_file(path, text);
    const Failure failure = failure_of([&] { read_metrics(path); });
    CAPTURE(text.substr(0, 20));
    REQUIRE(failure.kind == ErrorKind::bad_input);
    REQUIRE(failure.mentions(path.string() + ": not a metrics file"));
  }
  const auto report = run_command(std::string(BOXSEG_BIN_DIR) + "/report --run '" + dir.path().string() +
                                  "' --output '" + (dir / "page").string() + "'");
  REQUIRE(report.exit_code == 3);
  write_file(path, R"({"a/miou": 1.5, "b/miou": null, "c/inputs": "text"})");
  REQUIRE(read_metrics(path).size() == 3);
}

TEST_CASE("the numbers of one piece of work are told from those of its neighbours") {
  const Metrics metrics = {{"stage3/nal/val/tta/miou", 1},
                           {"stage3/nal/val/tta_crf/miou", 2},
                           {"stage2/bap/val/agreement_wrong/miou", 3},
                           {"stage2/bap/val/agreement_ignored/pacc", 4},
                           {"stage2/bap/val/y_crf/miou", 5},
                           {"stage2/bap/val/y_crf/per_class/cat", 6}};
  REQUIRE(numbers_of(metrics, "stage3/nal/val/tta") == Metrics{{"stage3/nal/val/tta/miou", 1}});
  REQUIRE(numbers_of(metrics, "stage2/bap/val/y_crf").size() == 2);
  REQUIRE(numbers_of(metrics, "stage2/bap/val/agreement").size() == 2);
  REQUIRE(numbers_of(metrics, "stage2/bap/val/y_ret").empty());
}
