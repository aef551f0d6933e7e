// Refines a 4 x 4 image of two labels and prints the belief in the second label of each pixel.
#include <boxseg/base/error.h>
#include <boxseg/crf/dense_crf.h>

#include <cstdio>
#include <vector>

int main() {
  std::vector<unsigned char> rgb(4 * 4 * 3, 100);
  std::vector<float> probabilities(2 * 16);
  for (int p = 0; p < 16; ++p) {
    probabilities[static_cast<size_t>(p)] = 0.3f + 0.02f * static_cast<float>(p);
    probabilities[static_cast<size_t>(16 + p)] = 0.7f - 0.02f * static_cast<float>(p);
  }
  boxseg::DenseCrf crf(boxseg::CrfOptions{}, 2);
  const std::vector<float> q = crf.infer(rgb, probabilities, 2, 4, 4);
  for (int p = 0; p < 16; ++p) std::printf("%.9g\n", static_cast<double>(q[static_cast<size_t>(16 + p)]));
  try {
    crf.infer(rgb, probabilities, 3, 4, 4);
    return 1;
  } catch (const boxseg::Error& e) {
    return e.kind() == boxseg::ErrorKind::bad_input ? 0 : 1;
  }
}
