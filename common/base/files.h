// Reads and writes whole files. They are written atomically: to a temporary file of the writer's own in the same
// folder, flushed to disk, then renamed, so that any number of programs may write one path at a time. A killed program
// leaves at most its temporary, NAME.….part, never a half-written file under the final name; the next program that
// writes into the folder removes it.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace boxseg {

namespace fs = std::filesystem;

// Returns the file's bytes, or throws bad_input: "PATH: cannot be read: No such file or directory". A pipe is read to
// its end; a device is refused, since many have none.
std::string read_file(const fs::path& path);
// Does the same piece by piece, for files that need not be in memory at once.
void read_blocks(const fs::path& path, const std::function<void(std::string_view)>& take);
// Returns "a device", "a pipe", "a socket" or "a folder"; "" for a file, and where nothing is.
std::string special_kind(const fs::path& path);
// Throws bad_input for what is no regular file. It is for readers that open a path themselves, perhaps more than once.
void require_regular_file(const fs::path& path);

// Writes all of `bytes` to `fd`, or throws `failed` with the reason and a way out; `path` is for the message only.
void write_all(int fd, std::string_view bytes, const fs::path& path);
[[noreturn]] void fail_write(const fs::path& path, int error);
// Returns what to do about a failed write, "; free some space and start again, ...", or "" where nothing is known.
std::string way_out_of(int error);

// AtomicFile serves writers that need a path (HDF5, libpng). Usage: AtomicFile f(path); write to f.temporary(), which
// exists and is empty; f.commit(). Without commit() the temporary is removed. The parent folders are created. Where
// `path` is a link, the file that it names is written. Throws usage when something else than a regular file is there: a
// device would be replaced by a file.
class AtomicFile {
 public:
  explicit AtomicFile(const fs::path& path);
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
bool can_be_written(const fs::path& folder);                    // false on a read-only file system
// Creates the folder and tries a file in it; throws usage naming the option that asked for it.
void require_writable_directory(const fs::path& path, const char* option = "--output");

// True if `relative` stays inside the folder it is joined to: not absolute, no "..", not empty, no NUL.
bool is_inside(const fs::path& relative);

}  // namespace boxseg
