#include "common/training/training_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

// Returns the step of a line {"step":10,...}; -1 for a line cut short.
int64_t step_of(const std::string& line) {
  const std::string prefix = "{\"step\":";
  if (line.rfind(prefix, 0) != 0 || line.back() != '}') return -1;
  return std::strtoll(line.c_str() + prefix.size(), nullptr, 10);
}

}  // namespace

TrainingLog::TrainingLog(fs::path path, int64_t log_every, int64_t last_step, const std::string& open_sums)
    : path_(std::move(path)), log_every_(log_every) {
  std::string kept;
  if (last_step > 0 && fs::exists(path_)) {
    for (const std::string& line : read_lines(read_file(path_))) {
      const int64_t step = step_of(line);
      if (step < 0 || step > last_step) break;
      kept += line + "\n";
    }
  }
  write_file(path_, kept);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) fail("{}: cannot be written: {}", path_.string(), std::strerror(errno));
  const std::vector<std::string> pieces = split(open_sums, ' ');
  if (pieces.empty()) return;
  count_ = parse_integer(pieces[0], "open_sums");
  for (size_t i = 1; i + 1 < pieces.size(); i += 2)
    sums_.emplace_back(pieces[i], std::strtod(pieces[i + 1].c_str(), nullptr));
}

TrainingLog::~TrainingLog() {
  if (fd_ >= 0) ::close(fd_);
}

StepReport TrainingLog::add(int64_t step, double rate, const StepReport& report) {
  if (count_ == 0) sums_.clear();
  for (size_t i = 0; i < report.size(); ++i) {
    if (count_ == 0)
      sums_.push_back(report[i]);
    else
      sums_.at(i).second += report[i].second;
  }
  if (++count_ < log_every_) return {};
  StepReport means{{"learning_rate", rate}};
  for (const auto& [name, sum] : sums_) means.emplace_back(name, sum / static_cast<double>(count_));
  std::string line = fmt::format("{{\"step\":{}", step);
  for (const auto& [name, mean] : means) line += fmt::format(",\"{}\":{}", name, mean);
  line += "}\n";
  count_ = 0;
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("{}: cannot be written: {}", path_.string(), std::strerror(errno));
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return means;
}

void TrainingLog::sync() {
  if (::fsync(fd_) != 0) fail("{}: cannot be written: {}", path_.string(), std::strerror(errno));
}

std::string TrainingLog::open_sums() const {
  if (count_ == 0) return "";
  std::string text = std::to_string(count_);
  for (const auto& [name, sum] : sums_) text += fmt::format(" {} {}", name, sum);  // fmt's shortest form is exact
  return text;
}

}  // namespace boxseg
