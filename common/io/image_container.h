// What stands around the pixels of a photograph: the segments of a JPEG, the chunks of a PNG or WebP.
#pragma once
#include <string>
#include <string_view>

#include "common/io/orientation.h"

namespace boxseg {

bool is_jpeg(std::string_view file);
bool is_png(std::string_view file);

// "a HEIC photograph, which is not read; convert it ...": what a file that no decoder here knows is by its first bytes,
// and what to do; "" if not known.
std::string kind_of_unread_file(std::string_view file);

// How its pixels have to be turned once they are decoded: of a JPEG, PNG or WebP, by its EXIF; upright for all else.
// (OpenCV turns TIFFs itself while it decodes them.)
Orientation orientation_of_image(std::string_view file);
// Whether the photograph is stored in another way than it is seen, whoever turns it.
bool is_stored_turned(std::string_view file);
// Photographs in one file, of which the first is read: the pages of a TIFF; 1 for all else.
size_t pages_of_image(std::string_view file);

// "" when the file is no JPEG or PNG, or runs to its end marker; else what is wrong with it. Pixels are not looked at.
std::string fault_of_image(std::string_view file);

}  // namespace boxseg
