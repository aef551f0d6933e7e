#include "stage2_pseudolabel/class_names.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

// Makes names comparable: "Dining table" -> "diningtable". Letters beyond ASCII stay as they are.
std::string spelling(const std::string& name) {
  std::string word;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) || (c & 0x80))
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

// COCO's words become VOC's.
std::string common_word(const std::string& name) {
  static const std::map<std::string, std::string> kSynonyms = {
      {"airplane", "aeroplane"}, {"motorcycle", "motorbike"}, {"couch", "sofa"}, {"tv", "tvmonitor"}};
  const std::string word = spelling(name);
  const auto found = kSynonyms.find(word);
  return found == kSynonyms.end() ? word : found->second;
}

std::string as_it_is(const std::string& name) { return name; }

// Finds names of one side, first by the name itself, then more and more freely.
class Names {
 public:
  explicit Names(const std::vector<std::string>& names) : names_(names) {
    for (size_t i = 0; i < names.size(); ++i)
      for (size_t f = 0; f < std::size(kForms); ++f) places_[f].emplace(kForms[f](names[i]), static_cast<int64_t>(i));
  }
  // `forms`: how many of the three ways to compare are tried. Returns -1 for what is not there.
  int64_t find(const std::string& name, size_t forms) const {
    for (size_t f = 0; f < forms; ++f) {
      const std::string form = kForms[f](name);
      if (const auto found = places_[f].find(form); found != places_[f].end() && !form.empty()) return found->second;
    }
    return -1;
  }
  const std::string& operator[](int64_t i) const { return names_[static_cast<size_t>(i)]; }
  // "; did you mean 'cat'? It has aeroplane, bicycle, ..."
  std::string known(const std::string& name) const {
    constexpr size_t kShown = 25;
    const std::string close = nearest(name, names_);
    std::vector<std::string> shown(names_.begin(),
                                   names_.begin() + static_cast<int64_t>(std::min(kShown, names_.size())));
    if (shown.size() < names_.size()) shown.push_back(fmt::format("and {} more", names_.size() - shown.size()));
    return fmt::format("{} It has {}", close.empty() ? "." : fmt::format("; did you mean '{}'?", close),
                       join(shown, ", "));
  }

 private:
  static constexpr std::string (*kForms[])(const std::string&) = {as_it_is, spelling, common_word};
  const std::vector<std::string>& names_;
  std::map<std::string, int64_t> places_[std::size(kForms)];
};

constexpr size_t kNameAndSpelling = 2, kAllForms = 3;

// A pair of --class-map.
struct Pair {
  std::string text, classifier, dataset;
};

[[noreturn]] void refuse(const Pair& pair, const std::string& what) {
  fail_usage("--class-map '{}': {}", pair.text, what);
}

std::vector<Pair> parse_class_map(const std::string& text) {
  std::vector<Pair> pairs;
  if (trim(text).empty()) return pairs;
  Pair pair;
  std::string name;
  size_t equals = 0;
  const auto end_pair = [&] {
    pair.dataset = trim(name);
    pair.text = trim(pair.text);
    if (equals != 1 || pair.classifier.empty() || pair.dataset.empty())
      refuse(pair,
             "expected CLASSIFIER=DATASET, a class of the classifier and the one of the dataset that it stands for; a "
             "comma, an equals sign or a backslash in a name has a backslash before it");
    pairs.push_back(std::exchange(pair, {}));
    name.clear();
    equals = 0;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      end_pair();
      continue;
    }
    pair.text += text[i];
    if (text[i] == '=') {
      ++equals;
      pair.classifier = trim(name);
      name.clear();
    } else if (text[i] == '\\' && i + 1 < text.size() &&
               std::string_view(",=\\").find(text[i + 1]) != std::string::npos) {
      pair.text += text[++i];
      name += text[i];
    } else {
      name += text[i];
    }
  }
  end_pair();
  return pairs;
}

void apply(const Pair& pair, const Names& classifier, const Names& dataset, std::map<int64_t, int64_t>& row_of_class) {
  const int64_t row = classifier.find(pair.classifier, kNameAndSpelling),
                class_id = dataset.find(pair.dataset, kNameAndSpelling);
  if ((row < 0 || class_id < 0) && classifier.find(pair.dataset, kNameAndSpelling) >= 0 &&
      dataset.find(pair.classifier, kNameAndSpelling) >= 0)
    refuse(pair, fmt::format("'{}' is a class of the dataset and '{}' one of the classifier, whose name stands first: "
                             "write them the other way round",
                             pair.classifier, pair.dataset));
  if (row < 0)
    refuse(pair, fmt::format("the classifier, whose name stands first, has no class '{}'{}", pair.classifier,
                             classifier.known(pair.classifier)));
  if (class_id < 0)
    refuse(pair, fmt::format("the dataset, whose name stands second, has no class '{}'{}", pair.dataset,
                             dataset.known(pair.dataset)));
  if ((row == 0) != (class_id == 0)) refuse(pair, "the background stands for no object, and no object for it");
  const auto [place, is_new] = row_of_class.emplace(class_id, row);
  if (!is_new && place->second != row)
    refuse(pair, fmt::format("'{}' is '{}' already, and can be one class of the classifier alone", pair.dataset,
                             classifier[place->second]));
}

}  // namespace

ClassMatches match_class_names(const std::vector<std::string>& classifier, const std::vector<std::string>& dataset,
                               const std::string& class_map) {
  const Names rows(classifier), classes(dataset);
  std::map<int64_t, int64_t> mapped;
  for (const Pair& pair : parse_class_map(class_map)) apply(pair, rows, classes, mapped);
  ClassMatches matches;
  for (size_t c = 0; c < dataset.size(); ++c) {
    const auto said = mapped.find(static_cast<int64_t>(c));
    const int64_t row = said != mapped.end() ? said->second : rows.find(dataset[c], kAllForms);
    matches.row_of_class.push_back(row);
    if (row >= 0 && rows[row] != dataset[c])
      matches.other_names.push_back(fmt::format("{} is taken for {}", rows[row], dataset[c]));
  }
  return matches;
}

}  // namespace boxseg
