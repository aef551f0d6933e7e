#include "common/labels/geometry.h"

#include "common/base/error.h"

namespace boxseg {
namespace {

// Describes one axis of the padded image.
struct GridAxis {
  int64_t before = 0, cell = 1;
};

GridAxis grid_axis(int64_t pixels, int64_t grid) {
  const int64_t padding = (grid - pixels % grid) % grid;
  return {padding % 2 == 0 ? padding / 2 : 0, (pixels + padding) / grid};
}

}  // namespace

Geometry make_geometry(const std::vector<Box>& boxes, ImageSize size, BoxConvention convention) {
  Geometry geometry;
  geometry.size = size;
  geometry.boxes = pixel_boxes(boxes, size, convention);
  geometry.is_background = background_mask(boxes, size, convention);
  geometry.classes = classes_of(boxes);
  return geometry;
}

BackgroundCells background_cells(const Geometry& geometry, int64_t grid) {
  ensure(grid >= 1, "background_cells: a grid of {}", grid);
  const GridAxis rows = grid_axis(geometry.size.height, grid), columns = grid_axis(geometry.size.width, grid);
  std::vector<int32_t> cell_of_pixel(static_cast<size_t>(geometry.area()), -1);
  std::vector<uint8_t> has_background(static_cast<size_t>(grid * grid), 0);
  for (int64_t y = 0, p = 0; y < geometry.size.height; ++y) {
    const int64_t cell_row = (y + rows.before) / rows.cell * grid;
    for (int64_t x = 0; x < geometry.size.width; ++x, ++p) {
      if (!geometry.is_background[static_cast<size_t>(p)]) continue;
      const int64_t cell = cell_row + (x + columns.before) / columns.cell;
      cell_of_pixel[static_cast<size_t>(p)] = static_cast<int32_t>(cell);
      has_background[static_cast<size_t>(cell)] = 1;
    }
  }
  BackgroundCells cells;
  std::vector<int32_t> number(has_background.size(), -1);
  for (size_t cell = 0; cell < has_background.size(); ++cell) {
    if (!has_background[cell]) continue;
    number[cell] = static_cast<int32_t>(cells.cell_ids.size());
    cells.cell_ids.push_back(static_cast<int64_t>(cell));
  }
  for (auto& cell : cell_of_pixel)
    if (cell >= 0) cell = number[static_cast<size_t>(cell)];
  cells.group_of_pixel = std::move(cell_of_pixel);
  return cells;
}

}  // namespace boxseg
