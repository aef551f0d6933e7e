#include "common/base/temporary_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <mutex>
#include <set>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/processes.h"

namespace boxseg {
namespace {

constexpr const char* kSuffix = ".part";
constexpr size_t kLongestName = 255;  // the limit of one component of a path, in bytes
constexpr double kForgottenAfter_s = 24 * 3600;

// Returns eight digits that stand for this machine and container.
const std::string& machine() {
  static const std::string tag =
      fmt::format("{:08x}", static_cast<uint32_t>(stable_hash64(host_name() + "\n" + process_space())));
  return tag;
}

// Returns "MACHINE-PID-START" of this process. It is made anew after a fork, which has another PID.
std::string own_mark() {
  static std::mutex mutex;
  static int pid = 0;
  static std::string mark;
  const std::lock_guard lock(mutex);
  if (pid != ::getpid()) {
    pid = ::getpid();
    mark = fmt::format("{}-{}-{}", machine(), pid, start_of_process(pid));
  }
  return mark;
}

// Keeps at most `size` bytes of a name, without a part of a UTF-8 character at the end.
std::string cut(const std::string& name, size_t size) {
  if (name.size() <= size) return name;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
  return name.substr(0, size);
}

struct Writer {
  std::string machine, start;
  int pid = 0;
};

// Reads the writer from the name "NAME.MACHINE-PID-START-N.part"; returns false for any other name.
bool read_writer(std::string name, Writer& writer) {
  if (!name.ends_with(kSuffix)) return false;
  name.resize(name.size() - std::strlen(kSuffix));
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  std::string words[4];
  size_t word = 0;
  for (const char c : name.substr(dot + 1)) {
    if (c == '-' && ++word == 4) return false;
    if (c != '-') words[word] += c;
  }
  const auto is_hex = [](const std::string& w) { return w.find_first_not_of("0123456789abcdef") == std::string::npos; };
  if (word != 3 || words[0].size() != 8 || !is_hex(words[0]) || words[3].empty()) return false;
  const char* end = words[1].data() + words[1].size();
  writer = {words[0], words[2]};
  return std::from_chars(words[1].data(), end, writer.pid).ptr == end && !words[1].empty();
}

bool is_gone(const Writer& writer, const fs::path& file) {
  if (writer.machine == machine()) return !is_running(writer.pid, writer.start);
  struct stat status {};
  return ::lstat(file.c_str(), &status) == 0 &&
         std::difftime(std::time(nullptr), status.st_mtim.tv_sec) > kForgottenAfter_s;
}

void look_once(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> seen;
  {
    const std::lock_guard lock(mutex);
    if (!seen.insert(folder).second) return;
  }
  remove_leftovers(folder);
}

}  // namespace

fs::path make_temporary_file(const fs::path& target) {
  static std::atomic<uint64_t> count{0};
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  look_once(folder);
  for (;;) {
    const std::string end = fmt::format(".{}-{}{}", own_mark(), count.fetch_add(1), kSuffix);
    const fs::path path = target.parent_path() / (cut(target.filename().string(), kLongestName - end.size()) + end);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return ::close(fd), path;
    if (errno != EEXIST) fail_write(target, errno);
  }
}

void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    Writer writer;
    if (read_writer(it->path().filename().string(), writer) && is_gone(writer, it->path()))
      ::unlink(it->path().c_str());
  }
}

}  // namespace boxseg
