// Keeps a journal of finished pieces of work, so that a killed program resumes. It is an append-only file of records,
// each with a checksum. Opening keeps the longest whole prefix and drops the rest (a record cut by a kill is
// recomputed). A journal begun under another `run_key` (digest of inputs, options and fingerprint) is discarded.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace boxseg {

struct JournalRecord {
  std::string key;      // image id
  std::string payload;  // any bytes
};

class Journal {
 public:
  Journal(const std::filesystem::path& path, const std::string& run_key);
  ~Journal();
  const std::vector<JournalRecord>& found() const { return found_; }  // what an earlier run had finished
  void append(const JournalRecord& record);                           // thread-safe; on disk (not yet synced) on return
  void sync();                                                        // fdatasync
  void remove();                                                      // deletes the file, once the manifest is written

 private:
  std::filesystem::path path_;
  std::vector<JournalRecord> found_;
  std::mutex mutex_;
  int fd_ = -1;
};

}  // namespace boxseg
