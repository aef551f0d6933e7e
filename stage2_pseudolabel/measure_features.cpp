#include "stage2_pseudolabel/measure_features.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/ops/cell_algebra.h"
#include "common/ops/gram_maps.h"
#include "common/ops/transfer.h"

namespace boxseg {

BackgroundQueries background_queries(const at::Tensor& features, const Geometry& geometry, const ClassWeights& weights,
                                     const Interpolation& interpolation, int64_t grid) {
  const BackgroundCells cells = background_cells(geometry, grid);
  BackgroundQueries queries;
  queries.cell_ids = cells.cell_ids;
  const auto n = static_cast<int64_t>(cells.cell_ids.size());
  if (n == 0) {
    if (!weights.knows(0)) return queries;
    queries.cell_ids = {0};
    queries.prototypes.assign(weights.of(0), weights.of(0) + weights.channels);
    return queries;
  }
  const auto counts = count_groups(cells.group_of_pixel, n);
  queries.prototypes = pool(features, interpolation.adjoint(cells.group_of_pixel, n), n, interpolation.threads());
  for (int64_t j = 0; j < n; ++j)
    for (int64_t c = 0; c < weights.channels; ++c)
      queries.prototypes[static_cast<size_t>(j * weights.channels + c)] /=
          static_cast<double>(counts[static_cast<size_t>(j)]);
  return queries;
}

FeatureMaps measure_features(const at::Tensor& features, const Geometry& geometry, const ClassWeights& weights,
                             int64_t grid, int threads) {
  ensure(features.dim() == 3 && features.size(0) == weights.channels,
         "measure_features: {} channels, the classifier has {}", features.size(0), weights.channels);
  FeatureMaps maps;
  maps.cells = {features.size(1), features.size(2)};
  const Interpolation interpolation(maps.cells, geometry.size, threads);
  const at::Tensor gram = download(gram_maps(features.unsqueeze(0))).contiguous();
  maps.gram.assign(gram.const_data_ptr<float>(), gram.const_data_ptr<float>() + gram.numel());

  // One product compares the features with all vectors: queries, background, known classes.
  BackgroundQueries queries = background_queries(features, geometry, weights, interpolation, grid);
  const auto query_count = static_cast<int64_t>(queries.cell_ids.size());
  normalise_rows(queries.prototypes, query_count);
  std::vector<double> vectors = std::move(queries.prototypes);
  const auto append = [&](int64_t class_id) {
    vectors.insert(vectors.end(), weights.of(class_id), weights.of(class_id) + weights.channels);
  };
  if (weights.knows(0)) append(0);
  for (const int64_t c : geometry.classes) {
    maps.is_known.push_back(weights.knows(c));
    if (maps.is_known.back()) append(c);
  }
  const auto products = project(features, vectors, static_cast<int64_t>(vectors.size()) / weights.channels, threads);

  const int64_t area = maps.area();
  auto next = products.begin();
  maps.query_maps.assign(next, next + query_count * area);
  next += query_count * area;
  if (weights.knows(0)) {
    maps.background_map.assign(next, next + area);
    next += area;
  }
  maps.class_maps.assign(geometry.classes.size() * static_cast<size_t>(area), 0.f);
  for (size_t k = 0; k < geometry.classes.size(); ++k) {
    if (!maps.is_known[k]) continue;
    std::copy(next, next + area, maps.class_maps.begin() + static_cast<int64_t>(k) * area);
    next += area;
  }
  return maps;
}

}  // namespace boxseg
