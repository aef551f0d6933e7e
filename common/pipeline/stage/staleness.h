// Whether what is there is what would be made now: the one comparison behind the programs' "up to date" and `plan`.
#pragma once
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/options.h"
#include "common/io/manifest.h"

namespace boxseg {

// All that decides the bytes which a program writes.
struct Recipe {
  std::string program, fingerprint;
  ResolvedOptions options;
  std::map<std::string, Digest> inputs;  // role -> digest of the content, from stage_inputs.h
};

// How what the manifest describes differs from what the recipe would make, as the end of a sentence: "option threshold
// was 0.99, is 0.9", "input checkpoint changed"; "" when it does not. An option that the manifest does not know was
// added to the program later; at its default it computes what was computed before (else the fingerprint must change),
// so old results stay good.
std::string difference(const Manifest& manifest, const Recipe& recipe);

// The same, or which of the files that the manifest lists is not in `folder` with its size.
std::string staleness(const Manifest& manifest, const fs::path& folder, const Recipe& recipe);

// What staleness is called where there is no manifest.
inline constexpr const char* kNotMade = "it was not made yet";

}  // namespace boxseg
