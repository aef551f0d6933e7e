#include "common/data/describe.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/io/hdf5.h"
#include "common/io/mask.h"
#include "common/io/npy.h"
#include "common/io/show.h"

namespace boxseg {
namespace {

std::string describe_dataset(const fs::path& path) {
  const Dataset d = read_dataset(path, {}, false);
  std::string text =
      fmt::format("{}: dataset index '{}', {} images in {}\n", path.string(), d.name, d.images.size(), d.root.string());
  std::vector<int64_t> boxes(d.class_names.size());
  int64_t total = 0, masks = 0, crowds = 0;
  for (const auto& image : d.images) {
    masks += !image.mask_path.empty();
    total += static_cast<int64_t>(image.boxes.size());
    for (const auto& box : image.boxes) ++boxes[static_cast<size_t>(box.class_id)], crowds += box.is_crowd;
  }
  text += fmt::format("{} boxes{}, {} images with a mask\n", total,
                      crowds > 0 ? fmt::format(" ({} crowds)", crowds) : "", masks);
  if (d.copies() > 0) text += fmt::format("{} images are smaller copies of photographs\n", d.copies());
  for (const auto& [name, members] : d.splits)
    text += fmt::format("split {}: {} images, digest {}\n", name, members.size(), d.digest(name, false));
  for (size_t c = 0; c < d.class_names.size(); ++c)
    text += fmt::format("class {:3} {:<16} {}\n", c, d.class_names[c], c == 0 ? "" : fmt::format("{} boxes", boxes[c]));
  for (const auto& [name, value] : d.facts) text += fmt::format("{} = {}\n", name, value);
  constexpr size_t kShown = 5;
  for (size_t i = 0; i < std::min(kShown, d.images.size()); ++i) {
    const auto& image = d.images[i];
    text += fmt::format("image {}: {}, {}x{}, {} boxes{}{}\n", image.id, image.path, image.size.width,
                        image.size.height, image.boxes.size(), image.mask_path.empty() ? "" : ", " + image.mask_path,
                        image.is_copy() ? fmt::format(", copy of {}, {}x{}", image.source_path, image.source_size.width,
                                                      image.source_size.height)
                                        : "");
  }
  if (d.images.size() > kShown) text += fmt::format("... and {} more images\n", d.images.size() - kShown);
  return text;
}

std::string describe_hdf5(const fs::path& path) {
  {
    const H5Reader file(path);
    const bool is_dataset = file.has_attribute("", "format") && file.attribute_text("", "format") == "boxseg dataset";
    if (!is_dataset) return show_artifact(path);
  }
  return describe_dataset(path);
}

std::string describe_labels(const fs::path& path, const LabelMap& labels) {
  std::array<int64_t, 256> count{};
  for (const uint8_t value : labels.pixels) ++count[value];
  std::string text = fmt::format("{}: label map of {}x{} pixels, digest {}\n", path.string(), labels.width,
                                 labels.height, digest_of_labels(labels));
  for (size_t v = 0; v < count.size(); ++v)
    if (count[v] > 0)
      text += fmt::format("{:3}{} {:8} pixels {:6.2f} %\n", v,
                          v == 255 ? " (void)"
                          : v == 0 ? " (background)"
                                   : "",
                          count[v], 100.0 * static_cast<double>(count[v]) / static_cast<double>(labels.pixels.size()));
  return text;
}

std::string describe_png(const fs::path& path) {
  LabelMap labels;
  try {
    labels = read_label_png(path);
    // It is a picture, or it is damaged, and then reading it as one throws.
  } catch (const Error&) {
    const RgbImage image = read_rgb(path);
    return fmt::format("{}: image of {}x{} pixels\n", path.string(), image.width, image.height);
  }
  return describe_labels(path, labels);
}

std::string describe_npy(const fs::path& path) {
  const FloatArray array = read_npy(path);
  std::string text = fmt::format("{}: array [{}]", path.string(), fmt::join(array.shape, ","));
  if (!array.values.empty()) {
    const auto [low, high] = std::minmax_element(array.values.begin(), array.values.end());
    text += fmt::format(", from {} to {}", *low, *high);
  }
  return text + "\n";
}

// --- zip, as torch.save writes it ---
uint64_t little_endian(std::string_view bytes, size_t at, size_t count) {
  if (at + count > bytes.size()) fail_input("cut short");
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct ZipEntry {
  std::string name;
  uint64_t size = 0, offset = 0;
  bool is_stored = false;
};

std::vector<ZipEntry> zip_entries(std::string_view bytes) {
  const size_t end = bytes.rfind("PK\x05\x06");
  if (end == std::string_view::npos) fail_input("cut short: it has no directory");
  const uint64_t count = little_endian(bytes, end + 10, 2);
  uint64_t at = little_endian(bytes, end + 16, 4);
  // In a zip64 archive, its own end record stands in front.
  if (at == 0xFFFFFFFF) {
    const size_t end64 = bytes.rfind("PK\x06\x06", end);
    if (end64 == std::string_view::npos) fail_input("damaged: it has no zip64 directory");
    at = little_endian(bytes, end64 + 48, 8);
  }
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < count; ++i) {
    if (bytes.substr(std::min<uint64_t>(at, bytes.size()), 4) != "PK\x01\x02") fail_input("damaged directory");
    const uint64_t name = little_endian(bytes, at + 28, 2), extra = little_endian(bytes, at + 30, 2),
                   comment = little_endian(bytes, at + 32, 2);
    ZipEntry entry;
    entry.name = bytes.substr(at + 46, name);
    entry.size = little_endian(bytes, at + 24, 4);
    entry.offset = little_endian(bytes, at + 42, 4);
    entry.is_stored = little_endian(bytes, at + 10, 2) == 0;
    entries.push_back(entry);
    at += 46 + name + extra + comment;
  }
  return entries;
}

std::string describe_checkpoint(const fs::path& path, const std::string& bytes) {
  try {
    const auto entries = zip_entries(bytes);
    std::string text = fmt::format("{}: zip with {} entries, {} bytes\n", path.string(), entries.size(), bytes.size());
    constexpr size_t kShown = 40;
    for (size_t i = 0; i < std::min(kShown, entries.size()); ++i)
      text += fmt::format("{:12} {}\n", entries[i].size, entries[i].name);
    if (entries.size() > kShown) text += fmt::format("... and {} more entries\n", entries.size() - kShown);
    for (const auto& entry : entries) {
      if (!entry.name.ends_with("boxseg.json") || !entry.is_stored) continue;
      const uint64_t data =
          entry.offset + 30 + little_endian(bytes, entry.offset + 26, 2) + little_endian(bytes, entry.offset + 28, 2);
      if (data + entry.size <= bytes.size()) text += "record: " + bytes.substr(data, entry.size) + "\n";
    }
    return text;
  } catch (const Error& e) {
    fail_input("{}: {}", path.string(), e.what());
  }
}

bool is_text(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

}  // namespace

std::string describe_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (fs::exists(path / "manifest.h5", ignored)) return describe_file(path / "manifest.h5");
    fail_input("{}: is a folder without a manifest.h5; name a file", path.string());
  }
  require_regular_file(path);  // it is opened twice, and a device has no end
  std::ifstream file(path, std::ios::binary);
  std::string head(16, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  if (head.starts_with("\x89HDF")) return describe_hdf5(path);
  if (head.starts_with("\x89PNG")) return describe_png(path);
  if (head.starts_with("\x93NUMPY")) return describe_npy(path);
  if (head.starts_with("MATLAB")) return describe_labels(path, read_sbd_mat(path));
  std::string bytes = read_file(path);
  if (head.starts_with("PK\x03\x04")) return describe_checkpoint(path, bytes);
  if (head.starts_with("\xff\xd8\xff")) {
    const RgbImage image = read_rgb(path);
    return fmt::format("{}: image of {}x{} pixels\n", path.string(), image.width, image.height);
  }
  if (is_text(bytes)) return bytes;
  fail_input("{}: is no artifact that can be shown (HDF5, PNG, JPEG, .npy, .mat of SBD, .pt in zip form, text)",
             path.string());
}

}  // namespace boxseg
