#include "eval/miou/server_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/data/formats/voc/voc_files.h"
#include "common/runtime/parallel.h"
#include "eval/miou/label_folder.h"

namespace boxseg {
namespace {

// This is 2012-01-01, since tar(1) doubts times near 1970.
constexpr time_t kTimeOfFiles = 1325376000;

struct ArchivedFile {
  std::string path, bytes;
};

bool is_compressed(const fs::path& output) { return output.extension() != ".tar"; }

ArchivedFile file_of(const ImageEntry& image, const LabelFolder& folder, const std::string& prefix,
                     RenumberedFiles& colours) {
  const LabelMap labels = folder.read(image, &colours);
  const auto classes = static_cast<uint8_t>(voc_class_names().size());
  for (size_t i = 0; i < labels.pixels.size(); ++i) {
    if (labels.pixels[i] < classes) continue;
    const auto width = static_cast<size_t>(labels.width);
    fail_input("{}: pixel ({},{}) is {}, but the server takes classes 0 to {} only{}; predict again",
               folder.file_of(image).string(), i % width, i / width, labels.pixels[i], classes - 1,
               labels.pixels[i] == 255 ? " (255 is void, which is for ground truth)" : "");
  }
  return {prefix + image.id + ".png", label_png_bytes(labels)};
}

std::vector<ArchivedFile> checked_files(const Dataset& dataset, const ServerArchiveOptions& o) {
  if (dataset.class_names != voc_class_names())
    fail_input("dataset '{}': its classes are not VOC's 21 in VOC's order, which is what the server evaluates",
               dataset.name);
  const auto& members = dataset.split(o.split);
  const LabelFolder folder(o.predictions);
  folder.require(dataset, members);
  const std::string prefix = fmt::format("results/VOC2012/Segmentation/{}_{}_cls/", o.competition, o.split);
  RenumberedFiles colours(dataset.class_names);
  std::vector<ArchivedFile> files(members.size());
  std::vector<std::string> faults(members.size());
  Progress progress("checking predictions", static_cast<int64_t>(members.size()));
  parallel_for(static_cast<int64_t>(members.size()), 1, o.threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) try {
        throw_if_interrupted();
        files[i] = file_of(dataset.images[static_cast<size_t>(members[i])], folder, prefix, colours);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::bad_input) throw;
        faults[i] = e.what();
      }
    progress.advance(end - begin);
  });
  std::erase(faults, "");
  if (!faults.empty())
    fail_input("{}{}", faults[0],
               faults.size() == 1 ? "" : fmt::format(" ({} of {} predictions are bad)", faults.size(), files.size()));
  if (const std::string doubt = colours.doubt(); !doubt.empty()) log_warning("{}", doubt);
  return files;
}

using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

void add(archive* writer, const ArchivedFile& file, const fs::path& output) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), file.path.c_str());
  archive_entry_set_size(entry.get(), static_cast<int64_t>(file.bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), kTimeOfFiles, 0);
  const auto size = static_cast<la_ssize_t>(file.bytes.size());
  const bool is_written = archive_write_header(writer, entry.get()) == ARCHIVE_OK &&
                          archive_write_data(writer, file.bytes.data(), file.bytes.size()) == size;
  if (!is_written) fail_write(output, archive_errno(writer));
}

// `output` is the name that the file will have in the end.
void write_tar(const fs::path& path, const fs::path& output, bool is_gzip, const std::vector<ArchivedFile>& files) {
  const Writer writer(archive_write_new(), archive_write_free);
  ensure(writer != nullptr, "libarchive cannot start");
  const auto require = [&](int status) {
    if (status != ARCHIVE_OK) fail_write(output, archive_errno(writer.get()));
  };
  require(archive_write_set_format_ustar(writer.get()));
  if (is_gzip) {
    require(archive_write_add_filter_gzip(writer.get()));
    require(archive_write_set_options(writer.get(), "gzip:!timestamp"));
  }
  require(archive_write_open_filename(writer.get(), path.c_str()));
  for (const auto& file : files) add(writer.get(), file, output);
  require(archive_write_close(writer.get()));
}

}  // namespace

void ServerArchiveOptions::check() const {
  const std::string name = output.filename().string();
  if (!name.ends_with(".tar") && !name.ends_with(".tar.gz") && !name.ends_with(".tgz"))
    fail_usage("--output {}: expected a name that ends in .tar, .tar.gz or .tgz", output.string());
}

int64_t write_server_archive(const Dataset& dataset, const ServerArchiveOptions& options) {
  options.check();
  const std::vector<ArchivedFile> files = checked_files(dataset, options);
  AtomicFile archive(options.output);
  write_tar(archive.temporary(), options.output, is_compressed(options.output), files);
  archive.commit();
  return static_cast<int64_t>(files.size());
}

}  // namespace boxseg
