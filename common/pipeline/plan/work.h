// The kinds of work that a run consists of. A piece of work has a name, which is its Make target: the word of its kind
// and what it works on, "stage2/bap/val" or "report".
#pragma once
#include <string>
#include <vector>

namespace boxseg {

enum class WorkKind {
  dataset,   // dataset
  given,     // given_masks, of another tool for own photographs
  stage1,    // stage1/VARIANT
  shard,     // stage2/VARIANT/SPLIT/shard-I, a part of the next
  stage2,    // stage2/VARIANT/SPLIT
  stage3,    // stage3/VARIANT
  predict,   // predict/VARIANT/SPLIT/MODE
  evaluate,  // evaluate/KEY, the numbers under a key of metrics.json
  server,    // server/VARIANT/MODE, an archive for VOC's evaluation server
  table,     // table/NAME
  review,    // review, of the boxes of own photographs: which masks to look at first
  masks,     // export, of masks in the format that the boxes came in
  report     // report
};

struct Work {
  WorkKind kind = WorkKind::dataset;
  std::string subject;  // what follows the word of the kind; "" where nothing does

  std::string name() const;
  std::vector<std::string> words() const;  // of the subject: {"bap", "val"}
};

// Throws usage for a name of no kind, or one with other parts than those of its kind.
Work parse_work(const std::string& name);

// The Make target that stands for all pieces of a kind; "" for shards, which belong to their stage's.
std::string group_of(WorkKind kind);

}  // namespace boxseg
