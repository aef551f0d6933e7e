// Reads what stands around the pixels of a photograph: the segments of a JPEG, the chunks of a PNG or WebP.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/io/orientation.h"

namespace boxseg {

bool is_jpeg(std::string_view file);
bool is_png(std::string_view file);

// Says what a file that no decoder here knows is by its first bytes, and what to do: "a HEIC photograph, which is not
// read; convert it ..."; "" if that is not known.
std::string kind_of_unread_file(std::string_view file);

// Returns how the pixels have to be turned once they are decoded: by the EXIF of a JPEG, PNG or WebP, and upright for
// all else. (OpenCV turns TIFFs itself while it decodes them.)
Orientation orientation_of_image(std::string_view file);
// True when the photograph is stored in another way than it is seen, whoever turns it.
bool is_stored_turned(std::string_view file);
// Returns how many photographs are in the file, of which the first is read: the pages of a TIFF; 1 for all else.
size_t pages_of_image(std::string_view file);

struct ImageHeader {
  ImageSize size;        // upright
  bool is_grey = false;  // one channel instead of three
};
// Returns what a JPEG says before its pixels, of which the first bytes of the file are enough. nullopt where
// `beginning` ends before that, and for all that is no JPEG.
std::optional<ImageHeader> header_of_jpeg(std::string_view beginning);

// Returns what is wrong with a JPEG or PNG, or "" when it runs to its end marker, and for all other files. Pixels are
// not looked at.
std::string fault_of_image(std::string_view file);

}  // namespace boxseg
