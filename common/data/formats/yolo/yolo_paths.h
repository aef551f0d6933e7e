// Where YOLO's labels lie beside images, by Ultralytics' rule: the last folder "images" of the path is "labels" in that
// of the labels, and the suffix is .txt. Where there is no such folder, the labels lie beside the images.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/photo_folder.h"

namespace boxseg {

// All paths are absolute and normal (absolute_path()). ".../images/train/a.b.jpg" -> ".../labels/train/a.b.txt".
fs::path yolo_labels_of(const fs::path& image);
// The folder with the labels of a folder's images: itself where nothing in its path is called "images".
fs::path yolo_label_folder_of(const fs::path& folder);
// The image of a file of labels, without suffix: the inverse of yolo_labels_of().
fs::path yolo_image_of(const fs::path& labels);

// Without ".", "..", and a slash at the end; links stay as they are.
fs::path absolute_path(const fs::path& path);
bool is_there(const fs::path& path);  // false also where it cannot be told

// "data/images/train" -> "data/images/train", "images/train", "train": what may be left of a path that another machine
// had. Backslashes of Windows count as slashes, "C:" and a leading slash as nothing.
std::vector<fs::path> ends_of_path(const std::string& path);

// All files NAME.txt in the folder and in those below, sorted, but for lists of classes. Hidden ones are passed over,
// and links to folders, of which a sentence each goes to `doubts`. Throws bad_input where the folder cannot be read.
std::vector<fs::path> find_text_files(const fs::path& folder, std::vector<std::string>& doubts);

}  // namespace boxseg
