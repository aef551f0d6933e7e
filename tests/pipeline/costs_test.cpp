// How long pieces of work took, and how long those that are to do may take.
#include "common/pipeline/plan/costs.h"

#include "common/pipeline/plan/fragment.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

Node node_of(const std::string& name, const std::string& reason, std::optional<double> took_s = {}) {
  Node node;
  node.work = parse_work(name);
  node.name = name;
  node.reason = reason;
  node.took_s = took_s;
  return node;
}

}  // namespace

TEST_CASE("what is to do may take as long as its like took in the run, else as long as in the report") {
  const std::vector<Node> nodes = {node_of("stage3/nal", "", 3600),
                                   node_of("stage3/ce_crf", "", 1800),
                                   node_of("stage3/ce_ret", "it was not made yet"),
                                   node_of("stage3/nal+v2", "it was not made yet"),
                                   node_of("stage3/gone", "an input changed", 60),
                                   node_of("evaluate/stage3/nal/val/crf", "it was not made yet"),
                                   node_of("stage2/bap/train", "it was not made yet")};
  const auto cost = [&](size_t i, PublishedTimes published) { return cost_of(nodes[i], nodes, published); };
  CHECK(cost(0, PublishedTimes::voc)->seconds == 3600);
  CHECK(cost(0, PublishedTimes::voc)->from.empty());
  CHECK(cost(2, PublishedTimes::voc)->seconds == 2700);
  CHECK(cost(2, PublishedTimes::voc)->from == "as 2 like it here");
  // Another network is no like.
  CHECK(cost(3, PublishedTimes::voc)->seconds == 12 * 3600);
  CHECK(cost(3, PublishedTimes::voc)->from == "in the report");
  CHECK_FALSE(cost(3, PublishedTimes::none).has_value());
  CHECK(cost(4, PublishedTimes::voc)->seconds == 60);
  CHECK(cost(4, PublishedTimes::voc)->from == "as before");
  CHECK_FALSE(cost(5, PublishedTimes::voc).has_value());  // seconds
  CHECK(cost(6, PublishedTimes::voc)->seconds == 1800);
  CHECK(cost(6, PublishedTimes::coco)->seconds == 54 * 3600);
  CHECK(published_times("voc2012_vgg16+report") == PublishedTimes::voc);
  CHECK(published_times("demo") == PublishedTimes::none);
  const std::string table = status_table(nodes, PublishedTimes::coco);
  CHECK_THAT(table, Contains("up to date, took 1 h 00 min") && Contains("; about 54 h 00 min, in the report") &&
                        Contains("to do, as far as times are told above: about"));
}
