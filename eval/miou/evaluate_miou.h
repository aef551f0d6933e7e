// The verbs of `evaluate` that compare label maps with ground truth: miou, baseline and agreement.
#pragma once

namespace boxseg {

// Each runs its verb with the arguments behind it (argv[0] is the verb) and returns the exit code.
int evaluate_miou_command(int argc, char** argv);
int evaluate_baseline_command(int argc, char** argv);
int evaluate_agreement_command(int argc, char** argv);

}  // namespace boxseg
