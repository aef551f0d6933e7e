// Boxes and polygons as YOLO's programs read and write them: a text file of labels for each image.
#pragma once
#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// Reads either a data.yaml, with the images and splits that it names (yolo_images.h tells how they are found), or a
// folder. A folder that holds a data.yaml with splits is read as this. Else it is a folder of labels, NAME.txt, and of
// folders of them; the names of classes are of data.yaml, another YAML, classes.txt, obj.names or names.txt in it, or
// in one of the two folders above it, and where there is none they are "class 0", "class 1", ...
//
// Boxes and rings are in shares of the image (is_in_shares), and not clipped to it. Names of images are without suffix:
// relative to the folder of labels ("train/a"), or with data.yaml to its folder or its "path" ("images/train/a").
// Images are those that have a file of labels, be it empty; `splits` has the others, too. An image's `file` is its
// labels'.
//
// Throws bad_input: the path is neither; data.yaml or the list of classes cannot be read; there are no labels. A line
// that is no label is a bad box. Guesses are in `doubts`: invented class names, where the names are from, a sixth
// number (a confidence), boxes beyond the image, paths that had to be looked for.
BoxAnnotations read_yolo_boxes(const fs::path& labels_or_data_yaml);

// Whether a path is a data.yaml, or a folder in which a file of labels or such a YAML is. Of files it reads the first
// labels only.
bool is_yolo(const fs::path& path);

}  // namespace boxseg
