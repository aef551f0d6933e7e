#pragma once

namespace boxseg {

// Does the verb `evaluate coco`: prints COCOeval's twelve numbers, and with --per-class the AP of each category; --json
// merges them under a key.
int evaluate_coco_command(int argc, char** argv);

}  // namespace boxseg
