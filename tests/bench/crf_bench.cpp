// Times DenseCrf::infer() on a 500 x 375 photograph (a synthetic one without the shared data) with default options.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "common/crf/dense_crf.h"
#include "common/io/hdf5.h"
#include "tests/crf/support.h"

namespace {

using namespace boxseg;

// The arguments are labels and threads. The object is reused, as a stage does.
void infer(benchmark::State& state) {
  const int64_t labels = state.range(0);
  test::CrfCase c = test::make_crf_case("bench", labels, 375, 500, 0, 6);
  const char* named = std::getenv("BOXSEG_SHARED");
  const std::filesystem::path shared = named != nullptr ? named : BOXSEG_SOURCE_DIR "/../shared";
  if (std::filesystem::exists(shared / "golden/crf.h5")) {
    const H5Reader file(shared / "golden/crf.h5");
    c.rgb = file.read<uint8_t>("image/voc1284");
    if (labels == 3) c.probabilities = file.read<float>("prob/voc1284_c3_box");
    if (labels == 21) c.probabilities = file.read<float>("prob/voc1284_c21");
    state.SetLabel("photo");
  }
  DenseCrf crf(CrfOptions{}, static_cast<int>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(crf.infer_view(c.rgb, c.probabilities, labels, c.height, c.width));
}
BENCHMARK(infer)
    ->ArgNames({"labels", "threads"})
    ->ArgsProduct({{2, 3, 5, 21}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
