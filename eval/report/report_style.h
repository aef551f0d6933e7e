// Makes the frame of the report's HTML files: one style, nothing fetched.
#pragma once
#include <string>

namespace boxseg {

// `title` is text, `body` is HTML.
std::string html_document(const std::string& title, const std::string& body);

// Throws bad_input unless `html` was made by html_document() and is whole.
void check_html_document(const std::string& html, const std::string& name);

}  // namespace boxseg
