#include <ATen/Dispatch.h>
#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/ops/gram_maps.h"
#include "common/ops/torch_pool.h"
#include "common/simd/write_through.h"
#include "stage1_classify/bap_parts.h"
#include "stage1_classify/bap_products.h"

namespace boxseg::bap {
namespace {

// The features of so many channels stay in the cache until all boxes have had them.
constexpr int64_t kBlock = kGramBlock;
static_assert(kBlock % CellProducts<float>::kChannelsTogether == 0);

// This is one image of the batch: its pointers into the parts, and where its boxes are.
template <class T>
struct Image {
  const BapPlan& plan;
  int64_t n, channels, area, queries, windows, first_box, last_box;
  const T* f;  // [C,A]
  T *query_vectors, *dots, *query_norms;
  View<T> view;
  CellRuns cells;                   // cells that any box touches
  std::vector<CellRuns> box_cells;  // cells that each box touches

  Image(const BapPlan& p, const at::Tensor& features, const Parts& parts, int64_t image)
      : plan(p),
        n(image),
        channels(features.size(1)),
        area(p.h * p.w),
        queries(p.queries_per_image()),
        windows(p.windows()),
        first_box(p.box_begin[static_cast<size_t>(image)]),
        last_box(p.box_begin[static_cast<size_t>(image) + 1]),
        f(features.const_data_ptr<T>() + n * channels * area),
        query_vectors(parts.queries.mutable_data_ptr<T>() + n * queries * channels),
        dots(parts.dots.mutable_data_ptr<T>() + n * queries * area),
        query_norms(parts.query_norms.mutable_data_ptr<T>() + n * queries),
        view(view_of<T>(p, parts)),
        cells(cells_of_boxes(p, first_box, last_box)) {
    for (int64_t b = first_box; b < last_box; ++b) box_cells.push_back(cells_of_boxes(p, b, b + 1));
  }
  bool attends() const { return plan.attending[static_cast<size_t>(n)] > 0; }
  const CellRuns& cells_of(int64_t box) const { return box_cells[static_cast<size_t>(box - first_box)]; }
  T divisor(int64_t j) const {
    return static_cast<T>(plan.background_count[static_cast<size_t>(n * queries + j)]) + static_cast<T>(kDivisionGuard);
  }
};

template <class T>
T inner(const T* a, const T* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<T>(sum);
}

// Makes the query vectors and, where boxes attend, their norms and products with the features, and the Gram maps [5,A]
// of the boxes' cells. A query's channel is the mean of that channel alone, so that features are read once for all.
template <class T>
void make_queries(const Image<T>& image, T* gram) {
  const int64_t channels = image.channels;
  const bool has_boxes = image.attends() && !image.cells.runs.empty();
  const CellRuns cells = has_boxes ? image.cells : CellRuns();
  GramSums<T> sums(channels, image.plan.h, image.plan.w, cells);
  CellProducts<T> products(has_boxes ? image.queries : 0, cells, image.area);
  for (int64_t block = 0; block < sums.blocks(); ++block) {
    const int64_t first = block * kGramBlock, last = std::min(first + kGramBlock, channels);
    sum_members(image.plan, image.n, image.f, channels, first, last, image.query_vectors);
    for (int64_t j = 0; j < image.queries; ++j) {
      T* query = image.query_vectors + j * channels;
      const T divisor = image.divisor(j);
      std::transform(query + first, query + last, query + first, [&](T sum) { return sum / divisor; });
    }
    if (!has_boxes) continue;
    sums.add(image.f, block);
    const T* f = image.f + first * image.area;
    const int64_t size = (last - first) * image.area;
    products.add(image.query_vectors + first, channels, f, last - first, {f + size, size});
  }
  sums.write(gram);
  if (has_boxes) products.write(image.dots);
  if (!image.attends()) return;
  for (int64_t j = 0; j < image.queries; ++j) {
    const T* query = image.query_vectors + j * channels;
    image.query_norms[j] = std::sqrt(inner(query, query, channels));
  }
}

// Computes only the cells that a box touches; the matrix is zero elsewhere.
template <class T>
void make_pooling_matrix(const Image<T>& image, const T* attention, T* weights, T* matrix) {
  const View<T>& v = image.view;
  for (int64_t b = image.first_box; b < image.last_box; ++b)
    for (int64_t k = 0; k < image.windows; ++k) {
      const int64_t row = b * image.windows + k;
      weights[row] = window_weight(v, attention, b, k);
      for (int64_t y = 0; y < v.h; ++y) {
        const Window touched = touching(v.first + v.boxes[b].row_first, y);
        if (touched.begin == touched.end) continue;
        for (int64_t x = 0; x < v.w; ++x)
          matrix[row * image.area + y * v.w + x] =
              pooling_weight(v, attention, static_cast<const T*>(weights), b, k, y, x);
      }
    }
}

template <class T>
void forward_image(const Image<T>& image, T* gram, T* attention, T* weights, T* matrix, T* vectors) {
  make_queries(image, gram + image.n * 5 * image.area);
  for (int64_t b = image.first_box; b < image.last_box; ++b) {
    const Box& box = image.view.boxes[b];
    for (int64_t s = 0; s < int64_t{box.rows} * box.cols; ++s)
      attention[box.sample + s] = foreground_attention(image.view, box, s / box.cols, s % box.cols);
  }
  make_pooling_matrix(image, attention, weights, matrix);
  std::vector<PackedRows<T>> rows;  // the pooling matrix, by boxes
  for (int64_t b = image.first_box; b < image.last_box; ++b) {
    rows.emplace_back(image.cells_of(b), image.area, image.windows);
    rows.back().pack(matrix + b * image.windows * image.area, image.windows);
  }
  for (int64_t first = 0; first < image.channels; first += kBlock)
    for (int64_t b = image.first_box; b < image.last_box; ++b)
      products_at_channels(rows[static_cast<size_t>(b - image.first_box)], image.windows, image.f, image.channels,
                           first, std::min(first + kBlock, image.channels),
                           vectors + b * image.windows * image.channels);
}

// Holds what the samples of all boxes get back, each image in its own part.
template <class T>
struct SampleGradients {
  std::vector<T> at_cells;  // [R*K2,A]: <gradient of a pooled vector, f>
  std::vector<T> self;      // [R*K2]: <gradient, pooled vector>
  std::vector<T> query;     // [S,J]
  std::vector<T> norm;      // [S]
  explicit SampleGradients(const BapPlan& plan)
      : at_cells(plan.boxes.size() * static_cast<size_t>(plan.windows() * plan.h * plan.w)),
        self(plan.boxes.size() * static_cast<size_t>(plan.windows())),
        query(static_cast<size_t>(plan.samples * plan.queries_per_image())),
        norm(static_cast<size_t>(plan.samples)) {}
};

// Adds up the gradients of the dot products and Gram maps of one image. grad_dots: [J,A], grad_gram: [5,A], both zero
// before.
template <class T>
void attention_backward(const Image<T>& image, const T* weights, const T* vectors, const T* grad_vectors,
                        SampleGradients<T>& samples, T* grad_dots, T* grad_gram) {
  const View<T>& v = image.view;
  const T *at_cells = samples.at_cells.data(), *self = samples.self.data();
  // These are products of the gradients of pooled vectors with the features, by boxes.
  std::vector<CellProducts<T>> products;
  for (int64_t b = image.first_box; b < image.last_box; ++b)
    products.emplace_back(image.windows, image.cells_of(b), image.area);
  for (int64_t first = 0; first < image.channels; first += kBlock)
    for (int64_t b = image.first_box; b < image.last_box; ++b)
      products[static_cast<size_t>(b - image.first_box)].add(grad_vectors + b * image.windows * image.channels + first,
                                                             image.channels, image.f + first * image.area,
                                                             std::min(kBlock, image.channels - first));
  for (int64_t b = image.first_box; b < image.last_box; ++b) {
    const Box& box = v.boxes[b];
    const int64_t row = b * image.windows;
    products[static_cast<size_t>(b - image.first_box)].write(samples.at_cells.data() + row * image.area);
    for (int64_t k = row; k < row + image.windows; ++k)
      samples.self[static_cast<size_t>(k)] =
          inner(grad_vectors + k * image.channels, vectors + k * image.channels, image.channels);
    for (int64_t i = 0; i < int64_t{box.rows} * box.cols; ++i) {
      const int64_t s = box.sample + i;
      samples.norm[static_cast<size_t>(s)] = sample_gradients(v, weights, at_cells, self, b, i / box.cols, i % box.cols,
                                                              samples.query.data() + s * image.queries);
    }
  }
  for (int64_t y = 0; y < v.h; ++y)
    for (int64_t x = 0; x < v.w; ++x)
      cell_gradients(v, samples.query.data(), samples.norm.data(), image.n, y, x, image.area, grad_dots + y * v.w + x,
                     grad_gram + y * v.w + x);
}

// Writes `grad`, [C,A] of this image, which is uninitialised before.
template <class T>
void backward_image(const Image<T>& image, const T* weights, const T* matrix, const T* vectors, const T* grad_vectors,
                    const T* grad_queries, SampleGradients<T>& samples, T* grad) {
  const int64_t channels = image.channels, area = image.area, queries = image.queries;
  std::vector<T> of_queries(grad_queries, grad_queries + queries * channels);
  std::vector<T> grad_dots(static_cast<size_t>(queries * area)), grad_gram(static_cast<size_t>(5 * area));
  std::vector<T> along(static_cast<size_t>(queries));  // how much of each query itself its gradient takes
  std::vector<T> products(static_cast<size_t>(queries * channels));
  PackedRows<T> packed_dots(image.cells, area, image.attends() ? queries : 0);
  if (image.attends()) {
    attention_backward(image, weights, vectors, grad_vectors, samples, grad_dots.data(), grad_gram.data());
    // The way back through |q| (bap_kernel.h).
    for (int64_t j = 0; j < queries; ++j)
      if (const T norm = image.query_norms[j]; norm >= T(kNormFloor))
        along[static_cast<size_t>(j)] = inner(grad_dots.data() + j * area, image.dots + j * area, area) / (norm * norm);
    packed_dots.pack(grad_dots.data(), queries);
  }
  const GramAdjoint<T> adjoint(grad_gram.data(), image.plan.h, image.plan.w);
  // Features and gradient of so many channels stay in the cache until all paths are added.
  constexpr int64_t kPiece = 24;
  std::vector<T> piece(static_cast<size_t>(kPiece * area));
  for (int64_t first = 0; first < channels; first += kPiece) {
    const int64_t last = std::min(first + kPiece, channels);
    if (image.attends()) products_at_channels(packed_dots, queries, image.f, channels, first, last, products.data());
    for (int64_t j = 0; j < queries; ++j)
      for (int64_t c = j * channels + first; c < j * channels + last; ++c) {
        T& sum = of_queries[static_cast<size_t>(c)];
        if (image.attends())
          sum += products[static_cast<size_t>(c)] - along[static_cast<size_t>(j)] * image.query_vectors[c];
        sum /= image.divisor(j);
      }
    spread_members(image.plan, image.n, of_queries.data(), channels, first, last, piece.data());
    for (int64_t b = image.first_box; b < image.last_box; ++b) {
      const int64_t row = b * image.windows;
      add_outer_products(grad_vectors + row * channels, matrix + row * area, image.windows, channels, area,
                         image.cells_of(b), first, last, piece.data());
    }
    if (image.attends()) {
      add_outer_products<T>(image.query_vectors, grad_dots.data(), queries, channels, area, image.cells, first, last,
                            piece.data(), {image.f + last * area, (last - first) * area});
      adjoint.add(image.f + first * area, piece.data(), last - first);
    }
    write_through(grad + first * area, piece.data(), (last - first) * area * static_cast<int64_t>(sizeof(T)));
  }
}

}  // namespace

Parts empty_parts(const BapPlan& plan, const at::Tensor& features) {
  const auto options = features.options();
  const int64_t n = plan.images, j = plan.queries_per_image(),
                rows = static_cast<int64_t>(plan.boxes.size()) * plan.windows();
  return {at::zeros({n, j, features.size(1)}, options), at::zeros({n, j, plan.h * plan.w}, options),
          at::zeros({n, 5, plan.h, plan.w}, options),   at::zeros({n, j}, options),
          at::zeros({plan.samples}, options),           at::zeros({rows}, options),
          at::zeros({rows, plan.h * plan.w}, options),  at::zeros({rows, features.size(1)}, options)};
}

Parts forward_cpu(const BapPlan& plan, const at::Tensor& features) {
  const Parts parts = empty_parts(plan, features);
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "bap", [&] {
    using T = scalar_t;
    for_each_in_torch_pool(plan.images, [&](int64_t n) {
      forward_image(Image<T>(plan, features, parts, n), parts.gram.mutable_data_ptr<T>(),
                    parts.attention.mutable_data_ptr<T>(), parts.weights.mutable_data_ptr<T>(),
                    parts.matrix.mutable_data_ptr<T>(), parts.vectors.mutable_data_ptr<T>());
    });
  });
  return parts;
}

at::Tensor backward_cpu(const BapPlan& plan, const at::Tensor& features, const Parts& parts,
                        const at::Tensor& grad_vectors, const at::Tensor& grad_queries) {
  at::Tensor grad = at::empty_like(features);
  AT_DISPATCH_FLOATING_TYPES(features.scalar_type(), "bap_backward", [&] {
    using T = scalar_t;
    SampleGradients<T> samples(plan);
    for_each_in_torch_pool(plan.images, [&](int64_t n) {
      const Image<T> image(plan, features, parts, n);
      backward_image(image, parts.weights.const_data_ptr<T>(), parts.matrix.const_data_ptr<T>(),
                     parts.vectors.const_data_ptr<T>(), grad_vectors.const_data_ptr<T>(),
                     grad_queries.const_data_ptr<T>() + n * image.queries * image.channels, samples,
                     grad.mutable_data_ptr<T>() + n * image.channels * image.area);
    });
  });
  return grad;
}

}  // namespace boxseg::bap
