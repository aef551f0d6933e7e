// The index of a dataset is all that a stage knows of it. `prepare` writes it, as one HDF5 file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/io/image.h"
#include "common/io/label_png.h"

namespace boxseg {

// Tells what the corners of a dataset's boxes count.
enum class BoxNumbers {
  voc,   // pixels from 1 on, both ends inside the box, as VOC's annotations have them: equal ones are one pixel
  edges  // edges of pixels from 0 on: (0, 0, W, H) is the whole image
};

// Corners in Dataset::box_numbers, float32 as the authors read them.
struct Box {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int64_t class_id = 0;  // 1 .. K-1
  bool is_difficult = false, is_crowd = false;
};

struct ImageEntry {
  std::string id;    // output names derive from it; may hold blanks and "/"
  std::string path;  // relative to the root
  ImageSize size;
  std::vector<Box> boxes;
  std::string mask_path;  // relative to the root; "" = no ground truth
  Digest image_digest;    // digest of the file's bytes
  Digest mask_digest;     // of the file's bytes, "" without mask
  // What the annotations call this image and its boxes: of each box, or empty where their format has no ids. Exports
  // carry them on; no stage depends on them.
  std::string source_id = {};
  std::vector<std::string> box_ids = {};
  // Where this image is a smaller copy, that of the photograph: its upright size, its path relative to the root, and
  // the digest of its bytes; else 0 x 0, and "". No stage depends on them; exports scale masks back, and name it.
  ImageSize source_size = {};
  std::string source_path = {};
  Digest source_digest = {};

  bool is_copy() const { return source_size != ImageSize{}; }
  ImageSize photo_size() const { return is_copy() ? source_size : size; }
  const std::string& photo_path() const { return source_path.empty() ? path : source_path; }
};

struct Dataset {
  std::string name;                      // "voc", "synthetic", ...
  std::filesystem::path root;            // absolute; `--data-root` overrides it
  std::vector<std::string> class_names;  // [K], class 0 is "background"
  Palette palette;                       // [K] or more
  std::vector<std::string> class_ids;    // [K-1], what the annotations call the classes, or empty: COCO's category ids
  BoxNumbers box_numbers = BoxNumbers::voc;
  std::vector<ImageEntry> images;
  std::map<std::string, std::vector<int64_t>> splits;  // name -> indices into images, in list order
  std::map<std::string, std::string> facts;            // provenance and counts, for people; see `prepare show`

  int64_t classes() const { return static_cast<int64_t>(class_names.size()); }
  int64_t copies() const;                                            // images that are smaller copies
  const std::vector<int64_t>& split(const std::string& name) const;  // throws usage: lists the known splits
  bool has_boxes(const std::string& split) const;                    // whether any image of the split has one
  void require_boxes(const std::string& split) const;                // throws bad_input where none has
  std::filesystem::path image_path(const ImageEntry& entry) const { return root / entry.path; }
  std::filesystem::path photo_path(const ImageEntry& entry) const { return root / entry.photo_path(); }
  std::filesystem::path mask_path(const ImageEntry& entry) const { return root / entry.mask_path; }
  // Digests class names, what box numbers mean, and per image of the split: id, size, boxes, image digest; with masks
  // also their digests. This is what stages record as their input; it does not depend on root.
  Digest digest(const std::string& split, bool with_masks) const;
};

// Writes atomically. Throws bad_input, naming images, for what would hurt later: ids that leave the output folder or
// share an output name, classes outside 1..K-1, empty images, inverted boxes, splits that name no image.
void write_dataset(const std::filesystem::path& path, const Dataset& dataset);

// Throws bad_input for an index that is damaged, of another program or of a newer layout. `data_root` replaces the
// stored root; the root in force must be a folder (throws usage for data_root, else bad_input) unless it is empty or
// `needs_files` is false.
Dataset read_dataset(const std::filesystem::path& path, const std::filesystem::path& data_root = {},
                     bool needs_files = true);

// Returns the path of an image's outputs below a folder, without suffix: "a/b c" -> "a/b c". Ids that leave the folder,
// and two ids that would share a name, are refused by write_dataset (bad_input).
std::filesystem::path output_name(const std::string& id);

// Returns the classes that the boxes have, ascending, without background.
std::vector<int64_t> classes_of(const std::vector<Box>& boxes);

}  // namespace boxseg
