// The device path of stage 2 may ask only so much of a device.

#include "stage2_pseudolabel/measure_features.h"
#include "stage2_pseudolabel/pseudo_label.h"
#include "tests/nn/operations.h"
#include "tests/nn/paths.h"
#include "tests/stage2/golden_image.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("labels of an image on the device path wait five times, whatever the image holds",
          "[stage2][golden][device]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/stage2.h5");
  const DevicePathEverywhere taken;
  for (const std::string id : {"2007_001724", "2007_008468"}) {  // one box; six objects of three classes
    const GoldenImage golden = read_golden_image(file, id);
    DenseCrf crf(CrfOptions{}, 1);
    Operations operations;
    const FeatureMaps maps = measure_features(golden.features, golden.geometry, golden.weights, 1, 1);
    make_pseudo_labels({}, golden.geometry, golden.image, maps, golden.features, golden.weights, crf, 1);
    operations.stop();
    INFO(id);
    REQUIRE(operations.downloads() == 5);  // Gram maps, queries, products; prototypes, correlations
    REQUIRE(operations.uploads() == 4);
    REQUIRE(operations.among(kWaiting) == std::vector<std::string>{});
  }
}
