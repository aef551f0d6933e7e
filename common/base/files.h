// Whole files, written atomically: to NAME.part in the same folder, flushed to disk, then renamed. A killed
// program leaves at most a .part file, never a half-written one under its final name.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace boxseg {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path);  // throws bad_input: "PATH: cannot be read: No such file or directory"

// For writers that need a path (HDF5, libpng). Usage: AtomicFile f(path); write to f.temporary(); f.commit();
// Without commit() the temporary is removed. Creates the parent folders.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  const fs::path& temporary() const { return temporary_; }
  void commit();  // fsync, rename; throws `failed` with the reason (full disk, ...)

 private:
  fs::path path_, temporary_;
  bool is_committed_ = false;
};

void write_file(const fs::path& path, std::string_view bytes);  // atomically
void make_directories(const fs::path& path);                    // throws `failed` with the reason
// Creates it and tries a file in it; throws usage naming the option that asked for it.
void require_writable_directory(const fs::path& path, const char* option = "--output");

// True if `relative` stays inside the folder it is joined to: not absolute, no "..", not empty, no NUL.
bool is_inside(const fs::path& relative);

}  // namespace boxseg
