// What a page is made of: training logs, text and bytes, axes and curves.
#include <cmath>

#include "common/base/files.h"
#include "eval/report/charts.h"
#include "eval/report/html.h"
#include "eval/report/run_folder.h"
#include "tests/eval/made_up_run.h"
#include "tests/eval/report_program.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("a training log keeps the later of two equal steps and drops a cut last line") {
  TemporaryDirectory dir;
  write_file(dir / "log.jsonl",
             "{\"step\":2,\"loss\":1}\n{\"step\":1,\"loss\":3}\n{\"step\":2,\"loss\":5,\"x\":null}\n{\"step\":3,\"lo");
  const auto log = read_training_curves(dir / "log.jsonl");
  REQUIRE(log.values.size() == 1);
  REQUIRE(log.values.at("loss") == std::vector<std::pair<double, double>>{{1, 3}, {2, 5}});
}

TEST_CASE("text and bytes are written as HTML wants them") {
  REQUIRE(escaped("a<b>&\"c\"") == "a&lt;b&gt;&amp;&quot;c&quot;");
  REQUIRE(base64("").empty());
  REQUIRE(base64("f") == "Zg==");
  REQUIRE(base64("fo") == "Zm8=");
  REQUIRE(base64("foobar") == "Zm9vYmFy");
  REQUIRE(base64(std::string("\xff\x00\xfe", 3)) == "/wD+");
  const RgbImage heat = heat_map({0, 1, std::nanf("")}, 1, 3);
  REQUIRE(heat.pixels[2] > heat.pixels[1]);  // 0 is dark blue
  REQUIRE(heat.pixels[3] > 200);             // 1 is yellow
  REQUIRE((heat.pixels[4] > 200 && heat.pixels[5] < 100));
  REQUIRE(heat.pixels[6] == 128);
}

TEST_CASE("axes have round numbers, and long curves are thinned to their means") {
  REQUIRE(ticks(0, 1, 4) == std::vector<double>{0, 0.5, 1});
  REQUIRE(ticks(3, 97, 4) == std::vector<double>{50});
  REQUIRE(ticks(0, 100, 5) == std::vector<double>{0, 20, 40, 60, 80, 100});
  REQUIRE(ticks(2, 2, 4) == std::vector<double>{2});
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 1000; ++i) points.emplace_back(i, i % 2);
  const auto thin = thinned(points, 100);
  REQUIRE(thin.size() == 100);
  REQUIRE(thin[0] == std::pair<double, double>{4.5, 0.5});
  REQUIRE(thinned(points, 2000).size() == 1000);
  LineChart empty{"loss", "step", {{"a", {}}}};
  REQUIRE(line_chart(empty).empty());
  LineChart single{"loss", "step", {{"a", {{10, 2.0}}}}};
  REQUIRE_THAT(line_chart(single), Contains("<path") && !Contains("nan"));
  // A long curve is drawn twice, itself and smoothed; a short one once.
  LineChart falling{"loss", "step", {{"a", {{10, 2.0}, {20, 1.0}}}}};
  REQUIRE(count(line_chart(falling), "class=\"curve s0\"") == 1);
  REQUIRE(count(line_chart(falling), "class=\"faint s0\"") == 0);
  LineChart noisy{"loss", "step", {{"a", points}}};
  REQUIRE(count(line_chart(noisy), "class=\"faint s0\"") == 1);
}
