#include "eval/report/report_style.h"

#include <fmt/format.h>

#include "common/base/error.h"
#include "common/base/options.h"
#include "common/base/text.h"
#include "eval/report/html.h"

namespace boxseg {

// These are eval/report/page/page.html and style.css. Of the style's colours, greys stand for what needs no network,
// blues for pseudo labels, greens for networks, and eight hues for series.
extern const char* const kPage;
extern const char* const kStyle;

namespace {

constexpr const char* kEnd = "<!-- end of report -->";

}  // namespace

std::string html_document(const std::string& title, const std::string& body) {
  return fmt::format(fmt::runtime(kPage), fmt::arg("title", escaped(title)), fmt::arg("style", kStyle),
                     fmt::arg("body", body), fmt::arg("version", kVersion), fmt::arg("end", kEnd));
}

void check_html_document(const std::string& html, const std::string& name) {
  if (!html.starts_with("<!DOCTYPE html>") || html.find("boxseg report</title>") == std::string::npos)
    fail_input("{}: not a report of boxseg", name);
  if (!std::string(trim(html)).ends_with(kEnd)) fail_input("{}: cut short; make it again with report", name);
}

}  // namespace boxseg
