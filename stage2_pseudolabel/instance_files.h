// The files of --instances: what each shard keeps, and the COCO results that all shards together give.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/manifest.h"
#include "common/labels/shard.h"

namespace boxseg {

// The label maps whose results are kept, and the files that they end in, in the output folder.
enum class InstanceMap { y_crf, y_ret };
std::string results_file(InstanceMap map);                      // instances.json, instances_ret.json
std::string shard_results_file(InstanceMap map, const Shard&);  // instances/shard-0007-of-0016.y_crf.txt

// Writes a shard's results, each behind its image's place in the split: "17\t{...}". They are added in that order.
class ShardResultsWriter {
 public:
  ShardResultsWriter(const fs::path& output, const Shard& shard, InstanceMap map);
  ~ShardResultsWriter();
  void add(int64_t place, const std::string& lines);  // InstanceMaker::results() of one image
  Digest close_and_commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Joins the results of all shards in the order of the split, so that the bytes are the same for any number of shards.
// Memory is bounded whatever their number and size. Writes the files in OUTPUT of those maps whose results the shards'
// manifests list, and returns them as outputs for the split's manifest; none without --instances. Throws bad_input for
// a shard's file that is missing or not what its manifest says.
std::vector<ManifestOutput> join_results(const fs::path& output, const std::vector<Shard>& shards,
                                         const std::vector<Manifest>& manifests);

// The files of join_results() that a split's manifest lists, as far as they still stand with their size.
std::vector<ManifestOutput> standing_results(const fs::path& output, const Manifest& split);

// Removes the split's results, and those of a shard: they are of labels that are no longer there.
void forget_results(const fs::path& output);
void forget_shard_results(const fs::path& output, const Shard& shard);

// Does --check FILE for results: reads all of them and returns their number. Throws bad_input with the place of the
// first that is none.
int64_t check_results(const fs::path& path, int threads);

}  // namespace boxseg
