// --check FILE: reads again what a stage wrote, and compares it with what its manifest says.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/io/manifest.h"

namespace boxseg {

// Suffix of a file (".pt") -> whether its content has the digest that the manifest recorded. Such a function throws
// bad_input for a damaged file. Label PNGs are known; files of other suffixes are compared byte by byte.
using ContentChecks = std::map<std::string, std::function<bool(const fs::path& file, const Digest& recorded)>>;

// Checks all files that a manifest lists, relative to `folder`. Throws bad_input, naming the first that is missing,
// damaged or not what was written.
Manifest check_manifest(const fs::path& manifest, const fs::path& folder, const ContentChecks& checks);

// Answers for label PNGs and manifests with a line on stdout; false for other files, which are the caller's.
bool answered_check(const fs::path& path, const ContentChecks& checks);

}  // namespace boxseg
