// Keeps byte strings in a file beside the journal: what finished images leave for the shard's file, too much to keep in
// memory.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"

namespace boxseg {

class Spool {
 public:
  struct Place {
    int64_t offset = 0, size_bytes = 0;
    Digest digest;
  };
  explicit Spool(fs::path path);  // opens the file with what it holds, or makes it
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Place append(const std::string& bytes);      // thread-safe; throws `failed` (full disk, ...)
  bool holds(const Place& place) const;        // true when the very bytes are there
  std::string read(const Place& place) const;  // throws `failed` when they are not there
  void forget_after(int64_t size_bytes);       // drops what stands behind: bytes of images that did not finish
  void remove();

 private:
  fs::path path_;
  int fd_ = -1;
  int64_t end_ = 0;
  std::mutex mutex_;
};

}  // namespace boxseg
