// Where the files of a VOC folder are: JPEGImages, Annotations, lists, masks.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/folder_names.h"
#include "common/data/formats/voc/voc_lists.h"
#include "common/data/photo_folder.h"

namespace boxseg {

inline constexpr const char* kVocImages = "JPEGImages";
inline constexpr const char* kVocAnnotations = "Annotations";

// False where it cannot be looked at.
bool is_file(const fs::path& path);

// Suffixes of masks: label PNGs, .mat of SBD.
const std::vector<std::string>& mask_suffixes();

struct VocLayout {
  fs::path root;
  fs::path masks;  // below the root, or any folder; "" for none
  FolderNames image_names, annotation_names, mask_names;
  VocLayout(const fs::path& root, const fs::path& masks);

  // Relative to the root, in the order of their suffixes; empty when there is none.
  std::vector<std::string> images_of(const std::string& id) const;
  std::string annotation_of(const std::string& id) const;  // "" when there is none
  std::string mask_of(const std::string& id) const;        // "" when there is none
};

// A list given by name: a file, or one below the root or its ImageSets/Segmentation, with or without ".txt". Throws
// bad_input that names the lists that are there.
fs::path find_list(const fs::path& root, const std::string& list, const std::vector<KnownList>& known);

// What --masks means: a folder below the root (then relative to it) or any other; "" is SegmentationClassAug, else
// SegmentationClass, else none; "none" is none. Throws bad_input when there is no such folder.
fs::path find_masks(const fs::path& root, const std::string& masks);

// Where the masks may be, for a folder in which no mask of the images was found: what it holds, and the folders of the
// root that have ID.png of an image.
std::string advice_on_masks(const VocLayout& layout, const std::vector<std::string>& ids);

}  // namespace boxseg
