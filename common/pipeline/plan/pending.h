// Numbers of a table that are still to come while Make runs. `plan` writes which; a table that is shown meanwhile
// leaves them out, since what metrics.json and the manifests hold for them was made with other options.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct PendingKey {
  std::string key;  // of a table: "stage3/nal/val/crf"
  fs::path proof;   // written once the number is there: a receipt, a manifest
};

// The text of such a file: the keys, together with what the proofs are now: size and time.
std::string pending_text(const fs::path& file, const std::vector<PendingKey>& keys);

// The keys whose proofs are absent or still as they were then. None where there is no such file.
std::set<std::string> read_pending(const fs::path& file);

}  // namespace boxseg
