// Results that stages left in folders of a user's choice, as commands by hand do, in place of a run's.
#pragma once
#include "eval/report/run_folder.h"

namespace boxseg {

// Adds what lies in the run's folder itself and in the folders directly in it, where a stage's manifest.h5 stands:
// training logs, label maps of stage 2 (or of `prepare labels`) and predictions. The name of the folder takes the place
// of a variant, and the split is the manifest's. Predictions of photographs outside a dataset are left out with a note.
void add_loose_results(RunFolder& run);

}  // namespace boxseg
