// Boxes in VOC's XML, one file an image, as labelImg, Roboflow, CVAT and many others write it for photographs of one's
// own. (The folder that VOC distributes is read by voc.h.)
#pragma once
#include <vector>

#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// One image for each file, sorted by name, also where it has no box. VOC's numbers are pixels, 1-based and inclusive:
// xmin 1 and xmax 40 become the edges 0 and 40. Classes are those that objects have, sorted.
//
// The name of an image is <filename>, which may be a path with folders, unless that names another photograph than the
// XML file does: then it is the XML file's own name without suffix, which is said in `doubts`. The size is 0x0 where
// <size> is missing or says so.
//
// In `bad_boxes`: objects without a name or <bndbox>, or of the background; numbers that are none; inverted boxes;
// boxes in shares of the image. In `doubts`: numbers below 1, which tell of a tool that counts from 0; objects with
// several <bndbox>; boxes that were drawn turned, of which the upright <bndbox> is taken. Of parts of objects, <part>,
// nothing is taken.
//
// Throws bad_input, with the file: it cannot be read, is no XML or no annotation, has a <size> that is none, or objects
// at places where no reader looks for them.
BoxAnnotations read_voc_boxes(const std::vector<fs::path>& files, int threads);

}  // namespace boxseg
