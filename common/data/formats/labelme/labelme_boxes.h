// Boxes in LabelMe's files, one JSON for each photograph, as AnyLabeling and others write them too.
#pragma once
#include <string_view>
#include <vector>

#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// An image for each file: `name` is its 'imagePath', as it stands there ("..\\photos\\a.jpg", from the file's folder),
// and `file` the JSON. Its boxes are those of its shapes (labelme_shape.h). Shapes of one label and one 'group_id' in a
// file are parts of one object, as LabelMe's own converters have it: one box around all of them, which is told.
// `class_names` are the labels, sorted. The photograph in 'imageData' is not looked at.
//
// In `bad_boxes`: shapes that give no box. In `doubts`: what was guessed, photographs that two files are about, and
// files of another name than their photographs, which may have been renamed.
//
// Throws bad_input with the file: it cannot be read, is no JSON, has no list 'shapes' or no 'imagePath'.
BoxAnnotations read_labelme_boxes(const std::vector<fs::path>& files, int threads);

// Whether a file is LabelMe's, by the names at its beginning (at most a million bytes): "shapes" and "imagePath"; where
// the file goes on, "shapes" or "imageData" do. False for what cannot be read.
bool is_labelme(const fs::path& file);
bool looks_like_labelme(std::string_view text, bool is_cut);  // is_cut: text is only the beginning of a file

}  // namespace boxseg
