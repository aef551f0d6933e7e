#include "common/data/formats/xml_file.h"

#include <algorithm>
#include <fstream>

#include "common/base/error.h"

namespace boxseg {
namespace {

// A text would end at a zero, which XML does not allow: "1&#0;0" would be 1.
void require_no_zero(std::string_view bytes, const fs::path& path) {
  constexpr std::string_view kReference = "&#";
  for (size_t at = 0; (at = bytes.find(kReference, at)) != std::string_view::npos;) {
    const size_t start = at;
    at += kReference.size();
    if (at < bytes.size() && bytes[at] == 'x') ++at;
    const size_t digits = at;
    while (at < bytes.size() && bytes[at] == '0') ++at;
    if (at > digits && at < bytes.size() && bytes[at] == ';')
      fail_input("{}: '{}' at byte {} stands for the character 0, which no XML holds; correct it", path.string(),
                 bytes.substr(start, at + 1 - start), start);
  }
}

}  // namespace

std::string fault_of_xml(std::string_view bytes, pugi::xml_document& document) {
  const auto parsed = document.load_buffer(bytes.data(), bytes.size());
  return parsed ? ""
                : fmt::format("is no well-formed XML: {} at byte {}; is the file whole?", parsed.description(),
                              parsed.offset);
}

void read_xml(const fs::path& path, pugi::xml_document& document) {
  const std::string bytes = read_file(path);
  require_no_zero(bytes, path);
  if (const std::string fault = fault_of_xml(bytes, document); !fault.empty())
    fail_input("{}: {}", path.string(), fault);
}

pugi::xml_node only_root(const pugi::xml_document& document, const char* name, const char* kind, const fs::path& path) {
  const pugi::xml_node root = document.child(name);
  if (!root) fail_input("{}: has no <{}>: no {}", path.string(), name, kind);
  for (const pugi::xml_node other : document.children())
    if (other.type() == pugi::node_element && other != root)
      fail_input("{}: <{}> follows or precedes <{}>: two documents in one file; keep one", path.string(), other.name(),
                 name);
  return root;
}

std::string name_of_root(const fs::path& path) {
  if (!special_kind(path).empty()) return "";
  std::string beginning(size_t{64} * 1024, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  beginning.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  // Where the beginning breaks off, the parser fails, and keeps what it has seen.
  pugi::xml_document document;
  document.load_buffer(beginning.data(), beginning.size());
  return document.document_element().name();
}

}  // namespace boxseg
