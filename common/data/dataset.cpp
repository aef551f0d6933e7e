#include "common/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/options.h"
#include "common/base/text.h"
#include "common/io/hdf5.h"

namespace boxseg {
namespace {

constexpr const char *kFormat = "boxseg dataset", *kEdges = "edges";
constexpr int64_t kSchema = 1;
constexpr uint8_t kDifficult = 1, kCrowd = 2;
constexpr size_t kLongestName = 240;  // of 255 that file systems allow: suffixes such as ".png.part" must fit

// Calls act(part) for what stands between the slashes of an id. No path is made of it: a dataset may have a hundred
// thousand ids, and paths take their time.
template <class Do>
void for_each_part(std::string_view id, const Do& act) {
  for (size_t begin = 0; begin <= id.size();) {
    const size_t end = std::min(id.find('/', begin), id.size());
    act(id.substr(begin, end - begin));
    begin = end + 1;
  }
}

// Ids become file names under an output folder, each with a suffix such as ".png".
void check_ids(const std::vector<ImageEntry>& images) {
  std::unordered_map<std::string, const std::string*> id_of_file;
  for (const auto& image : images) {
    output_name(image.id);  // throws for what is none
    for_each_part(image.id, [&](std::string_view part) {
      if (part.size() > kLongestName)
        fail_input("image id '{}': a part of it is longer than {} bytes, too long for a file name; shorten it",
                   image.id, kLongestName);
    });
    if (const auto [at, is_new] = id_of_file.emplace(image.id, &image.id); !is_new)
      fail_input("image ids '{}' and '{}' would share the output name {}; rename one", *at->second, image.id, image.id);
  }
  // "a.png/b" needs a folder where the label of "a" must stand.
  for (const auto& image : images) {
    if (image.id.find(".png/") == std::string::npos) continue;
    for (fs::path folder = output_name(image.id).parent_path(); !folder.empty(); folder = folder.parent_path()) {
      if (folder.extension() != ".png") continue;
      const auto found = id_of_file.find(fs::path(folder).replace_extension().native());
      if (found != id_of_file.end())
        fail_input("image ids '{}' and '{}': the second needs a folder where the first writes {}; rename one",
                   *found->second, image.id, folder.native());
    }
  }
}

void check_image(const ImageEntry& image, int64_t classes, BoxNumbers numbers) {
  if (image.path.empty()) fail_input("image '{}' has no path", image.id);
  if (image.size.height < 1 || image.size.width < 1)
    fail_input("image '{}' has {}x{} pixels", image.id, image.size.width, image.size.height);
  for (const Box& b : image.boxes) {
    if (b.class_id < 1 || b.class_id >= classes)
      fail_input("image '{}': a box has class {}, expected 1 to {}", image.id, b.class_id, classes - 1);
    if (!(b.x0 <= b.x1 && b.y0 <= b.y1 && std::isfinite(b.x0 + b.y0 + b.x1 + b.y1)))
      fail_input("image '{}': box ({}, {}, {}, {}) is inverted or no number", image.id, b.x0, b.y0, b.x1, b.y1);
    if (numbers == BoxNumbers::edges && (b.x0 == b.x1 || b.y0 == b.y1))
      fail_input("image '{}': box ({}, {}, {}, {}) holds no pixel", image.id, b.x0, b.y0, b.x1, b.y1);
  }
  ensure(image.box_ids.empty() || image.box_ids.size() == image.boxes.size(), "image '{}': {} ids of {} boxes",
         image.id, image.box_ids.size(), image.boxes.size());
}

void check(const Dataset& d) {
  if (d.class_names.size() < 2 || d.class_names.size() > 255)
    fail_input("{} classes with background, expected 2 to 255 (255 is void)", d.class_names.size());
  const std::set<std::string> names(d.class_names.begin(), d.class_names.end());
  if (names.size() != d.class_names.size()) fail_input("a class name stands twice in: {}", join(d.class_names, ", "));
  if (!d.class_ids.empty() && d.class_ids.size() + 1 != d.class_names.size())
    fail_input("{} ids of {} classes", d.class_ids.size(), d.class_names.size() - 1);
  ensure(d.palette.size() >= d.class_names.size(), "{} colours for {} classes", d.palette.size(), d.class_names.size());
  for (const auto& image : d.images) check_image(image, d.classes(), d.box_numbers);
  check_ids(d.images);
  for (const auto& [name, indices] : d.splits) {
    if (name.empty() || indices.empty()) fail_input("split '{}' names no image", name);
    for (const int64_t i : indices)
      if (i < 0 || i >= static_cast<int64_t>(d.images.size()))
        fail_input("split '{}' names image {} of {}", name, i, d.images.size());
  }
}

template <class Get>
auto column(const std::vector<ImageEntry>& images, Get get) {
  std::vector<decltype(get(images[0]))> values;
  values.reserve(images.size());
  for (const auto& image : images) values.push_back(get(image));
  return values;
}

// Only where there are any: few datasets hold smaller copies.
void write_sources(H5Writer& file, const std::vector<ImageEntry>& images) {
  if (std::none_of(images.begin(), images.end(), [](const ImageEntry& e) { return e.is_copy(); })) return;
  std::vector<int64_t> sizes;
  for (const auto& image : images) sizes.insert(sizes.end(), {image.source_size.height, image.source_size.width});
  file.write<int64_t>("images/source_height_width", sizes, {static_cast<int64_t>(images.size()), 2});
  file.write_strings("images/source_path", column(images, [](const ImageEntry& e) { return e.source_path; }));
  file.write_strings("images/source_digest", column(images, [](const ImageEntry& e) { return e.source_digest; }));
}

// Only where there are any: most formats have none.
void write_ids(H5Writer& file, const std::vector<ImageEntry>& images) {
  if (std::any_of(images.begin(), images.end(), [](const ImageEntry& e) { return !e.source_id.empty(); }))
    file.write_strings("images/source_id", column(images, [](const ImageEntry& e) { return e.source_id; }));
  if (std::none_of(images.begin(), images.end(), [](const ImageEntry& e) { return !e.box_ids.empty(); })) return;
  std::vector<std::string> ids;
  for (const auto& image : images)
    for (size_t b = 0; b < image.boxes.size(); ++b) ids.push_back(image.box_ids.empty() ? "" : image.box_ids[b]);
  file.write_strings("boxes/id", ids);
}

void write_images(H5Writer& file, const std::vector<ImageEntry>& images) {
  const auto n = static_cast<int64_t>(images.size());
  file.write_strings("images/id", column(images, [](const ImageEntry& e) { return e.id; }));
  file.write_strings("images/path", column(images, [](const ImageEntry& e) { return e.path; }));
  file.write_strings("images/mask_path", column(images, [](const ImageEntry& e) { return e.mask_path; }));
  file.write_strings("images/digest", column(images, [](const ImageEntry& e) { return e.image_digest; }));
  file.write_strings("images/mask_digest", column(images, [](const ImageEntry& e) { return e.mask_digest; }));
  std::vector<int64_t> sizes, offsets = {0}, classes;
  std::vector<float> corners;
  std::vector<uint8_t> flags;
  for (const auto& image : images) {
    sizes.insert(sizes.end(), {image.size.height, image.size.width});
    for (const Box& b : image.boxes) {
      corners.insert(corners.end(), {b.x0, b.y0, b.x1, b.y1});
      classes.push_back(b.class_id);
      flags.push_back(static_cast<uint8_t>((b.is_difficult ? kDifficult : 0) | (b.is_crowd ? kCrowd : 0)));
    }
    offsets.push_back(static_cast<int64_t>(classes.size()));
  }
  file.write<int64_t>("images/height_width", sizes, {n, 2});
  file.write<int64_t>("boxes/offset", offsets);
  file.write<float>("boxes/x0y0x1y1", corners, {static_cast<int64_t>(classes.size()), 4});
  file.write<int64_t>("boxes/class", classes);
  file.write<uint8_t>("boxes/flags", flags);
  write_ids(file, images);
  write_sources(file, images);
}

void write_splits(H5Writer& file, const std::map<std::string, std::vector<int64_t>>& splits) {
  std::vector<std::string> names;
  std::vector<int64_t> offsets = {0}, indices;
  for (const auto& [name, members] : splits) {
    names.push_back(name);
    indices.insert(indices.end(), members.begin(), members.end());
    offsets.push_back(static_cast<int64_t>(indices.size()));
  }
  file.write_strings("splits/name", names);
  file.write<int64_t>("splits/offset", offsets);
  file.write<int64_t>("splits/image", indices);
}

// Refuses a file whose structure is damaged; `what` says how.
void require(bool holds, const H5Reader& file, const char* what) {
  if (!holds) fail_input("{}: damaged index: {}; make it again with prepare", file.path().string(), what);
}

std::vector<int64_t> read_offsets(const H5Reader& file, const std::string& name, size_t pieces, size_t total) {
  std::vector<int64_t> offsets = file.read<int64_t>(name);
  require(offsets.size() == pieces + 1 && offsets.front() == 0 && std::is_sorted(offsets.begin(), offsets.end()) &&
              offsets.back() == static_cast<int64_t>(total),
          file, name.c_str());
  return offsets;
}

void read_ids(const H5Reader& file, const std::vector<int64_t>& offsets, std::vector<ImageEntry>& images) {
  if (file.has("images/source_id")) {
    const auto ids = file.read_strings("images/source_id");
    require(ids.size() == images.size(), file, "images/source_id");
    for (size_t i = 0; i < ids.size(); ++i) images[i].source_id = ids[i];
  }
  if (!file.has("boxes/id")) return;
  const auto ids = file.read_strings("boxes/id");
  require(static_cast<int64_t>(ids.size()) == offsets.back(), file, "boxes/id");
  for (size_t i = 0; i < images.size(); ++i)
    images[i].box_ids = {ids.begin() + offsets[i], ids.begin() + offsets[i + 1]};
}

void read_sources(const H5Reader& file, std::vector<ImageEntry>& images) {
  if (!file.has("images/source_height_width")) return;
  const auto sizes = file.read<int64_t>("images/source_height_width");
  const auto paths = file.read_strings("images/source_path"), digests = file.read_strings("images/source_digest");
  require(sizes.size() == 2 * images.size(), file, "images/source_height_width");
  require(paths.size() == images.size() && digests.size() == images.size(), file, "images/source_path");
  for (size_t i = 0; i < images.size(); ++i) {
    images[i].source_size = {sizes[2 * i], sizes[2 * i + 1]};
    images[i].source_path = paths[i];
    images[i].source_digest = digests[i];
  }
}

std::vector<ImageEntry> read_images(const H5Reader& file) {
  const auto ids = file.read_strings("images/id"), paths = file.read_strings("images/path"),
             mask_paths = file.read_strings("images/mask_path"), digests = file.read_strings("images/digest"),
             mask_digests = file.read_strings("images/mask_digest");
  const auto sizes = file.read<int64_t>("images/height_width"), classes = file.read<int64_t>("boxes/class");
  const auto corners = file.read<float>("boxes/x0y0x1y1");
  const auto flags = file.read<uint8_t>("boxes/flags");
  const size_t n = ids.size();
  require(paths.size() == n && mask_paths.size() == n && digests.size() == n && mask_digests.size() == n &&
              sizes.size() == 2 * n,
          file, "images");
  require(corners.size() == 4 * classes.size() && flags.size() == classes.size(), file, "boxes");
  const auto offsets = read_offsets(file, "boxes/offset", n, classes.size());
  std::vector<ImageEntry> images(n);
  for (size_t i = 0; i < n; ++i) {
    ImageEntry& e = images[i];
    e = {ids[i], paths[i], {sizes[2 * i], sizes[2 * i + 1]}, {}, mask_paths[i], digests[i], mask_digests[i]};
    for (auto b = static_cast<size_t>(offsets[i]); b < static_cast<size_t>(offsets[i + 1]); ++b)
      e.boxes.push_back({corners[4 * b], corners[4 * b + 1], corners[4 * b + 2], corners[4 * b + 3], classes[b],
                         (flags[b] & kDifficult) != 0, (flags[b] & kCrowd) != 0});
  }
  read_ids(file, offsets, images);
  read_sources(file, images);
  return images;
}

std::map<std::string, std::vector<int64_t>> read_splits(const H5Reader& file) {
  const auto names = file.read_strings("splits/name");
  const auto members = file.read<int64_t>("splits/image");
  const auto offsets = read_offsets(file, "splits/offset", names.size(), members.size());
  std::map<std::string, std::vector<int64_t>> splits;
  for (size_t i = 0; i < names.size(); ++i)
    splits[names[i]] = std::vector<int64_t>(members.begin() + offsets[i], members.begin() + offsets[i + 1]);
  return splits;
}

void set_root(Dataset& dataset, const fs::path& path, const fs::path& data_root, bool needs_files) {
  if (!data_root.empty()) dataset.root = fs::absolute(data_root);
  std::error_code ignored;
  if (!needs_files || dataset.root.empty() || fs::is_directory(dataset.root, ignored)) return;
  if (!data_root.empty()) fail_usage("--data-root {}: no such folder", data_root.string());
  fail_input("{}: its files were in {}, which is no folder here; name the folder with --data-root", path.string(),
             dataset.root.string());
}

}  // namespace

int64_t Dataset::copies() const {
  return std::count_if(images.begin(), images.end(), [](const ImageEntry& e) { return e.is_copy(); });
}

bool Dataset::has_boxes(const std::string& name) const {
  const auto& members = split(name);
  return std::any_of(members.begin(), members.end(),
                     [&](int64_t i) { return !images[static_cast<size_t>(i)].boxes.empty(); });
}

void Dataset::require_boxes(const std::string& name) const {
  if (has_boxes(name)) return;
  fail_input(
      "no image of split '{}' has a box, so there is nothing to learn from: it was indexed with --without-boxes, or "
      "its annotations in {} hold no <bndbox> (exported as polygons only?); export them as boxes and run prepare again",
      name, (root / "Annotations").string());
}

const std::vector<int64_t>& Dataset::split(const std::string& name) const {
  const auto found = splits.find(name);
  if (found != splits.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [split_name, members] : splits) known.push_back(split_name);
  const std::string close = nearest(name, known);
  fail_usage("--split '{}': the dataset has {}{}", name, known.empty() ? "no splits" : join(known, ", "),
             close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
}

Digest Dataset::digest(const std::string& split_name, bool with_masks) const {
  Hasher hasher;
  hasher.number(classes());
  for (const auto& name : class_names) hasher.text(name);
  if (box_numbers == BoxNumbers::edges) hasher.text("edges");  // VOC's are what there was before there were others
  for (const int64_t i : split(split_name)) {
    const ImageEntry& e = images[static_cast<size_t>(i)];
    hasher.text(e.id).number(e.size.height).number(e.size.width).text(e.image_digest);
    if (with_masks) hasher.text(e.mask_digest);
    hasher.number(static_cast<int64_t>(e.boxes.size()));
    for (const Box& b : e.boxes) {
      const float corners[4] = {b.x0, b.y0, b.x1, b.y1};
      hasher.bytes(corners, sizeof corners)
          .number(b.class_id)
          .number((b.is_difficult ? kDifficult : 0) | (b.is_crowd ? kCrowd : 0));
    }
  }
  return hasher.digest();
}

void write_dataset(const fs::path& path, const Dataset& dataset) {
  check(dataset);
  H5Writer file(path);
  file.set_attribute_text("", "format", kFormat);
  file.set_attribute<int64_t>("", "schema", kSchema);
  file.set_attribute_text("", "version", kVersion);
  file.set_attribute_text("", "name", dataset.name);
  file.set_attribute_text("", "root", dataset.root.string());
  if (dataset.box_numbers == BoxNumbers::edges) file.set_attribute_text("", "box_numbers", kEdges);
  file.write_strings("classes/name", dataset.class_names);
  if (!dataset.class_ids.empty()) file.write_strings("classes/source_id", dataset.class_ids);
  std::vector<uint8_t> colours;
  for (const Color& c : dataset.palette) colours.insert(colours.end(), c.begin(), c.end());
  file.write<uint8_t>("classes/palette", colours, {static_cast<int64_t>(dataset.palette.size()), 3});
  write_images(file, dataset.images);
  write_splits(file, dataset.splits);
  std::vector<std::string> names, values;
  for (const auto& [name, value] : dataset.facts) names.push_back(name), values.push_back(value);
  file.write_strings("facts/name", names);
  file.write_strings("facts/value", values);
  file.set_attribute<int64_t>("", "complete", 1);
  file.close_and_commit();
}

Dataset read_dataset(const fs::path& path, const fs::path& data_root, bool needs_files) {
  const H5Reader file(path);
  if (!file.has_attribute("", "format") || file.attribute_text("", "format") != kFormat)
    fail_input("{}: is HDF5, but no dataset index; make one with prepare", path.string());
  if (const auto schema = file.attribute<int64_t>("", "schema"); schema != kSchema)
    fail_input("{}: index of layout {}, this program reads {}; make it again with prepare", path.string(), schema,
               kSchema);
  require(file.has_attribute("", "complete"), file, "its writer did not finish");
  Dataset d;
  d.name = file.attribute_text("", "name");
  d.root = file.attribute_text("", "root");
  if (file.has_attribute("", "box_numbers")) {
    require(file.attribute_text("", "box_numbers") == kEdges, file, "box_numbers");
    d.box_numbers = BoxNumbers::edges;
  }
  d.class_names = file.read_strings("classes/name");
  if (file.has("classes/source_id")) d.class_ids = file.read_strings("classes/source_id");
  const auto colours = file.read<uint8_t>("classes/palette");
  require(colours.size() % 3 == 0, file, "classes/palette");
  for (size_t i = 0; i + 2 < colours.size(); i += 3) d.palette.push_back({colours[i], colours[i + 1], colours[i + 2]});
  d.images = read_images(file);
  d.splits = read_splits(file);
  const auto names = file.read_strings("facts/name"), values = file.read_strings("facts/value");
  require(names.size() == values.size(), file, "facts");
  for (size_t i = 0; i < names.size(); ++i) d.facts[names[i]] = values[i];
  try {
    check(d);
  } catch (const Error& e) {
    fail_input("{}: {}; make it again with prepare", path.string(), e.what());
  }
  set_root(d, path, data_root, needs_files);
  return d;
}

fs::path output_name(const std::string& id) {
  for_each_part(id, [&](std::string_view part) {
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      fail_input(
          "image id '{}' cannot name an output file (it is empty, absolute, or has empty, '.' or '..' parts); rename "
          "it",
          id);
  });
  return id;
}

std::vector<int64_t> classes_of(const std::vector<Box>& boxes) {
  std::set<int64_t> classes;
  for (const Box& b : boxes) classes.insert(b.class_id);
  return {classes.begin(), classes.end()};
}

}  // namespace boxseg
