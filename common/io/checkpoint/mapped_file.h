// Maps a file into memory for reading, so that parsers take views of it and each byte of a weight is copied once.
#pragma once
#include <filesystem>
#include <string_view>

namespace boxseg {

class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);  // throws bad_input: missing, unreadable, empty
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
};

}  // namespace boxseg
