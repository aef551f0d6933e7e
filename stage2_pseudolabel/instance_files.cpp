#include "stage2_pseudolabel/instance_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <queue>

#include "common/base/error.h"
#include "common/data/formats/coco/coco_counts.h"
#include "common/data/formats/coco/coco_ids.h"

namespace boxseg {
namespace {

constexpr InstanceMap kMaps[] = {InstanceMap::y_crf, InstanceMap::y_ret};
constexpr size_t kBufferBytes = 1 << 20;
constexpr size_t kJoinBytes = 64 << 20;  // of the pieces of all shards that are in memory together

// A text file that is written piece by piece, and appears when it is whole.
class TextFile {
 public:
  explicit TextFile(const fs::path& path) : path_(path), file_(path) {
    fd_ = ::open(file_.temporary().c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail_write(path, errno);
  }
  ~TextFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  void write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kBufferBytes) flush();
  }
  void commit() {
    flush();
    if (::close(std::exchange(fd_, -1)) != 0) fail_write(path_, errno);
    file_.commit();
  }

 private:
  void flush() {
    write_all(fd_, buffer_, path_);
    buffer_.clear();
  }
  fs::path path_;
  AtomicFile file_;
  int fd_ = -1;
  std::string buffer_;
};

// Walks the lines of a shard's file. Between two pieces the file is closed, since there may be more shards than a
// process may have files open.
class ShardLines {
 public:
  ShardLines(fs::path path, size_t piece_bytes) : path_(std::move(path)), piece_bytes_(piece_bytes) {}

  int64_t place() const { return place_; }
  std::string_view result() const { return result_; }

  // Goes to the next line; false where there is none.
  bool next() {
    size_t end = rest_.find('\n', at_);
    while (end == std::string::npos) {
      if (!read_on()) {
        if (at_ < rest_.size()) refuse();
        return false;
      }
      end = rest_.find('\n', at_);
    }
    const std::string_view line = std::string_view(rest_).substr(at_, end - at_);
    at_ = end + 1;
    const auto [tab, error] = std::from_chars(line.data(), line.data() + line.size(), place_);
    if (error != std::errc{} || tab == line.data() + line.size() || *tab != '\t') refuse();
    result_ = line.substr(static_cast<size_t>(tab + 1 - line.data()));
    return true;
  }

 private:
  bool read_on() {
    rest_.erase(0, std::exchange(at_, 0));
    std::ifstream file(path_, std::ios::binary);
    if (!file.seekg(read_)) refuse();
    const size_t before = rest_.size();
    rest_.resize(before + piece_bytes_);
    file.read(rest_.data() + before, static_cast<std::streamsize>(piece_bytes_));
    rest_.resize(before + static_cast<size_t>(file.gcount()));
    read_ += file.gcount();
    return rest_.size() > before;
  }
  [[noreturn]] void refuse() const {
    fail_input("{}: is damaged; run stage2_pseudolabel again for that shard", path_.string());
  }

  fs::path path_;
  size_t piece_bytes_;
  std::string rest_;  // a piece of the file, and where in it the next line begins
  size_t at_ = 0;
  std::streamoff read_ = 0;
  int64_t place_ = 0;
  std::string_view result_;
};

const ManifestOutput* listed(const Manifest& manifest, const std::string& path) {
  for (const auto& output : manifest.outputs)
    if (output.path == path) return &output;
  return nullptr;
}

// Of each image's results, which stand one behind the other in one shard.
void join_lines(std::vector<ShardLines>& shards, TextFile& file) {
  using Next = std::pair<int64_t, size_t>;  // the place of a shard's next line
  std::priority_queue<Next, std::vector<Next>, std::greater<>> next;
  const auto go_on = [&](size_t shard) {
    if (shards[shard].next()) next.emplace(shards[shard].place(), shard);
  };
  for (size_t s = 0; s < shards.size(); ++s) go_on(s);
  file.write("[");
  for (const char* separator = "\n"; !next.empty(); separator = ",\n") {
    const size_t shard = next.top().second;
    next.pop();
    file.write(separator);
    file.write(shards[shard].result());
    go_on(shard);
  }
  file.write("\n]\n");
}

ManifestOutput join_map(const fs::path& output, InstanceMap map, const std::vector<Shard>& shards,
                        const std::vector<Manifest>& manifests) {
  std::vector<ShardLines> lines;
  for (size_t s = 0; s < shards.size(); ++s) {
    const std::string path = shard_results_file(map, shards[s]);
    const ManifestOutput* recorded = listed(manifests[s], path);
    if (recorded == nullptr || digest_of_file(output / path) != recorded->digest)
      fail_input("{}: is not what {} lists; run stage2_pseudolabel again for that shard", (output / path).string(),
                 shard_manifest(shards[s]));
    lines.emplace_back(output / path, std::clamp(kJoinBytes / shards.size(), size_t{4096}, kBufferBytes));
  }
  const fs::path path = output / results_file(map);
  TextFile file(path);
  join_lines(lines, file);
  file.commit();
  return {results_file(map), static_cast<int64_t>(fs::file_size(path)), digest_of_file(path)};
}

}  // namespace

std::string results_file(InstanceMap map) {
  return map == InstanceMap::y_crf ? "instances.json" : "instances_ret.json";
}

std::string shard_results_file(InstanceMap map, const Shard& shard) {
  const fs::path name = fs::path(shard_file(shard, map == InstanceMap::y_crf ? ".y_crf.txt" : ".y_ret.txt")).filename();
  return (fs::path("instances") / name).string();
}

struct ShardResultsWriter::Impl {
  fs::path path;
  TextFile file{path};
};

ShardResultsWriter::ShardResultsWriter(const fs::path& output, const Shard& shard, InstanceMap map)
    : impl_(new Impl{output / shard_results_file(map, shard)}) {}

ShardResultsWriter::~ShardResultsWriter() = default;

void ShardResultsWriter::add(int64_t place, const std::string& lines) {
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = lines.find('\n', begin) + 1;
    ensure(end > 0, "results of an image end within a line");
    impl_->file.write(fmt::format("{}\t", place));
    impl_->file.write(std::string_view(lines).substr(begin, end - begin));
    begin = end;
  }
}

Digest ShardResultsWriter::close_and_commit() {
  impl_->file.commit();
  return digest_of_file(impl_->path);
}

std::vector<ManifestOutput> join_results(const fs::path& output, const std::vector<Shard>& shards,
                                         const std::vector<Manifest>& manifests) {
  std::vector<ManifestOutput> joined;
  for (const InstanceMap map : kMaps)
    if (listed(manifests.front(), shard_results_file(map, shards.front())) != nullptr)
      joined.push_back(join_map(output, map, shards, manifests));
  return joined;
}

std::vector<ManifestOutput> standing_results(const fs::path& output, const Manifest& split) {
  std::vector<ManifestOutput> standing;
  for (const InstanceMap map : kMaps) {
    const ManifestOutput* recorded = listed(split, results_file(map));
    std::error_code error;
    if (recorded != nullptr &&
        static_cast<int64_t>(fs::file_size(output / recorded->path, error)) == recorded->size_bytes && !error)
      standing.push_back(*recorded);
  }
  return standing;
}

void forget_results(const fs::path& output) {
  std::error_code ignored;
  for (const InstanceMap map : kMaps) fs::remove(output / results_file(map), ignored);
}

void forget_shard_results(const fs::path& output, const Shard& shard) {
  std::error_code ignored;
  for (const InstanceMap map : kMaps) fs::remove(output / shard_results_file(map, shard), ignored);
}

int64_t check_results(const fs::path& path, int threads) {
  const CutFile file = cut_coco_file(path);
  if (!file.lists.contains("")) fail_input("{}: is not a list of results", path.string());
  const auto& results = file.list("", path);
  for_each_entry(results, path, "results", threads, [](size_t, const CocoEntry& result) {
    id_in(result, "image_id");
    id_in(result, "category_id");
    result.number("score");
    if (result.numbers("bbox").size() != 4) result.refuse("has a 'bbox' of other than 4 numbers");
    mask_of_counts(CocoEntry(result.get("segmentation"), result.place()));
  });
  return static_cast<int64_t>(results.size());
}

}  // namespace boxseg
