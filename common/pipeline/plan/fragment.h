// The Make fragment of a run: every piece of work is a phony target; only stale ones have a recipe.
#pragma once
#include <string>
#include <vector>

#include "common/pipeline/plan/costs.h"
#include "common/pipeline/plan/graph.h"

namespace boxseg {

std::string make_fragment(const std::vector<Node>& nodes);
std::string explain(const std::vector<Node>& nodes);  // `plan --why`: a sentence per stale piece, or that there is none
// `plan --status`: every piece with its state, and how long it took or may take (costs.h).
std::string status_table(const std::vector<Node>& nodes, PublishedTimes published);

}  // namespace boxseg
