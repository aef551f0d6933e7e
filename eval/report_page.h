// The report: one HTML file that needs nothing else, about everything a run's folder holds.
#pragma once
#include <optional>
#include <string>

#include "eval/gallery.h"
#include "eval/run_folder.h"

namespace boxseg {

// `against`: another run whose numbers stand beside.
std::string report_page(const RunFolder& run, const std::optional<RunFolder>& against, const GalleryOptions& gallery);

extern const char* const kReportStyle;  // CSS

// Throws bad_input unless `html` is a page made by report_page() and whole.
void check_report(const std::string& html, const std::string& name);

}  // namespace boxseg
