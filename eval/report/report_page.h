// Makes the report: one HTML file that needs nothing else, about everything a run's folder holds.
#pragma once
#include <optional>
#include <string>

#include "eval/report/gallery.h"
#include "eval/report/run_folder.h"

namespace boxseg {

// `against` is another run, whose numbers stand beside, with a section on where the two differ.
std::string report_page(const RunFolder& run, const std::optional<RunFolder>& against, const GalleryOptions& gallery);

}  // namespace boxseg
