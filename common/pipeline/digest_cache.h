// Digests of files, remembered by (path, size, mtime in ns, inode), so that `plan` need not read gigabytes to find that
// nothing changed. A text file; when none is set every digest is computed.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"

namespace boxseg {

class DigestCache {
 public:
  static DigestCache& shared();  // the one of this process; a file is set by load()

  void load(const fs::path& file);        // absent or damaged: empty
  Digest digest_of(const fs::path& path);  // throws bad_input when the file cannot be read
  void save() const;                       // when something was added; a failure to write is only a warning

 private:
  struct Entry {
    int64_t size = 0, mtime_ns = 0;
    uint64_t inode = 0;
    Digest digest;
  };
  fs::path file_;
  std::map<std::string, Entry> entries_;
  bool is_changed_ = false;
};

}  // namespace boxseg
