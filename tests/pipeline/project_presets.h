// Names the presets of the project as they can be run.
#pragma once
#include <string>

#include "common/base/files.h"
#include "common/base/options.h"

namespace boxseg::test {

// A preset that goes on top of another stands on the tiny one.
inline std::string preset_to_run(const fs::path& file) {
  const std::string name = file.stem().string();
  return read_ini_file(file)[""].count("on-top-of") > 0 ? "tiny+" + name : name;
}

}  // namespace boxseg::test
