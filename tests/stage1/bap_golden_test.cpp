#include <cmath>

#include "stage1_classify/labeler.h"
#include "tests/nn/paths.h"
#include "tests/stage1/golden_batch.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

using test::largest_difference;
using test::read_tensor;

// tests/README.md gives these tolerances.
constexpr double kQueryTolerance = 5e-7, kRoiTolerance = 3e-5, kAttentionTolerance = 4e-6, kVectorTolerance = 5e-6;
constexpr double kLossTolerance = 2e-6, kGradFeaturesTolerance = 2e-7, kGradWeightTolerance = 4e-7;

std::shared_ptr<const BapPlan> plan_of(const H5Reader& file, const std::string& name, const test::GoldenBatch& batch,
                                       Pooling pooling) {
  const Shape shape = file.shape(name + "/in/features");
  return std::make_shared<const BapPlan>(make_bap_plan(batch.images, batch.mask_size, shape[2], shape[3],
                                                       file.attribute<int64_t>(name, "grid_size"),
                                                       file.attribute_list<int64_t>(name, "roi")[0], pooling));
}

template <class T>
at::Tensor tensor_of(const std::vector<T>& values, at::IntArrayRef shape) {
  std::vector<int64_t> whole(values.begin(), values.end());
  return at::tensor(whole, at::kLong).reshape(shape);
}

// Turns the authors' [R, C, roi, roi] into [R*roi*roi, C].
at::Tensor vectors_of(const at::Tensor& prototypes) {
  return prototypes.permute({0, 2, 3, 1}).reshape({-1, prototypes.size(1)});
}

void compare(const test::Path& on, const H5Reader& file, const std::string& name, const std::string& results,
             Pooling pooling, at::ScalarType type = at::kFloat) {
  const test::GoldenBatch batch = test::read_batch(file, name + "/in");
  const auto plan = plan_of(file, name, batch, pooling);
  const at::Tensor features = on(read_tensor(file, name + "/in/features").to(type)).requires_grad_();
  const at::Tensor weight = on(read_tensor(file, name + "/in/weight").to(type)).requires_grad_();
  const LabelerResult result = label_batch(features, weight, plan);
  result.loss.backward();
  REQUIRE(largest_difference(result.pooled.box_vectors, vectors_of(read_tensor(file, results + "/fg_prototypes"))) <=
          kVectorTolerance);
  REQUIRE(largest_difference(result.logits, read_tensor(file, results + "/logits")) <= kVectorTolerance);
  REQUIRE(largest_difference(result.loss, read_tensor(file, results + "/loss")) <= kLossTolerance);
  REQUIRE(largest_difference(weight.grad(), read_tensor(file, results + "/grad_weight")) <= kGradWeightTolerance);
  if (file.has(results + "/grad_features"))
    REQUIRE(largest_difference(features.grad(), read_tensor(file, results + "/grad_features")) <=
            kGradFeaturesTolerance);
}

}  // namespace

TEST_CASE("masks, grid cells and sample counts are the authors' in every golden case", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/bap.h5");
  REQUIRE(file.children("").size() == 9);
  for (const std::string& name : file.children("")) {
    INFO(name);
    const test::GoldenBatch batch = test::read_batch(file, name + "/in");
    const auto plan = plan_of(file, name, batch, Pooling::bap);
    const int64_t n = plan->images, h = plan->h, w = plan->w;
    REQUIRE(at::equal(tensor_of(plan->has_valid_background, {n}),
                      read_tensor(file, name + "/valid_bg_mask").to(at::kLong)));
    const at::Tensor small = tensor_of(plan->small_mask, {n, 1, h, w});
    REQUIRE(at::equal(small, read_tensor(file, name + "/mask_small").to(at::kLong)));
    at::Tensor padded = at::zeros({n, 1, plan->padded_h, plan->padded_w}, at::kLong);
    padded.slice(2, plan->pad_top, plan->pad_top + h).slice(3, plan->pad_left, plan->pad_left + w).copy_(small);
    REQUIRE(at::equal(padded, read_tensor(file, name + "/mask_small_padded").to(at::kLong)));
    REQUIRE(at::equal(tensor_of(plan->background_count, {n, plan->queries_per_image()}),
                      read_tensor(file, name + "/grid_bg_count").to(at::kLong)));
    REQUIRE(plan->valid_grid_ids == file.read<int64_t>(name + "/valid_grid_ids"));
    REQUIRE(plan->target() == file.read<int64_t>(name + "/target"));
    REQUIRE(plan->dropped_boxes == 0);
    std::vector<int64_t> sizes;
    for (const bap::Box& box : plan->boxes) sizes.insert(sizes.end(), {box.rows, box.cols});
    REQUIRE(sizes == file.read<int64_t>(name + "/box_sampling_hw"));
  }
}

EACH_PATH_TEST_CASE("samples, queries and attention are the authors' in every golden case", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/bap.h5");
  for (const std::string& name : file.children("")) {
    INFO(name);
    const test::GoldenBatch batch = test::read_batch(file, name + "/in");
    const auto plan = plan_of(file, name, batch, Pooling::bap);
    const at::Tensor features = read_tensor(file, name + "/in/features");
    const BapResult result = background_aware_pooling(on(features), plan);
    const at::Tensor queries = result.queries.view({plan->images, plan->queries_per_image(), features.size(1)});
    REQUIRE(largest_difference(queries, read_tensor(file, name + "/bg_prototypes")) <= kQueryTolerance);
    for (size_t r = 0; r < plan->boxes.size(); ++r) {
      const bap::Box& box = plan->boxes[r];
      const at::Tensor attention = result.attention.slice(0, box.sample, box.sample + int64_t{box.rows} * box.cols);
      REQUIRE(largest_difference(attention.view({box.rows, box.cols}),
                                 read_tensor(file, name + "/attention/" + std::to_string(r))) <= kAttentionTolerance);
    }
    // The sampling tables, used as the kernels use them, must reproduce the authors' grid_sample of box 0.
    const bap::Box& box = plan->boxes[0];
    at::Tensor roi = at::zeros({features.size(1), box.rows, box.cols});
    bap::View<float> view{};
    view.h = plan->h;
    view.w = plan->w;
    view.axis = plan->axis.data();
    for (int64_t y = 0; y < box.rows; ++y)
      for (int64_t x = 0; x < box.cols; ++x) {
        const auto point = bap::point_of(view, box, y, x);
        for (int64_t c = 0; c < features.size(1); ++c)
          roi[c][y][x] = point.at(features[box.image][c].const_data_ptr<float>());
      }
    REQUIRE(largest_difference(roi, read_tensor(file, name + "/roi/0")) <= kRoiTolerance);
  }
}

EACH_PATH_TEST_CASE("pooled vectors, logits, loss and gradients are the authors' in every golden case", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/bap.h5");
  for (const std::string& name : file.children("")) {
    INFO(name);
    compare(on, file, name, name, Pooling::bap);
    compare(on, file, name, name, Pooling::bap, at::kDouble);
  }
}

EACH_PATH_TEST_CASE("plain average pooling gives the report's GAP values and gradients", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/bap.h5");
  for (const std::string& name : file.children("")) {
    INFO(name);
    compare(on, file, name, name + "/gap", Pooling::gap);
  }
}

}  // namespace boxseg
