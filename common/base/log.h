// Logging and progress on stderr (stdout is for data).
#pragma once
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace boxseg {

enum class LogLevel { debug, info, warning, error, silent };

LogLevel parse_log_level(const std::string& name);  // throws a usage error that lists the names
void set_log_level(LogLevel level);
LogLevel log_level();
void log_text(LogLevel level, const std::string& text);  // thread-safe; one line each

template <class... Args>
void log_debug(fmt::format_string<Args...> text, Args&&... args) {
  if (log_level() <= LogLevel::debug) log_text(LogLevel::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> text, Args&&... args) {
  if (log_level() <= LogLevel::info) log_text(LogLevel::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> text, Args&&... args) {
  if (log_level() <= LogLevel::warning) log_text(LogLevel::warning, fmt::format(text, std::forward<Args>(args)...));
}

// Writes a duration as people say it: "1 h 02 min", "3 min 20 s", "4.1 s".
std::string format_duration(double seconds);

// Shows progress over `total` equal pieces of work, with rate and remaining time. On a terminal it is one line that
// rewrites itself ten times a second; elsewhere it is a plain line at most every ten seconds and at the end. advance()
// is thread-safe. Nothing is shown above LogLevel::info.
class Progress {
 public:
  Progress(std::string what, int64_t total, int64_t already_done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(int64_t pieces = 1, const std::string& note = {});  // note: "loss 0.41"

 private:
  void show(bool is_last);
  std::string what_, note_;
  int64_t total_, done_, start_done_;
  bool is_terminal_, is_finished_ = false;
  std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace boxseg
