// A project of its own finds the installed package: find_package(boxseg) and boxseg::crf.
#include <sstream>

#include "common/crf/dense_crf.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

TEST_CASE("a project outside finds the installed package and gets the library's beliefs", "[slow]") {
  const test::TemporaryDirectory folder;
  const auto must = [&](const std::string& command) {
    const auto result = test::run_command(command);
    INFO(command << "\n" << result.out << result.err);
    REQUIRE(result.exit_code == 0);
    return result.out;
  };
  const std::string prefix = (folder / "prefix").string(), build = (folder / "build").string();
  must("cmake --install '" + BOXSEG_BIN_DIR + "/..' --component crf --prefix '" + prefix + "'");
  must("cmake -S '" + BOXSEG_SOURCE_DIR + "/tests/crf/consumer' -B '" + build + "' -DCMAKE_PREFIX_PATH='" + prefix +
       "'");
  must("cmake --build '" + build + "'");
  std::istringstream printed(must("'" + build + "/consumer'"));

  std::vector<uint8_t> rgb(48, 100);
  std::vector<float> probabilities(32);
  for (size_t p = 0; p < 16; ++p) {
    probabilities[p] = 0.3f + 0.02f * static_cast<float>(p);
    probabilities[16 + p] = 0.7f - 0.02f * static_cast<float>(p);
  }
  const auto q = DenseCrf(CrfOptions{}, 1).infer(rgb, probabilities, 2, 4, 4);
  for (size_t p = 0; p < 16; ++p) {
    double value = -1;
    printed >> value;
    CHECK(value == Approx(q[16 + p]).epsilon(1e-6));
  }
}
