#include "common/pipeline/plan/variant_name.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

// In the order of the pipeline, which is that of their names.
const std::vector<std::pair<std::string, std::string>> kStages = {
    {"1", "stage1"}, {"2", "stage2"}, {"3", "stage3"}, {"p", "predict"}};
constexpr const char* kSecondNetwork = "v2";

bool is_plain(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  });
}

// "3.lambda_0.05"
VariantSetting parse_setting(const std::string& text, const std::string& name) {
  const size_t dot = text.find('.'), bar = text.rfind('_');
  const auto stage =
      std::find_if(kStages.begin(), kStages.end(), [&](const auto& s) { return s.first == text.substr(0, dot); });
  if (dot == std::string::npos || bar == std::string::npos || bar <= dot + 1 || bar + 1 == text.size() ||
      stage == kStages.end())
    fail_usage(
        "variant '{}': '+{}' is neither +v2 nor of the form +STAGE.OPTION_VALUE, such as +2.grid_3 (stages 1, 2, 3, p)",
        name, text);
  return {stage->second, text.substr(dot + 1, bar - dot - 1), text.substr(bar + 1)};
}

}  // namespace

VariantName parse_variant(const std::string& name) {
  VariantName parsed;
  std::string rest = name;
  if (const size_t at = rest.find('@'); at != std::string::npos) {
    parsed.seed_offset = parse_integer(rest.substr(at + 1), fmt::format("seed of variant '{}'", name));
    rest.resize(at);
  }
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= rest.size();) {
    const size_t end = std::min(rest.find('+', begin), rest.size());
    words.push_back(rest.substr(begin, end - begin));
    begin = end + 1;
  }
  if (!std::all_of(words.begin(), words.end(), is_plain))
    fail_usage("variant '{}': names hold letters, digits, '_', '-' and '.', and end in +SETTING and @SEED if at all",
               name);
  parsed.base = words.front();
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == kSecondNetwork)
      parsed.has_second_network = true;
    else
      parsed.settings.push_back(parse_setting(words[i], name));
  }
  return parsed;
}

std::string VariantName::text() const {
  std::string text = base;
  if (has_second_network) text += std::string("+") + kSecondNetwork;
  for (const auto& s : settings) {
    const auto stage =
        std::find_if(kStages.begin(), kStages.end(), [&](const auto& known) { return known.second == s.section; });
    text += fmt::format("+{}.{}_{}", stage->first, s.option, s.value);
  }
  return seed_offset == 0 ? text : fmt::format("{}@{}", text, seed_offset);
}

std::string upstream_variant(const VariantName& variant, const std::string& section, const std::string& from) {
  VariantName upstream = parse_variant(from);
  for (const auto& s : variant.settings)
    if (s.section < section) upstream.settings.push_back(s);
  if (upstream.seed_offset == 0) upstream.seed_offset = variant.seed_offset;
  return upstream.text();
}

}  // namespace boxseg
