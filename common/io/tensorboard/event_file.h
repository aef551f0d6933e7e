// Tells TensorBoard 2 what a training run does: scalars, pictures and a text, appended while it runs.
//
// A folder holds files events.out.tfevents.SECONDS.boxseg, one per start of the program. Opening keeps, in the files of
// earlier starts, the records up to a step and cuts the rest off, so that the files together hold each step once and in
// order; then a file of its own is begun. It is not the old one that is continued, because a TensorBoard that is
// running meanwhile stands at the end of that one, and would find nothing, or garbage, beyond.
//
// The records hold the time of day, so equal runs differ in their bytes: no manifest lists these files, nothing reads
// them but people, and a run without them is whole.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"

namespace boxseg {

class EventFile {
 public:
  // Opens a file in DIR and keeps what earlier ones hold up to `last_step`; it keeps nothing when that is 0.
  EventFile(const fs::path& dir, int64_t last_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  bool is_continued() const { return is_continued_; }  // earlier files stand beside it

  // Steps must not decrease. On return an event is in the operating system's hands; else `failed` is thrown with the
  // reason.
  void add_scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  void add_image(int64_t step, const std::string& tag, const RgbImage& image);
  void add_text(int64_t step, const std::string& tag, const std::string& markdown);
  void sync();  // writes to disk

 private:
  void add(const std::string& event);

  fs::path path_;
  bool is_continued_ = false;
  int fd_ = -1;
};

// Returns the event files of ours in a folder, in the order of their times.
std::vector<fs::path> event_files(const fs::path& dir);

}  // namespace boxseg
