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

// A piece that is up to date took what its manifest records, which for a training that was stopped is its last part.
// One that is to do may take what it took before, else the mean of its like in this run, else what the report has.
// There is no cost of what takes seconds, nor where nothing is known.
std::optional<Cost> cost_of(const Node& node, const std::vector<Node>& all, PublishedTimes published);

}  // namespace boxseg
