// The inputs that each program's manifest records (role -> content digest). The programs and `plan` use these same
// functions, so that "is it up to date" has one answer.
#pragma once
#include <map>
#include <string>

#include "common/base/hash.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

using Inputs = std::map<std::string, Digest>;

// Of a weights file's bytes; remembers (size, mtime, inode) -> digest in the user's digest cache when one is set.
Digest init_digest(const std::string& path);

// Of the label maps of a stage-2 manifest: the paths and digests of its outputs under Y_crf/ and Y_ret/.
Digest labels_digest(const Manifest& stage2);

// Digest of one output ("classifier.pt") as its manifest records it; throws bad_input when it is not listed.
Digest output_digest(const Manifest& manifest, const std::string& path);

Inputs stage1_inputs(const Stage1Options& options, const Dataset& dataset);
// Reads the manifest of --given-masks; throws bad_input where there is none.
Inputs stage2_inputs(const Stage2Options& options, const Dataset& dataset, const Digest& checkpoint);
// With --instances: the ids that the annotations have, which no other result depends on.
void add_result_ids(const Stage2Options& options, const Dataset& dataset, Inputs& inputs);
Inputs stage3_inputs(const Stage3Options& options, const Dataset& dataset,
                     const Digest& labels);  // labels "" for true_masks
Inputs predict_inputs(const PredictOptions& options, const Dataset& dataset, const Digest& checkpoint);

}  // namespace boxseg
