#include "common/io/tensorboard/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "common/base/error.h"
#include "common/io/tensorboard/event_record.h"

namespace boxseg {
namespace {

// TensorBoard knows a file of events by "tfevents" in its name, and reads those of a folder in the order of their
// names.
const std::string kPrefix = "events.out.tfevents.", kSuffix = ".boxseg";

int64_t seconds_of(const fs::path& path) { return std::atoll(path.filename().c_str() + kPrefix.size()); }

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

[[noreturn]] void fail_events(const fs::path& path, int error) {
  fail("{}: cannot be written: {}{}", path.string(), std::strerror(error),
       error == ENOSPC ? "; free some space and start again, finished work is kept" : "");
}

// Cuts the file off before its first record that is damaged or of a later step, in place: a reader that has it open
// then sees its end. Returns whether anything is left but the mark that begins every file.
bool keep_up_to(const fs::path& path, int64_t last_step) {
  const std::string bytes = read_file(path);
  std::string_view rest(bytes), event;
  size_t kept = 0, records = 0;
  while (take_event_record(rest, event)) {
    const int64_t step = step_of_event(event);
    if (step < 0 || step > last_step) break;
    kept = bytes.size() - rest.size();
    ++records;
  }
  if (records < 2) return false;
  if (kept < bytes.size() && ::truncate(path.c_str(), static_cast<off_t>(kept)) != 0) fail_events(path, errno);
  return true;
}

}  // namespace

std::vector<fs::path> event_files(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code absent;
  for (fs::directory_iterator it(dir, absent), end; !absent && it != end; it.increment(absent)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return seconds_of(a) < seconds_of(b); });
  return found;
}

EventFile::EventFile(const fs::path& dir, int64_t last_step) {
  const double time = now();
  auto seconds = static_cast<int64_t>(time);
  for (const fs::path& earlier : event_files(dir)) {
    // The name must be new, though the clock stood still or went back.
    seconds = std::max(seconds, seconds_of(earlier) + 1);
    if (last_step > 0 && keep_up_to(earlier, last_step))
      is_continued_ = true;
    else if (std::error_code error; !fs::remove(earlier, error) && error)
      fail_events(earlier, error.value());
  }
  path_ = dir / fmt::format("{}{:010}{}", kPrefix, seconds, kSuffix);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_events(path_, errno);
  add(version_event(time));
  // The event tells a running TensorBoard, which may have read what was cut off.
  add(session_start_event(time, last_step + 1));
}

EventFile::~EventFile() {
  if (fd_ >= 0) ::close(fd_);
}

void EventFile::add_scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  add(scalars_event(now(), step, values));
}

void EventFile::add_image(int64_t step, const std::string& tag, const RgbImage& image) {
  add(image_event(now(), step, tag, image.height, image.width, encode_rgb_png(image)));
}

void EventFile::add_text(int64_t step, const std::string& tag, const std::string& markdown) {
  add(text_event(now(), step, tag, markdown));
}

void EventFile::sync() {
  if (::fsync(fd_) != 0) fail_events(path_, errno);
}

void EventFile::add(const std::string& event) {
  const std::string record = event_record(event);
  for (std::string_view rest = record; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_events(path_, errno);
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace boxseg
