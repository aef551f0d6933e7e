#include "common/data/formats/labelme/labelme_boxes.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/base/error.h"
#include "common/data/formats/json_beginning.h"
#include "common/data/formats/labelme/labelme_file.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

// The photograph of a file, from where the file stands; Windows' paths have other slashes.
fs::path photo_of(const AnnotatedImage& image) {
  std::string name = image.name;
  std::replace(name.begin(), name.end(), '\\', '/');
  return (image.file.parent_path() / name).lexically_normal();
}

void look_at_photos(const std::vector<LabelmeImage>& images, EntryDoubts& doubts) {
  std::map<fs::path, size_t> first;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [at, is_new] = first.emplace(photo_of(images[i].image), i);
    if (is_new) continue;
    doubts.add(
        "two files", i,
        fmt::format("{}: is about '{}', and so is {}; the boxes of both are taken", images[i].image.file.string(),
                    images[i].image.name, images[at->second].image.file.string()));
  }
}

// A single such box is a slip, many of them are a misunderstanding.
void look_at_boxes(const std::vector<LabelmeImage>& images, EntryDoubts& doubts) {
  size_t boxes = 0;
  for (size_t i = 0; i < images.size(); ++i)
    for (const AnnotatedBox& b : images[i].image.boxes) {
      const ImageSize size = images[i].image.size;
      const auto doubt = [&](const char* kind, const std::string& what) {
        doubts.add(kind, i,
                   fmt::format("{}: {} has a box from ({}, {}) to ({}, {}), {}", images[i].image.file.string(), b.place,
                               b.x0, b.y0, b.x1, b.y1, what));
      };
      ++boxes;
      if (size.width > 0 && (b.x1 > static_cast<double>(size.width) + 1 || b.y1 > static_cast<double>(size.height) + 1))
        doubt("beyond", fmt::format("which reaches beyond its image of {}x{} pixels; was the photograph made smaller?",
                                    size.width, size.height));
      if (b.x1 <= 1 && b.y1 <= 1) doubt("shares", "as if in shares of the image; LabelMe's points are in pixels");
    }
  if (3 * doubts.count("beyond") < boxes) doubts.forget("beyond");
  if (doubts.count("shares") < boxes) doubts.forget("shares");
}

bool is_labelme_beginning(const JsonBeginning& beginning) {
  if (beginning.is_list) return false;
  if (beginning.is_cut && (beginning.has("shapes") || beginning.has("imageData"))) return true;
  return beginning.has("shapes") && beginning.has("imagePath");
}

}  // namespace

BoxAnnotations read_labelme_boxes(const std::vector<fs::path>& files, int threads) {
  EntryDoubts doubts;
  std::vector<LabelmeImage> images(files.size());
  parallel_for(static_cast<int64_t>(files.size()), 8, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      images[i] = read_labelme_file(files[i], i, doubts);
  });
  look_at_photos(images, doubts);
  look_at_boxes(images, doubts);
  BoxAnnotations all;
  all.format = "LabelMe";
  std::set<std::string> labels;
  for (LabelmeImage& read : images) {
    for (const AnnotatedBox& box : read.image.boxes) labels.insert(box.class_name);
    for (std::string& message : read.bad_boxes) all.bad_boxes.push_back(std::move(message));
    all.images.push_back(std::move(read.image));
  }
  all.class_names.assign(labels.begin(), labels.end());
  std::sort(all.images.begin(), all.images.end(), [](const AnnotatedImage& a, const AnnotatedImage& b) {
    return std::tie(a.name, a.file) < std::tie(b.name, b.file);
  });
  all.doubts = doubts.sentences();
  return all;
}

bool is_labelme(const fs::path& file) { return is_labelme_beginning(json_beginning(file)); }

bool looks_like_labelme(std::string_view text, bool is_cut) {
  return is_labelme_beginning(json_beginning(text, is_cut));
}

}  // namespace boxseg
