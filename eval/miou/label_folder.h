// Reads a folder of label PNGs, FOLDER/ID.png per image: pseudo labels, predictions, or anybody's masks.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/data/dataset.h"
#include "common/data/label_colours.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"

namespace boxseg {

// With a manifest (in the folder, or in its parent when it lists files of this folder) every map that is read is held
// against the digest there. Without one the files are taken as they are.
class LabelFolder {
 public:
  explicit LabelFolder(std::filesystem::path folder);  // throws bad_input when there is no such folder

  const std::filesystem::path& path() const { return folder_; }
  const std::optional<Manifest>& manifest() const { return manifest_; }
  std::filesystem::path file_of(const ImageEntry& image) const;
  bool has(const ImageEntry& image) const;
  // Throws bad_input where the map is missing, damaged, of another size than the image, or not what the manifest says.
  // `colours` looks at the palettes of files that no manifest lists: a manifest's are ours.
  LabelMap read(const ImageEntry& image, RenumberedFiles* colours = nullptr) const;
  // Throws bad_input with the number of images without a file, the first of them, what the folder holds instead, and
  // `remedy`.
  void require(const Dataset& dataset, const std::vector<int64_t>& images,
               const std::string& remedy = "Finish the stage that writes the folder, or name another split") const;

 private:
  std::filesystem::path folder_;
  std::optional<Manifest> manifest_;
  std::map<std::string, Digest> digests_;  // by path relative to the folder
};

LabelMap read_truth(const Dataset& dataset, const ImageEntry& image);  // throws bad_input, also for another size

}  // namespace boxseg
