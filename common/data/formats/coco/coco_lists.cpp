#include "common/data/formats/coco/coco_lists.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/text.h"
#include "common/data/formats/no_class.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

// Where there is no such text, "".
std::string text_in(const CocoEntry& entry, std::string_view field) {
  dom::element found;
  std::string_view text;
  return entry.find(field, found) && !found.get_string().get(text) ? std::string(text) : "";
}

std::string required_text(const CocoEntry& entry, std::string_view field, const char* remedy) {
  const dom::element found = entry.get(field);
  std::string_view text;
  if (found.get_string().get(text) || trim(text).empty())
    entry.refuse(fmt::format("has {} as '{}', expected a text; {}", shown(found), field, remedy));
  return std::string(text);
}

std::string place_of(const fs::path& file, const char* list, size_t i) {
  return fmt::format("{}: {}[{}]", file.string(), list, i);
}

// 0 where there is none, as in files whose writer did not look at the photographs.
ImageSize size_in(const CocoEntry& image, EntryDoubts& doubts) {
  const auto side = [&](const char* field) -> int64_t {
    dom::element found;
    int64_t pixels = 0;
    if (!image.find(field, found) || found.is_null()) return 0;
    if (whole_number(found, pixels) && pixels >= 0 && pixels <= 1'000'000) return pixels;
    if (!whole_number(found, pixels) || pixels != -1)
      doubts.add(
          "size", image.place().index,
          fmt::format("{} has {} as '{}', expected pixels; its size is taken from the photograph",
                      place_of(image.place().file, image.place().list, image.place().index), shown(found), field));
    return 0;
  };
  const ImageSize size{side("height"), side("width")};
  return size.height > 0 && size.width > 0 ? size : ImageSize{};
}

struct Category {
  CocoId id;
  std::string name, supercategory;
  size_t place = 0;  // in the file
};

// By rising id, without those that stand twice with one name.
std::vector<Category> sorted_categories(const std::vector<std::string_view>& list, const fs::path& file,
                                        EntryDoubts& doubts) {
  std::vector<Category> categories(list.size());
  for_each_entry(list, file, "categories", 1, [&](size_t i, const CocoEntry& entry) {
    categories[i] = {id_in(entry, "id"), required_text(entry, "name", "write the name of the class there"),
                     text_in(entry, "supercategory"), i};
    categories[i].name = trim(categories[i].name);
  });
  std::stable_sort(categories.begin(), categories.end(),
                   [](const Category& a, const Category& b) { return a.id < b.id; });
  const auto is_again = [&](const Category& a, const Category& b) {
    if (a.id != b.id || a.name != b.name) return false;
    doubts.add("category twice", b.place, place_of(file, "categories", b.place) + " stands twice; it is taken once");
    return true;
  };
  categories.erase(std::unique(categories.begin(), categories.end(), is_again), categories.end());
  return categories;
}

void require_own_ids(const std::vector<Category>& sorted, const fs::path& file) {
  for (size_t i = 1; i < sorted.size(); ++i) {
    const Category &a = sorted[i - 1], &b = sorted[i];
    const CocoPlace place{file, "categories", b.place};
    if (a.id.is_text != b.id.is_text)
      place.refuse(fmt::format("has the id {}, and categories[{}] has {}; use either numbers or texts", shown(b.id),
                               a.place, shown(a.id)));
    if (a.id == b.id)
      place.refuse(
          fmt::format("has the id {} of categories[{}] and the name '{}', there '{}'; give each an id of its own",
                      shown(b.id), a.place, b.name, a.name));
  }
}

// The class of a category; its name is put at the end of the names where it is new.
int64_t class_of(const Category& category, const fs::path& file, std::vector<std::string>& names, EntryDoubts& doubts) {
  const std::string place = place_of(file, "categories", category.place);
  if (is_no_class(category.name)) {
    doubts.add("background", category.place,
               fmt::format("{} is named '{}': it is no class, and its annotations are left out", place, category.name));
    return -1;
  }
  const auto found = std::find(names.begin(), names.end(), category.name);
  const int64_t number = found - names.begin();
  if (found == names.end())
    names.push_back(category.name);
  else
    doubts.add(
        "name twice", category.place,
        fmt::format("{} has the name '{}' of a category before it; both are taken as one class", place, category.name));
  return number;
}

}  // namespace

CocoImages read_coco_images(const CutFile& cut, const fs::path& file, int threads, EntryDoubts& doubts) {
  const auto& list = cut.list("images", file);
  if (list.empty()) fail_input("{}: 'images' is an empty list; is the file whole?", file.string());
  std::vector<CocoId> ids(list.size());
  std::vector<AnnotatedImage> entries(list.size());
  for_each_entry(list, file, "images", threads, [&](size_t i, const CocoEntry& image) {
    ids[i] = id_in(image, "id");
    entries[i].id = plain(ids[i]);
    entries[i].name = required_text(image, "file_name", "write the photograph's name there");
    entries[i].size = size_in(image, doubts);
    entries[i].file = file;
  });
  CocoImages result;
  result.entry_of = CocoIdIndex(ids);
  std::unordered_map<std::string, int64_t> place_of_name;
  for (size_t i = 0; i < entries.size(); ++i) {
    AnnotatedImage& entry = entries[i];
    const auto first = static_cast<size_t>(result.entry_of(ids[i]));  // of those with this id
    const auto [at, is_new] = place_of_name.emplace(entry.name, static_cast<int64_t>(result.images.size()));
    result.image_of.push_back(at->second);
    if (first != i && result.image_of[first] != at->second)
      CocoPlace{file, "images", i}.refuse(
          fmt::format("has the id {} of images[{}], and another 'file_name'; give each image an id of its own",
                      shown(ids[i]), first));
    if (is_new) {
      result.images.push_back(std::move(entry));
      continue;
    }
    AnnotatedImage& image = result.images[static_cast<size_t>(at->second)];
    doubts.add("image twice", i,
               fmt::format("{} has the 'file_name' '{}' of an image before it; they are taken as one, with all boxes",
                           place_of(file, "images", i), entry.name));
    if (entry.size == image.size) continue;
    doubts.add("two sizes", i,
               fmt::format("{} has another size than the image of the same 'file_name' before it; the "
                           "size is taken from the photograph",
                           place_of(file, "images", i)));
    image.size = {};
  }
  return result;
}

CocoCategories read_coco_categories(const CutFile& cut, const fs::path& file, EntryDoubts& doubts) {
  const auto& list = cut.list("categories", file);
  if (list.empty()) fail_input("{}: 'categories' is an empty list, and boxes need classes; add them", file.string());
  const std::vector<Category> categories = sorted_categories(list, file, doubts);
  require_own_ids(categories, file);
  CocoCategories result;
  std::vector<CocoId> ids;
  for (const Category& category : categories) {
    ids.push_back(category.id);
    result.class_of.push_back(class_of(category, file, result.class_names, doubts));
    if (result.class_ids.size() < result.class_names.size()) result.class_ids.push_back(plain(category.id));
    result.supercategory_of.push_back(category.supercategory);
  }
  if (result.class_names.empty()) fail_input("{}: 'categories' has the background alone; add classes", file.string());
  result.category_of = CocoIdIndex(ids);
  return result;
}

}  // namespace boxseg
