#include "common/data/smaller_copies.h"

#include "common/base/error.h"
#include "common/data/dataset.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

constexpr const char* kMark = "made-by-boxseg.txt";

}  // namespace

fs::path copy_name(const std::string& id) { return output_name(id) += ".png"; }

std::string encoded_copy(const RgbImage& image) { return encode_rgb_png(image, 1); }

void claim_folder_of_copies(const fs::path& copies, const fs::path& photos) {
  std::error_code ignored;
  const fs::path to = fs::weakly_canonical(copies, ignored), from = fs::weakly_canonical(photos, ignored);
  const fs::path inside = from.lexically_relative(to);
  if (!inside.empty() && *inside.begin() != "..")
    fail_usage("--copies {}: is or holds the folder of the photographs, {}; choose another", copies.string(),
               photos.string());
  const fs::path mark = copies / kMark;
  if (fs::exists(mark, ignored)) return;
  const fs::path below = to.lexically_relative(from);
  if (*below.begin() != ".." && is_folder(copies))
    if (const PhotoFolder found = find_photos(copies); !found.photos.empty())
      fail_usage("--copies {}: lies in the folder of the photographs and holds some itself, such as {}; choose another",
                 copies.string(), found.photos.begin()->first);
  write_file(mark,
             "Smaller copies of photographs, which the stages read; the command that made them makes them again.\n");
}

}  // namespace boxseg
