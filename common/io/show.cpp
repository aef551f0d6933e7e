#include "common/io/show.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "common/base/error.h"
#include "common/io/hdf5.h"

namespace boxseg {
namespace {

constexpr size_t kFirstValues = 8, kFirstChildren = 24;

std::string one_line(const std::string& text) {
  constexpr size_t kLongest = 200;
  std::string line = text.substr(0, kLongest);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return text.size() > kLongest ? line + "..." : line;
}

template <class T>
std::string first_values(const std::vector<T>& values, size_t most = kFirstValues) {
  std::string text;
  for (size_t i = 0; i < std::min(most, values.size()); ++i) {
    if (i > 0) text += ", ";
    if constexpr (std::is_same_v<T, std::string>)
      text += one_line(values[i]);
    else if constexpr (std::is_floating_point_v<T>)
      text += fmt::format("{:.7g}", values[i]);
    else
      text += fmt::format("{}", values[i]);
  }
  return values.size() > most ? text + ", ..." : text;
}

// Reads values of the type that is named: `read` is called with a value of that type.
template <class Read, class ReadText>
std::string values_of(const std::string& type, const Read& read, const ReadText& read_text) {
  if (type == "string") return read_text();
  if (type.starts_with("float")) return read(double{});
  if (type == "uint64") return read(uint64_t{});
  if (type.starts_with("int") || type.starts_with("uint") || type == "bool" || type == "enum") return read(int64_t{});
  return "(not shown)";
}

std::string range_of(const std::vector<double>& values) {
  if (values.size() <= kFirstValues) return "";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("  (from {:.7g} to {:.7g})", *low, *high);
}

class Listing {
 public:
  explicit Listing(const H5Reader& file) : file_(file) {}

  void attributes(const std::string& object, int depth) {
    for (const auto& name : file_.attribute_names(object)) {
      const std::string type = file_.attribute_type(object, name);
      const std::string value = values_of(
          type, [&](auto t) { return first_values(file_.attribute_list<decltype(t)>(object, name)); },
          [&] { return first_values(file_.attribute_texts(object, name)); });
      line(depth, fmt::format("{} = {}", name, value));
    }
  }

  void group(const std::string& object, int depth) {
    const std::vector<std::string> names = file_.children(object);
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string child = object.empty() ? names[i] : object + "/" + names[i];
      if (i == kFirstChildren && names.size() > kFirstChildren + 1) {
        line(depth, fmt::format("... and {} more", names.size() - i));
        return;
      }
      if (file_.is_group(child)) {
        line(depth, names[i] + "/");
        attributes(child, depth + 1);
        group(child, depth + 1);
      } else {
        line(depth, dataset(child, names[i]));
        attributes(child, depth + 1);
      }
    }
  }

  std::string text;

 private:
  void line(int depth, const std::string& content) {
    text += std::string(static_cast<size_t>(2 * depth), ' ') + content + "\n";
  }

  std::string dataset(const std::string& object, const std::string& name) {
    const std::string type = file_.type_name(object);
    const std::string values = values_of(
        type,
        [&](auto t) {
          const auto all = file_.read<decltype(t)>(object);
          return first_values(all) + range_of({all.begin(), all.end()});
        },
        [&] { return first_values(file_.read_strings(object)); });
    return fmt::format("{} {} [{}]: {}", name, type, fmt::join(file_.shape(object), ","), values);
  }

  const H5Reader& file_;
};

}  // namespace

std::string show_artifact(const std::filesystem::path& path) {
  const H5Reader file(path);
  Listing listing(file);
  listing.text = path.string() + "\n";
  listing.attributes("", 1);
  listing.group("", 1);
  return std::move(listing.text);
}

}  // namespace boxseg
