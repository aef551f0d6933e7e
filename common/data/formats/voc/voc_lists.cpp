#include "common/data/formats/voc/voc_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr const char* kVoc = "VOC 2012's trainval archive (host.robots.ox.ac.uk/pascal/VOC/voc2012) has it";
constexpr const char* kVocTest =
    "the test images and their list come in an archive of their own, from VOC's evaluation server "
    "(host.robots.ox.ac.uk:8080); there are no masks of them";
constexpr const char* kTrainaug =
    "VOC's own archive has train, val and trainval only; trainaug adds the images of SBD (Hariharan et al., \"Semantic "
    "Contours from Inverse Detectors\", home.bharathh.info/pubs/codes/SBD). The list and SegmentationClassAug, the "
    "10,582 masks as PNGs, are among the data that the instructions of cvlab-yonsei/BANA and of DeepLab name; SBD's "
    "own cls/ID.mat serve too (--masks)";

const KnownList* find(const std::vector<KnownList>& known, const std::string& name) {
  for (const auto& list : known)
    if (std::find(list.names.begin(), list.names.end(), name) != list.names.end()) return &list;
  return nullptr;
}

// By the list's name, else by the split's.
const KnownList* known_as(const ListedSplit& split, const std::vector<KnownList>& known) {
  const KnownList* by_list = find(known, split.list.stem().string());
  return by_list != nullptr ? by_list : find(known, split.name);
}

// "val" is a part of "trainval", "train" one of "train_aug", "minival" one of "val", everything one of "all". Not
// "fold1" of "fold10".
bool is_named_as_part(const std::string& part, const std::string& whole) {
  const auto letters = [](std::string name) {
    std::erase_if(name, [](char c) { return c == '_' || c == '-' || c == ' ' || c == '.'; });
    return lower_case(name);
  };
  const std::string p = letters(part), w = letters(whole);
  if (w == "all" || p == w) return true;
  if (p.starts_with("train") && w.starts_with("train")) return true;  // of two training splits none is measured
  if (w.starts_with("trainval")) return p == "val" || p == "minival";
  const std::vector<std::string> smaller = {"mini", "small", "tiny", "debug", "sub", "subset"};
  return std::any_of(smaller.begin(), smaller.end(), [&](const auto& word) { return p == word + w || p == w + word; });
}

}  // namespace

const std::vector<KnownList>& voc_lists() {
  static const std::vector<KnownList> lists = {
      {{"train"}, 1464, kVoc},
      {{"val"}, 1449, kVoc},
      {{"trainval"}, 2913, kVoc},
      {{"test"}, 1456, kVocTest},
      {{"trainaug", "train_aug", "train-aug", "train_aug_id", "trainaug_id"}, 10582, kTrainaug},
  };
  return lists;
}

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string wrong_length(const ListedSplit& split, const std::vector<KnownList>& known) {
  const KnownList* expected = known_as(split, known);
  if (expected == nullptr || split.images == expected->images) return "";
  const auto same = std::find_if(known.begin(), known.end(), [&](const auto& l) { return l.images == split.images; });
  if (same != known.end() && find(known, split.list.stem().string()) == nullptr) return "";
  return fmt::format("{}: names {} images, VOC 2012's {} has {}{}. Right for a part of it; otherwise: {}",
                     split.list.string(), with_commas(split.images), expected->names[0], with_commas(expected->images),
                     same == known.end() ? "" : fmt::format(" (so many has {})", same->names[0]), expected->source);
}

std::string missing_masks(const ListedSplit& split, const std::string& mask_folder,
                          const std::vector<KnownList>& known) {
  const auto missing = static_cast<int64_t>(split.without_mask.size());
  if (missing == 0 || missing == split.images) return "";
  constexpr size_t kShown = 3;
  const std::vector<std::string> first(split.without_mask.begin(),
                                       split.without_mask.begin() + std::min<int64_t>(missing, kShown));
  const KnownList* list = known_as(split, known);
  const bool is_augmented = list != nullptr && list->names[0] == "trainaug";
  const std::string advice =
      is_augmented ? "; " + list->source : "; they are not measured, and true_masks refuses them";
  return fmt::format("split {}: {} of {} images have no mask in {}: {}{}{}", split.name, with_commas(missing),
                     with_commas(split.images), mask_folder, join(first, ", "),
                     missing > static_cast<int64_t>(kShown) ? ", ..." : "", advice);
}

std::vector<std::string> shared_images(const Dataset& dataset) {
  std::vector<std::string> sentences;
  const auto id_of = [&](int64_t i) { return dataset.images[static_cast<size_t>(i)].id; };
  for (auto a = dataset.splits.begin(); a != dataset.splits.end(); ++a) {
    std::map<Digest, int64_t> members;  // by content: a copy under another name is the same photograph
    for (const int64_t i : a->second) members.emplace(dataset.images[static_cast<size_t>(i)].image_digest, i);
    const auto member_of = [&](int64_t i) {
      const auto found = members.find(dataset.images[static_cast<size_t>(i)].image_digest);
      return found == members.end() ? -1 : found->second;
    };
    for (auto b = std::next(a); b != dataset.splits.end(); ++b) {
      if (is_named_as_part(a->first, b->first) || is_named_as_part(b->first, a->first)) continue;
      std::vector<int64_t> shared;
      std::copy_if(b->second.begin(), b->second.end(), std::back_inserter(shared),
                   [&](int64_t i) { return member_of(i) >= 0; });
      if (shared.empty()) continue;
      sentences.push_back(fmt::format(
          "{} image{} in {} and in {}, the first is '{}'{}: measured on images that were trained on, results "
          "are too good",
          with_commas(static_cast<int64_t>(shared.size())), shared.size() == 1 ? " is" : "s are", a->first, b->first,
          id_of(shared[0]),
          member_of(shared[0]) == shared[0]
              ? ""
              : fmt::format(", there as '{}' of the same bytes", id_of(member_of(shared[0])))));
    }
  }
  return sentences;
}

std::string advice_on_missing_list(const std::string& list, const fs::path& folder,
                                   const std::vector<KnownList>& known) {
  std::vector<std::string> there;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".txt") there.push_back(entry.path().stem().string());
  std::sort(there.begin(), there.end());
  std::string advice = there.empty() ? "" : fmt::format("; there are {}", join(there, ", "));
  const KnownList* wanted = find(known, fs::path(list).stem().string());
  if (wanted == nullptr) return advice + "; see --split in --help";
  for (const auto& name : there)  // the same list under another name
    if (find(known, name) == wanted) return advice + fmt::format("; {} is the same list: name that", name);
  return advice + "; " + wanted->source;
}

}  // namespace boxseg
