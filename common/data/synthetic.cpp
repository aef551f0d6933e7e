#include "common/data/synthetic.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr const char* kMarker = "synthetic.ini";  // tells our folders from others

std::string id_of(int64_t index) { return fmt::format("{:06d}", index); }

std::string annotation_xml(const SyntheticImage& image, const std::string& id) {
  std::string xml = fmt::format(
      "<annotation>\n\t<folder>synthetic</folder>\n\t<filename>{}.jpg</filename>\n\t<size>\n\t\t<width>{}</width>\n"
      "\t\t<height>{}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>1</segmented>\n",
      id, image.image.width, image.image.height);
  for (size_t i = 0; i < image.boxes.size(); ++i) {
    const Box& b = image.boxes[i];
    xml += fmt::format(
        "\t<object>\n\t\t<name>{}</name>\n\t\t<truncated>{}</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
        "\t\t\t<xmin>{:.0f}</xmin>\n\t\t\t<ymin>{:.0f}</ymin>\n\t\t\t<xmax>{:.0f}</xmax>\n\t\t\t<ymax>{:.0f}</ymax>\n"
        "\t\t</bndbox>\n\t</object>\n",
        synthetic_class_names()[static_cast<size_t>(b.class_id)], image.is_cut[i] ? 1 : 0, b.x0, b.y0, b.x1, b.y1);
  }
  return xml + "</annotation>\n";
}

struct Paths {
  fs::path jpeg, xml, png;
};
Paths paths_of(const fs::path& dir, const std::string& id) {
  return {dir / "JPEGImages" / (id + ".jpg"), dir / "Annotations" / (id + ".xml"),
          dir / "SegmentationClass" / (id + ".png")};
}

// Removes images of an earlier, larger dataset, from number `first` on.
void remove_beyond(const fs::path& dir, int64_t first) {
  std::error_code ignored;
  for (int64_t i = first;; ++i) {
    const Paths p = paths_of(dir, id_of(i));
    if (!fs::exists(p.jpeg, ignored) && !fs::exists(p.xml, ignored)) return;
    for (const fs::path& path : {p.jpeg, p.xml, p.png}) fs::remove(path, ignored);
  }
}

void write_list(const fs::path& dir, const std::string& name, int64_t begin, int64_t end) {
  std::string text;
  for (int64_t i = begin; i < end; ++i) text += id_of(i) + "\n";
  write_file(dir / "ImageSets" / "Segmentation" / (name + ".txt"), text);
}

}  // namespace

void SyntheticOptions::check() const {
  const auto kinds = static_cast<int64_t>(synthetic_class_names().size()) - 1;
  if (images < 4 || images > 1000000) fail_usage("--images {}: expected 4 to 1000000", images);
  if (classes < 1 || classes > kinds) fail_usage("--classes {}: expected 1 to {}", classes, kinds);
  if (size_min < 48 || size_max < size_min || size_max > 2048)
    fail_usage("--size-min {} --size-max {}: expected 48 <= size-min <= size-max <= 2048", size_min, size_max);
}

const std::vector<std::string>& synthetic_class_names() {
  static const std::vector<std::string> names = {"background", "star", "leaf", "ring", "moon",
                                                 "cross",      "blob", "hook", "stick"};
  return names;
}

fs::path synthetic_marker(const fs::path& dir) { return dir / kMarker; }

void refuse_foreign_folder(const fs::path& dir) {
  std::error_code ignored;
  if (!fs::exists(dir, ignored)) return;
  // A program that was killed early leaves its lock, or the beginning of the marker.
  const bool is_empty = fs::is_directory(dir, ignored) && fs::is_empty(dir, ignored);
  bool is_ours = is_empty;
  for (fs::directory_iterator it(dir, ignored), end; !ignored && it != end; it.increment(ignored))
    is_ours = is_ours || it->path().filename().string().starts_with(kMarker);
  if (!is_ours && !fs::exists(dir / kMarker, ignored))  // somebody may be making it just now
    fail_usage("--output {}: exists and holds something else than a synthetic dataset; choose a new or empty folder",
               dir.string());
}

void write_synthetic(const fs::path& dir, const SyntheticOptions& options, int threads) {
  options.check();
  refuse_foreign_folder(dir);
  require_writable_directory(dir);
  write_file(dir / kMarker,
             fmt::format(
                 "# Made by `prepare synthetic`; may be made again, or removed.\n[dataset]\nimages = {}\nclasses = {}\n"
                 "size-min = {}\nsize-max = {}\nseed = {}\n",
                 options.images, options.classes, options.size_min, options.size_max, options.seed));
  {
    Progress progress("drawing images", options.images);
    parallel_for(options.images, 4, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        throw_if_interrupted();
        const SyntheticImage image = render_synthetic(options, i);
        const Paths p = paths_of(dir, id_of(i));
        write_rgb_jpeg(p.jpeg, image.image, 95);
        write_label_png(p.png, image.labels);
        write_file(p.xml, annotation_xml(image, id_of(i)));
      }
      progress.advance(end - begin);
    });
  }
  remove_beyond(dir, options.images);
  const auto& names = synthetic_class_names();
  write_file(dir / "classes.txt", join({names.begin(), names.begin() + options.classes + 1}, "\n") + "\n");
  const int64_t val = std::max<int64_t>(1, options.images / 4), test = std::max<int64_t>(1, options.images / 12);
  const int64_t train = options.images - val - test;
  write_list(dir, "train", 0, train);
  write_list(dir, "val", train, train + val);
  write_list(dir, "test", train + val, options.images);
}

}  // namespace boxseg
