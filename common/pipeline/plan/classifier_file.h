// The classifier.pt that labels are made with, as its manifest has it.
#pragma once
#include "common/base/files.h"
#include "common/base/hash.h"

namespace boxseg {

// The digest of its contents, without reading them. Throws failed where there is no manifest beside it, or that of
// another file: the program alone can then say whether there is anything to do.
Digest digest_of_classifier(const fs::path& path);

}  // namespace boxseg
