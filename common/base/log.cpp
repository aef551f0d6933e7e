#include "common/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "common/base/error.h"
#include "common/base/visible_text.h"

namespace boxseg {
namespace {

constexpr std::array<const char*, 5> kLevelNames = {"debug", "info", "warning", "error", "silent"};
std::atomic<LogLevel> g_level{LogLevel::info};
std::mutex g_output;
bool g_bar_is_open = false;  // guarded by g_output: a progress line without its newline is on the terminal

}  // namespace

LogLevel parse_log_level(const std::string& name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i)
    if (name == kLevelNames[i]) return static_cast<LogLevel>(i);
  fail_usage("--log-level: '{}' is not one of debug, info, warning, error, silent", name);
}

void set_log_level(LogLevel level) { g_level = level; }
LogLevel log_level() { return g_level; }

void log_text(LogLevel level, const std::string& text) {
  if (level < g_level) return;
  std::lock_guard lock(g_output);
  const char* prefix = level == LogLevel::warning ? "warning: " : level == LogLevel::error ? "error: " : "";
  std::fprintf(stderr, "%s%s%s\n", g_bar_is_open ? "\r\033[K" : "", prefix, printable(text).c_str());
  g_bar_is_open = false;
}

std::string format_duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto s = static_cast<int64_t>(std::llround(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02d} s", s / 60, s % 60);
  return fmt::format("{} h {:02d} min", s / 3600, s / 60 % 60);
}

Progress::Progress(std::string what, int64_t total, int64_t already_done)
    : what_(printable(what)),
      total_(total),
      done_(already_done),
      start_done_(already_done),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  std::lock_guard lock(g_output);
  if (!is_finished_ && done_ > start_done_) show(true);
}

void Progress::advance(int64_t pieces, const std::string& note) {
  std::lock_guard lock(g_output);
  done_ += pieces;
  if (!note.empty()) note_ = note;
  const bool is_last = done_ >= total_;
  const auto now = std::chrono::steady_clock::now();
  const auto pause = is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (!is_last && now - shown_ < pause) return;
  shown_ = now;
  show(is_last);
}

void Progress::show(bool is_last) {
  if (is_last) is_finished_ = true;
  if (g_level > LogLevel::info) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  const double rate = static_cast<double>(done_ - start_done_) / std::max(elapsed.count(), 1e-9);
  std::string line = fmt::format("{} {}/{}", what_, done_, total_);
  if (rate > 0) line += rate >= 1 ? fmt::format("  {:.1f}/s", rate) : fmt::format("  {:.1f} s each", 1 / rate);
  if (done_ >= total_)
    line += "  in " + format_duration(elapsed.count());
  else if (rate > 0)
    line += "  " + format_duration(static_cast<double>(total_ - done_) / rate) + " left";
  if (!note_.empty()) line += "  " + note_;
  if (is_terminal_) {
    std::fprintf(stderr, "\r\033[K%s%s", line.c_str(), is_last ? "\n" : "");
    std::fflush(stderr);
    g_bar_is_open = !is_last;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

}  // namespace boxseg
