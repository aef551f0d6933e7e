// Makes the report: one HTML file that needs nothing else, about everything a run's folder holds.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "eval/report/gallery.h"
#include "eval/report/run_folder.h"

namespace boxseg {

// `against` is another run, whose numbers stand beside, with a section on where the two differ. The page goes into
// `page_folder`: in the folder of a run of own photographs it links to the masks and to the list of what to look at
// first. Such a page begins with the pictures.
std::string report_page(const RunFolder& run, const std::optional<RunFolder>& against, const GalleryOptions& gallery,
                        const std::filesystem::path& page_folder);

}  // namespace boxseg
