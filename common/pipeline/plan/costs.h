// How long the pieces of work of a run took, and how long those that are to do may take.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/pipeline/plan/graph.h"

namespace boxseg {

struct Cost {
  double seconds = 0;
  std::string from;  // what an estimate is told by; "" where it was measured
};

// Whether the run has the data and the schedule of which Table 2 of the report has times, on a Tesla K80 or P100.
enum class PublishedTimes { none, voc, coco };
PublishedTimes published_times(const std::string& preset);

// Of a piece that is up to date: what its manifest records, of a training that was stopped its last part. Of one that
// is to do: what it took before, else the mean of its like in this run, else what the report has. None for what takes
// seconds, and where nothing is known.
std::optional<Cost> cost_of(const Node& node, const std::vector<Node>& all, PublishedTimes published);

}  // namespace boxseg
