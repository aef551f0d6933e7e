// Makes a folder that looks like a bundle to its scripts, without programs of ours.
#pragma once
#include "common/base/error.h"
#include "common/base/files.h"
#include "tests/support/support.h"

namespace boxseg::test {

inline fs::path scripts() { return fs::path(BOXSEG_SOURCE_DIR) / "common/cmake/bundle"; }

inline void write_script(const fs::path& path, const std::string& text) {
  write_file(path, "#!/bin/sh\n" + text);
  fs::permissions(path, fs::perms::owner_all);
}

// `flavour` is cpu or cuda.
inline void make_up_bundle(const fs::path& root, const std::string& flavour) {
  for (const char* folder : {"bin", "libexec", "lib", "tests/gpu", "licences"}) fs::create_directories(root / folder);
  write_file(root / "bundle.txt", "boxseg 1.2.3 " + flavour + "\ntorch 2.11\nglibc 2.36\n");
  write_file(root / "licences/boxseg", "a licence\n");
  for (const char* name : {"check.sh", "step.sh"})
    fs::copy_file(fs::path(BOXSEG_SOURCE_DIR) / "tests/gpu" / name, root / "tests/gpu" / name);
  fs::copy_file(scripts() / "beside_torch", root / "libexec/beside_torch");
}

}  // namespace boxseg::test
