#include "stage3_segment/segmenter.h"

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr const char* kKind = "segmenter";

std::string palette_text(const Palette& palette, size_t colours) {
  std::string text;
  for (size_t i = 0; i < std::min(colours, palette.size()); ++i)
    text += fmt::format("{}{:02x}{:02x}{:02x}", i == 0 ? "" : " ", palette[i][0], palette[i][1], palette[i][2]);
  return text;
}

Palette parse_palette(const std::string& text) {
  Palette palette = voc_palette();
  const auto colours = split(text, ' ');
  for (size_t i = 0; i < colours.size(); ++i) {
    if (i >= palette.size() || colours[i].size() != 6 ||
        colours[i].find_first_not_of("0123456789abcdef") != std::string::npos)
      fail_input("palette: colour {} is '{}', expected six hexadecimal digits, and at most 256 of them", i, colours[i]);
    const long value = std::stol(colours[i], nullptr, 16);
    palette[i] = {static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
  }
  return palette;
}

CrfOptions parse_crf(const std::string& text) {
  std::vector<double> v;
  for (const auto& piece : split(text, ',')) v.push_back(parse_number(piece, "crf"));
  if (v.size() != 6) fail_input("crf: '{}', expected six numbers", text);
  CrfOptions crf{v[0], v[1], v[2], v[3], v[4], static_cast<int64_t>(v[5])};
  crf.check();
  return crf;
}

SegmenterRecord parse_record(const std::map<std::string, std::string>& record, int64_t classes) {
  const auto field = [&](const char* name) -> const std::string& {
    const auto found = record.find(name);
    if (found == record.end()) fail_input("lacks '{}'", name);
    return found->second;
  };
  if (const auto kind = record.find("kind"); kind == record.end() || kind->second != kKind)
    fail_input("is not of a segmenter ({}); stage3_segment train makes one",
               kind == record.end() ? "no kind" : kind->second);
  SegmenterRecord out;
  out.class_names = parse_record_list(field("class_names"));
  if (static_cast<int64_t>(out.class_names.size()) != classes)
    fail_input("names {} classes, the network has {}", out.class_names.size(), classes);
  out.palette = parse_palette(field("palette"));
  out.temperature = parse_number(field("temperature"), "temperature");
  if (!(out.temperature > 0)) fail_input("temperature: {}, expected more than 0", field("temperature"));
  out.crf = parse_crf(field("crf"));
  if (const auto aligned = record.find("align_corners"); aligned != record.end())
    out.align_corners = aligned->second != "false";
  return out;
}

}  // namespace

CrfOptions default_crf(const std::string& backbone) {
  if (backbone == "resnet101") return {4, 67, 3, 3, 1, 10};
  return {4, 121, 5, 3, 3, 10};
}

Checkpoint make_segmenter(const Network& network, const SegmenterRecord& record) {
  const CrfOptions crf = record.crf.value_or(default_crf(network.spec().backbone));
  std::map<std::string, std::string> entries = {
      {"kind", kKind},
      {"class_names", record_list(record.class_names)},
      {"palette", palette_text(record.palette, record.class_names.size())},
      {"temperature", fmt::format("{}", record.temperature)},
      {"crf", fmt::format("{},{},{},{},{},{}", crf.bilateral_weight, crf.bilateral_xy, crf.bilateral_rgb,
                          crf.gaussian_weight, crf.gaussian_xy, crf.iterations)}};
  // Left out, it is true, as in checkpoints from before there was a choice.
  if (!record.align_corners) entries["align_corners"] = "false";
  return make_checkpoint(network, std::move(entries));
}

Segmenter load_segmenter(const fs::path& path, const at::Device& device) {
  Segmenter segmenter;
  segmenter.digest = digest_of_checkpoint(read_checkpoint(path));
  LoadedNetwork loaded = load_network(path, device, "largefov");
  segmenter.network = std::move(loaded.network);
  if (loaded.record.empty()) return segmenter;
  try {
    segmenter.record = parse_record(loaded.record, segmenter.network->spec().classes);
  } catch (const Error& e) {
    fail_input("{}: its record {}", path.string(), e.what());
  }
  return segmenter;
}

}  // namespace boxseg
