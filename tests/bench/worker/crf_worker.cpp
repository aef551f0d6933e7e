#include <algorithm>
#include <span>

#include "common/crf/dense_crf.h"
#include "common/io/hdf5.h"
#include "tests/bench/worker/serve.h"

namespace boxseg::bench {
namespace {

struct Photo {
  std::vector<uint8_t> rgb, labels;
  std::vector<float> probabilities;
  int64_t count, height, width;
};

void find_best(std::span<const float> q, int64_t count, std::vector<uint8_t>& labels) {
  const size_t pixels = q.size() / static_cast<size_t>(count);
  std::fill(labels.begin(), labels.end(), uint8_t{0});
  for (int64_t k = 1; k < count; ++k)
    for (size_t i = 0; i < pixels; ++i)
      if (q[static_cast<size_t>(k) * pixels + i] > q[labels[i] * pixels + i]) labels[i] = static_cast<uint8_t>(k);
}

void run(const Arguments& arguments) {
  const H5Reader input(arguments[0]);
  std::vector<Photo> photos;
  for (int i = 0; input.has(std::to_string(i)); ++i) {
    const std::string name = std::to_string(i) + "/";
    const auto shape = input.shape(name + "probabilities");
    const auto pixels = static_cast<size_t>(shape[1] * shape[2]);
    photos.push_back({input.read<uint8_t>(name + "rgb"), std::vector<uint8_t>(pixels),
                      input.read<float>(name + "probabilities"), shape[0], shape[1], shape[2]});
  }
  CrfOptions options;
  if (std::sscanf(arguments[2].c_str(), "%lf,%lf,%lf,%lf,%lf", &options.bilateral_weight, &options.bilateral_xy,
                  &options.bilateral_rgb, &options.gaussian_weight, &options.gaussian_xy) != 5)
    throw std::invalid_argument(arguments[2]);
  DenseCrf crf(options, std::stoi(arguments[3]));
  size_t turn = 0;
  bool is_first = true;  // the first round is not counted, and takes the first photograph, too
  serve([&] {
    Photo& photo = photos.at(turn % photos.size());
    find_best(crf.infer_view(photo.rgb, photo.probabilities, photo.count, photo.height, photo.width), photo.count,
              photo.labels);
    if (!is_first) ++turn;
    is_first = false;
  });
  H5Writer output(arguments[1]);
  for (size_t i = 0; i < photos.size(); ++i)
    output.write<uint8_t>(std::to_string(i) + "/labels", photos[i].labels, {photos[i].height, photos[i].width});
  output.close_and_commit();
}

const Verb verb("crf", "INPUT OUTPUT W_B,S_XY,S_RGB,W_G,S_G THREADS", 4, run);

}  // namespace
}  // namespace boxseg::bench
