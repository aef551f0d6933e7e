// A photograph as it enters a dataset: decoded once, so that what is accepted here no stage refuses hours later.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "common/base/hash.h"
#include "common/io/image.h"
#include "common/io/orientation.h"

namespace boxseg {

struct Photograph {
  RgbImage image;                             // upright
  ImageSize size;                             // of that
  Orientation orientation;                    // of the stored one: how it has to be turned
  Digest digest;                              // of the file's bytes
  std::map<std::string, std::string> doubts;  // kind of doubt -> a sentence on this photograph, which names it `name`
};

// Throws bad_input: absent, damaged, or no photograph.
Photograph look_at_photograph(const std::filesystem::path& path, const std::string& name);

// What a photograph is, without its pixels where that is possible: of a JPEG only the beginning is read. Others are
// decoded; they are grey where red, green and blue are equal everywhere.
struct PhotographHeader {
  ImageSize size;        // upright
  bool is_grey = false;  // of a JPEG: one channel instead of three
};
// Throws bad_input: absent, or no photograph. Damage behind the beginning of a JPEG is not noticed.
PhotographHeader look_at_header(const std::filesystem::path& path);

}  // namespace boxseg
