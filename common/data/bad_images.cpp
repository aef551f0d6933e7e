#include "common/data/bad_images.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"

namespace boxseg {

void refuse_or_skip(const std::vector<std::string>& messages, size_t images, bool skips_bad_images) {
  constexpr size_t kMostShown = 10;
  if (messages.empty()) return;
  const bool is_end = !skips_bad_images || messages.size() == images;
  for (size_t i = is_end ? 1 : 0; i < std::min(kMostShown, messages.size()); ++i) log_warning("{}", messages[i]);
  if (messages.size() > kMostShown) log_warning("... and {} more", messages.size() - kMostShown);
  if (!is_end) return;
  fail_input("{}{}", messages[0],
             messages.size() == 1 ? ""
                                  : fmt::format(" ({} of {} images are bad; --on-bad-image skip leaves them out)",
                                                messages.size(), images));
}

}  // namespace boxseg
