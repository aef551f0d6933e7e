#include "eval/report/run_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace boxseg {
namespace {

using Texts = std::map<std::string, std::string>;

// Calls body(name, value here, value there) for the names of either map, in order; "" where a map lacks one.
template <class Body>
void for_each_name(const Texts& here, const Texts& there, const Body& body) {
  Texts all = here;
  all.insert(there.begin(), there.end());
  const auto value = [](const Texts& texts, const std::string& name) {
    const auto found = texts.find(name);
    return found == texts.end() ? std::string() : found->second;
  };
  for (const auto& [name, ignored] : all) body(name, value(here, name), value(there, name));
}

std::string images_of(const Manifest& manifest) {
  const auto found = manifest.facts.find("images");
  return found == manifest.facts.end() ? "" : found->second;
}

Texts digests_of(const std::vector<ManifestOutput>& outputs) {
  Texts digests;
  for (const auto& output : outputs) digests[output.path] = output.digest;
  return digests;
}

PieceDifference difference_of(const std::string& folder, const Manifest& here, const Manifest& there) {
  PieceDifference piece;
  piece.folder = folder;
  const auto compare = [&](const std::string& what, const std::string& a, const std::string& b) {
    if (a != b) piece.changes.push_back({what, a, b});
  };
  const auto program = [](const Manifest& m) { return fmt::format("{} {} ({})", m.program, m.version, m.fingerprint); };
  compare("program", program(here), program(there));
  for_each_name(here.options, there.options,
                [&](const auto& name, const auto& a, const auto& b) { compare("option " + name, a, b); });
  // Where results depend on the seed it is an option, which was compared above.
  if (!here.options.contains("seed") || !there.options.contains("seed"))
    compare("seed", std::to_string(here.seed), std::to_string(there.seed));
  compare("images", images_of(here), images_of(there));
  compare("device", here.device, there.device);
  compare("threads", std::to_string(here.threads), std::to_string(there.threads));
  for_each_name(here.inputs, there.inputs, [&](const auto& name, const auto& a, const auto& b) {
    if (a != b) piece.inputs.push_back(name);
  });
  for_each_name(digests_of(here.outputs), digests_of(there.outputs), [&](const auto&, const auto& a, const auto& b) {
    ++piece.files;
    if (a != b) ++piece.other_files;
  });
  return piece;
}

NumberDifference difference_of(const ScoreRow& here, const ScoreRow& there) {
  NumberDifference number{here.key, here.title(), here.split, *here.miou, *there.miou, {}};
  for (const auto& [name, value] : here.per_class)
    if (const auto other = there.per_class.find(name); other != there.per_class.end() && other->second != value)
      number.classes.push_back({name, value - other->second});
  std::stable_sort(number.classes.begin(), number.classes.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.moved) > std::abs(b.moved); });
  return number;
}

}  // namespace

bool RunDifference::is_same() const {
  return pieces.empty() && numbers.empty() && pieces_here_only.empty() && pieces_there_only.empty() &&
         numbers_here_only.empty() && numbers_there_only.empty();
}

RunDifference difference_of(const RunFolder& here, const RunFolder& there) {
  RunDifference all;
  const bool is_name_enough = here.name != there.name;
  all.here = is_name_enough ? here.name : here.path.string();
  all.there = is_name_enough ? there.name : there.path.string();
  for (const auto& [folder, manifest] : here.manifests) {
    const auto other = there.manifests.find(folder);
    if (other == there.manifests.end()) {
      all.pieces_here_only.push_back(folder);
      continue;
    }
    PieceDifference piece = difference_of(folder, manifest, other->second);
    if (piece.is_same())
      ++all.same_pieces;
    else
      all.pieces.push_back(std::move(piece));
  }
  for (const auto& [folder, manifest] : there.manifests)
    if (!here.manifests.contains(folder)) all.pieces_there_only.push_back(folder);

  const auto found = [](const RunFolder& run, const std::string& key) {
    const ScoreRow* row = run.find(key);
    return row != nullptr && row->miou ? row : nullptr;
  };
  for (const auto& row : here.scores) {
    if (!row.miou) continue;
    const ScoreRow* other = found(there, row.key);
    if (other == nullptr) {
      all.numbers_here_only.push_back(row.key);
      continue;
    }
    NumberDifference number = difference_of(row, *other);
    if (number.is_same())
      ++all.same_numbers;
    else
      all.numbers.push_back(std::move(number));
  }
  for (const auto& row : there.scores)
    if (row.miou && found(here, row.key) == nullptr) all.numbers_there_only.push_back(row.key);
  return all;
}

}  // namespace boxseg
