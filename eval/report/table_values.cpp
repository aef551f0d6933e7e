#include "eval/report/table_values.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "eval/report/spread.h"

namespace boxseg {
namespace {

using Manifests = std::map<std::string, Manifest>;

const Manifest* find(const Manifests& manifests, const std::string& folder) {
  const auto found = manifests.find(folder);
  return found == manifests.end() ? nullptr : &found->second;
}

std::string option_of(const Manifest* manifest, const std::string& name) {
  if (manifest == nullptr) return "";
  const auto found = manifest->options.find(name);
  return found == manifest->options.end() ? "" : found->second;
}

std::string fact_of(const Manifest* manifest, const std::string& name) {
  if (manifest == nullptr) return "";
  const auto found = manifest->facts.find(name);
  return found == manifest->facts.end() ? "" : found->second;
}

// Returns the manifest of the stage-1 run whose classifier made these labels.
const Manifest* classifier_of(const Manifest* labels, const Manifests& manifests) {
  if (labels == nullptr || !labels->inputs.contains("checkpoint")) return nullptr;
  for (const auto& [folder, manifest] : manifests)
    if (folder.starts_with("stage1/"))
      for (const auto& output : manifest.outputs)
        if (output.digest == labels->inputs.at("checkpoint")) return &manifest;
  return nullptr;
}

// Says how far a value's network was trained, on how much, and by which seed.
struct Training {
  std::string text;  // "900 steps, 663 images"; "" when no manifest tells
  std::optional<int64_t> seed;
};

Training training_of(const TableKey& key, const Manifests& manifests) {
  const auto words = split(key.key, '/');
  const Manifest* labels = words[0] == "stage2" ? find(manifests, join({words[0], words[1], words[2]}, "/")) : nullptr;
  const Manifest* network = nullptr;
  if (words[0] == "stage2")
    network = classifier_of(labels, manifests);
  else if (words[0] != "baseline")
    network = find(manifests, words[0] + "/" + words[1]);
  std::vector<std::string> facts;
  const auto add_images = [&](const Manifest* manifest, const std::string& prefix) {
    if (const auto images = fact_of(manifest, "images"); !images.empty()) facts.push_back(prefix + images + " images");
  };
  if (const auto steps = option_of(network, "iterations"); !steps.empty()) facts.push_back(steps + " steps");
  add_images(network, "");
  if (key.is_time()) add_images(labels, "labels of ");
  return {join(facts, ", "), network == nullptr ? std::nullopt : std::optional(network->seed)};
}

// Lists each distinct way of training once, with its seeds: "900 steps, 663 images, seeds 0, 1".
std::string text_of(const std::vector<Training>& trainings) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < trainings.size(); ++i) {
    const auto is_like_this = [&](const Training& other) { return other.text == trainings[i].text; };
    if (std::any_of(trainings.begin(), trainings.begin() + static_cast<int64_t>(i), is_like_this)) continue;
    std::vector<std::string> parts, seeds;
    if (!trainings[i].text.empty()) parts.push_back(trainings[i].text);
    for (const auto& training : trainings)
      if (is_like_this(training) && training.seed) seeds.push_back(std::to_string(*training.seed));
    if (!seeds.empty()) parts.push_back((seeds.size() == 1 ? "seed " : "seeds ") + join(seeds, ", "));
    if (!parts.empty()) texts.push_back(join(parts, ", "));
  }
  return join(texts, "; ");
}

// Sets how a prediction was made, by its manifest.
void set_mode(TableValue& value, const TableKey& key, const Manifests& manifests) {
  const auto words = split(key.key, '/');
  if (words[0] != "stage3" || key.is_time()) return;
  const Manifest* predictions = find(manifests, "stage3/" + words[1] + "/predictions/" + words[2] + "/" + words[3]);
  if (predictions == nullptr) return;
  const auto on = [&](const char* name) { return option_of(predictions, name) == "true" ? "on" : "off"; };
  value.tta = on("tta");
  value.crf = on("crf");
}

// A number that was measured may be none: an average over objects of which there are none.
struct Measured {
  bool is_there = false;
  std::optional<double> number;
};

Measured value_of(const TableKey& key, const RunFolder& run) {
  if (key.is_time()) {
    const Manifest* manifest = find(run.manifests, key.key);
    return manifest == nullptr ? Measured() : Measured{true, manifest->wall_time_s};
  }
  if (key.number != "miou") {
    const auto found = run.metrics.find(key.key + "/" + key.number);
    // What was measured may have no such number: classes that the classifier learnt, where it knows none.
    if (found == run.metrics.end()) return {run.metrics.contains(key.key + "/images"), std::nullopt};
    return {true, found->second.is_number() ? std::optional(found->second.get<double>()) : std::nullopt};
  }
  const ScoreRow* row = run.find(key.key);
  return row == nullptr ? Measured() : Measured{true, row->miou};
}

// The published numbers are of VOC 2012 and COCO 2017 in full: of 1,449 images of val and 1,456 of test, and of
// train2017; their times are of trainings on 10,582 images, or 1,464.
bool is_of_published_data(const TableKey& key, const RunFolder& run) {
  static const std::set<std::string> kMeasured = {"1449", "1456", "117040", "118287"}, kTrained = {"10582", "1464"};
  if (!key.is_time()) {
    const auto images = run.metrics.find(key.key + "/images");
    return images != run.metrics.end() && kMeasured.contains(images->second.dump());
  }
  const std::string images = fact_of(find(run.manifests, key.key), "images");
  return kMeasured.contains(images) || kTrained.contains(images);
}

TableValue value_over(const std::vector<TableKey>& keys, const RunFolder& run, const std::set<std::string>& pending) {
  TableValue value;
  std::vector<double> found;
  std::vector<Training> trainings;
  for (const auto& key : keys) {
    value.is_time = key.is_time();
    value.keys.push_back(key.number == "miou" || key.is_time() ? key.key : key.number + " " + key.key);
    const Measured measured = pending.contains(key.key) ? Measured() : value_of(key, run);
    value.found += measured.is_there;
    if (!measured.number) continue;
    value.is_of_published_data = (found.empty() || value.is_of_published_data) && is_of_published_data(key, run);
    found.push_back(*measured.number);
    trainings.push_back(training_of(key, run.manifests));
    set_mode(value, key, run.manifests);
  }
  if (found.empty()) return value;
  const Spread spread = spread_of(found);
  value.mean = spread.mean;
  if (found.size() > 1) value.spread = spread.deviation;
  value.training = text_of(trainings);
  return value;
}

// Returns the number at `i` of "61.8 / 67.5", if it is one; times are in seconds: "2.5 h" -> 9000.
std::optional<double> published(const std::string& text, size_t i, bool is_time) {
  const auto numbers = split(text, '/');
  if (i >= numbers.size()) return std::nullopt;
  std::string number = numbers[i];
  double factor = 1;
  if (is_time) {
    const std::pair<const char*, double> units[] = {{" h", 3600}, {" min", 60}, {" s", 1}};
    const auto unit =
        std::find_if(std::begin(units), std::end(units), [&](const auto& u) { return number.ends_with(u.first); });
    if (unit == std::end(units)) return std::nullopt;
    number.resize(number.rfind(' '));
    factor = unit->second;
  }
  try {
    return factor * parse_number(number, "published");
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Returns "off" for equal texts, "off / on" for others; "" when there are none.
std::string side_by_side(const std::vector<TableValue>& values, std::string TableValue::*text) {
  std::vector<std::string> texts;
  for (const auto& value : values)
    if (!(value.*text).empty()) texts.push_back(value.*text);
  if (std::adjacent_find(texts.begin(), texts.end(), std::not_equal_to<>()) == texts.end())
    texts.resize(std::min<size_t>(1, texts.size()));
  return join(texts, " / ");
}

}  // namespace

std::string FilledCell::how() const {
  std::vector<std::string> parts;
  for (const auto& value : values)
    if (!value.training.empty() && std::find(parts.begin(), parts.end(), value.training) == parts.end())
      parts.push_back(value.training);
  const std::string tta = side_by_side(values, &TableValue::tta), crf = side_by_side(values, &TableValue::crf);
  if (!tta.empty()) parts.push_back(fmt::format("TTA {}, CRF {}", tta, crf));
  return join(parts, "; ");
}

std::optional<double> TableValue::above(const std::optional<double>& published) const {
  return is_of_published_data && mean && published ? std::optional(*mean - *published) : std::nullopt;
}

std::string TableValue::how() const { return FilledCell{{*this}, {}, {}, {}}.how(); }

FilledTable fill_table(const Table& table, const RunFolder& run, const std::set<std::string>& pending) {
  FilledTable filled{table, {}};
  for (const auto& row : table.rows) {
    filled.rows.emplace_back();
    for (const auto& cell : row.cells) {
      FilledCell out{{}, cell.authors, cell.report, cell.reason};
      for (const auto& keys : cell.values) {
        TableValue value = value_over(keys, run, pending);
        value.authors = published(cell.authors, out.values.size(), value.is_time);
        value.report = published(cell.report, out.values.size(), value.is_time);
        ++filled.values;
        if (!value.is_complete()) ++filled.missing;
        out.values.push_back(std::move(value));
      }
      filled.rows.back().push_back(std::move(out));
    }
  }
  return filled;
}

}  // namespace boxseg
