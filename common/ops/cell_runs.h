// Names some cells of a map.
#pragma once
#include <cstdint>
#include <vector>

namespace boxseg {

// Holds runs of cells in order, counted along the map. Work is quickest where all but the last run are whole vectors of
// 8 long.
struct CellRuns {
  struct Run {
    int64_t begin, end;
  };
  std::vector<Run> runs;
};
inline CellRuns all_cells(int64_t area) { return {{{0, area}}}; }

}  // namespace boxseg
