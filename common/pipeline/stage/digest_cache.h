// Digests of files, remembered by (path, size, mtime and ctime in ns, inode), so that `plan` need not read gigabytes to
// find that nothing changed. No more than a cache: after `touch`, `cp -r` or a copy to another machine the files are
// read again, with the same digests. A text file; when none is set every digest is computed.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/base/files.h"
#include "common/base/hash.h"

namespace boxseg {

class DigestCache {
 public:
  static DigestCache& shared();  // the one of this process; a file is set by load()

  void load(const fs::path& file, bool is_fresh = false);  // absent or damaged: empty; is_fresh: so, too
  Digest digest_of(const fs::path& path);                  // throws bad_input when the file cannot be read
  // When something was added, without files that are gone. A failure to write is only a warning, none on a read-only
  // file system.
  void save();

 private:
  struct Entry {
    int64_t size = 0, mtime_ns = 0;
    int64_t ctime_ns = 0;  // moves when the file is written in place and its mtime is set back
    uint64_t inode = 0;
    Digest digest;
    bool operator==(const Entry&) const = default;
  };
  fs::path file_;
  std::unordered_map<std::string, Entry> entries_;
  bool is_changed_ = false;
};

}  // namespace boxseg
