// Reads and writes zip archives as torch.save makes them: entries stored without compression, zip64 where needed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "common/base/files.h"

namespace boxseg {

// Reads an archive that lies in memory. Throws bad_input that names `path`.
class ZipReader {
 public:
  ZipReader(std::string_view archive, const std::filesystem::path& path);
  struct Entry {
    size_t offset = 0, size = 0;  // of the entry's local header; of its data
    uint32_t crc = 0;
  };
  const std::map<std::string, Entry>& entries() const { return entries_; }
  bool has(const std::string& name) const { return entries_.contains(name); }
  std::string_view view(const std::string& name) const;  // the data, checksum verified

 private:
  void read_directory(size_t at, size_t size, uint64_t count);

  std::string_view archive_;
  std::string path_;
  std::map<std::string, Entry> entries_;
};

// Writes entries one after the other, without times, with data aligned to 64 bytes: equal content gives equal bytes.
// Everything happens in a temporary file until commit(). The archive may have up to 4 GB in all.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path);
  ~ZipWriter();
  void add(const std::string& name, std::string_view data);
  void commit();

 private:
  void write(std::string_view bytes);

  std::filesystem::path path_;
  AtomicFile atomic_;
  int fd_ = -1;
  uint64_t position_ = 0;
  uint64_t count_ = 0;
  std::string directory_;
};

}  // namespace boxseg
