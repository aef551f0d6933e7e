#include "eval/report/gallery_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/data/boxes.h"
#include "common/io/resized.h"
#include "common/labels/attention.h"
#include "common/labels/cam.h"
#include "eval/miou/confusion.h"
#include "eval/miou/label_folder.h"
#include "eval/report/html.h"

namespace boxseg {
namespace {

std::string panel(const std::string& inner, const std::string& title, const std::string& detail = {}) {
  return fmt::format("<figure>{}<figcaption><b>{}</b>{}</figcaption></figure>\n", inner, escaped(title),
                     detail.empty() ? "" : " <span>" + escaped(detail) + "</span>");
}

std::string overlay(const RgbImage& image, const std::vector<uint8_t>& alpha, const std::string& what) {
  return fmt::format("<div class=\"ph\"><img class=\"ov\" alt=\"{}\" src=\"{}\"></div>", escaped(what),
                     png_uri(image, alpha));
}

// Draws a white line around regions (void is white), since dark and grey classes vanish on a photo.
LabelMap outlined(const LabelMap& labels) {
  LabelMap result = labels;
  const auto differs = [&](int64_t y, int64_t x, uint8_t label) {
    return y >= 0 && y < labels.height && x >= 0 && x < labels.width && labels.at(y, x) != label;
  };
  for (int64_t y = 0; y < labels.height; ++y)
    for (int64_t x = 0; x < labels.width; ++x) {
      const uint8_t label = labels.at(y, x);
      if (label != 0 && (differs(y - 1, x, label) || differs(y + 1, x, label) || differs(y, x - 1, label) ||
                         differs(y, x + 1, label)))
        result.at(y, x) = kVoid;
    }
  return result;
}

std::string labels_overlay(const LabelMap& labels, const Palette& palette, ImageSize shown, const std::string& what) {
  LabelMap small = resized(labels, shown);
  std::vector<uint8_t> alpha(small.pixels.size());
  for (size_t i = 0; i < alpha.size(); ++i) alpha[i] = small.pixels[i] == 0 ? 0 : 255;
  small = outlined(small);
  return overlay(colored(small, palette), alpha, what);
}

std::string disagreement_overlay(const LabelMap& a, const LabelMap& b, ImageSize shown) {
  LabelMap differs(a.height, a.width);
  for (size_t i = 0; i < a.pixels.size(); ++i) differs.pixels[i] = a.pixels[i] != b.pixels[i];
  return labels_overlay(differs, {{0, 0, 0}, {255, 0, 200}}, shown, "disagreement");
}

std::string heat(const std::vector<float>& values, ImageSize size, ImageSize shown, const std::string& what) {
  const RgbImage picture = resized(heat_map(values, size.height, size.width), shown);
  return fmt::format("<div class=\"ph\"><img class=\"heat\" alt=\"{}\" src=\"{}\"></div>", escaped(what),
                     jpeg_uri(picture, 75));
}

std::string boxes_overlay(const ImageEntry& image, const Dataset& dataset) {
  std::string svg = fmt::format(
      "<div class=\"ph\"><svg class=\"boxes\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"image with {} boxes\">",
      image.size.width, image.size.height, image.boxes.size());
  for (const char* kind : {"edge", "box"})
    for (const Box& numbers : image.boxes) {
      const Box box = in_edges(numbers, dataset.box_numbers);
      const auto c = static_cast<size_t>(box.class_id);
      svg += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}><title>{}</title></rect>",
                         kind, box.x0, box.y0, std::max(0.f, box.x1 - box.x0), std::max(0.f, box.y1 - box.y0),
                         kind[0] == 'b' ? fmt::format(" stroke=\"{}\"", css_color(dataset.palette.at(c))) : "",
                         escaped(dataset.class_names.at(c)));
    }
  return svg + "</svg></div>";
}

std::string class_chips(const ImageEntry& image, const Dataset& dataset) {
  std::string html;
  for (const int64_t c : classes_of(image.boxes)) {
    const auto n = std::count_if(image.boxes.begin(), image.boxes.end(), [&](const Box& b) { return b.class_id == c; });
    html +=
        fmt::format("<span class=\"tag\"><i class=\"chip\" style=\"background:{}\"></i>{}{}</span>",
                    css_color(dataset.palette.at(static_cast<size_t>(c))),
                    escaped(dataset.class_names.at(static_cast<size_t>(c))), n > 1 ? fmt::format(" &times;{}", n) : "");
  }
  return html;
}

std::string attention_panels(const CardSources& sources, const ImageEntry& image, ImageSize shown) {
  if (sources.attention == nullptr) return "";
  const std::string& title = sources.attention_title;
  const AttentionShards::State state = sources.attention->state_of(image);
  if (state == AttentionShards::State::absent) return "";
  if (state == AttentionShards::State::other_boxes)
    return panel("", title + " attention", "is of other boxes than the dataset has now");
  constexpr size_t kMostMaps = 4;  // maps of so many classes at most, since they are large
  FeatureMaps maps = sources.attention->read(image);
  maps.is_known.resize(std::min(maps.is_known.size(), kMostMaps));
  const Geometry geometry = make_geometry(image.boxes, image.size, sources.box_convention);
  const Interpolation interpolation(maps.cells, image.size);
  const std::vector<float> attention = attention_map(maps, interpolation, feature_norm(maps, interpolation));
  std::string html = panel(heat(attention, image.size, shown, "attention"), title + " attention A");
  std::vector<float> u0 = threshold_attention(attention, sources.threshold);
  for (size_t p = 0; p < u0.size(); ++p)
    if (geometry.is_background[p] != 0) u0[p] = 1;
  html += panel(heat(u0, image.size, shown, "u0"), title + " u0");
  const Planes activations = class_activations(maps, interpolation);
  for (int64_t k = 0; k < activations.count; ++k) {
    const int64_t c = geometry.classes.at(static_cast<size_t>(k));
    const std::string& name = sources.dataset->class_names.at(static_cast<size_t>(c));
    std::vector<float> cam(u0.size());
    normalise_in_boxes(activations.plane(k), geometry, c, cam.data());
    html += panel(heat(cam, image.size, shown, "CAM of " + name), title + " CAM", name);
  }
  return html;
}

}  // namespace

std::string panel_title(const LabelSet& set) {
  ScoreRow row;
  row.key = set.key;
  row.stage = set.stage;
  row.kind = set.kind;
  return set.variant + " " + row.title();
}

std::string card_html(const CardSources& sources, int64_t image_index, const std::string& rank_text) {
  const Dataset& dataset = *sources.dataset;
  const ImageEntry& image = dataset.images[static_cast<size_t>(image_index)];
  const ImageSize shown = fitted(image.size, sources.side);
  const RgbImage photo = resized(read_rgb(dataset.image_path(image)), shown);
  std::string html = fmt::format(
      "<article class=\"card\" style=\"--photo:url({});--ratio:{}/{}\"><header><b>{}</b> {}<span "
      "class=\"rank\">{}</span></header><div "
      "class=\"panels\">\n",
      jpeg_uri(photo, 82), shown.width, shown.height, escaped(image.id), class_chips(image, dataset),
      escaped(rank_text));
  html += panel(boxes_overlay(image, dataset), "image and boxes");
  std::optional<LabelMap> truth;
  if (!image.mask_path.empty()) {
    truth = read_truth(dataset, image);
    html += panel(labels_overlay(*truth, dataset.palette, shown, "truth"), "truth");
  }
  html += attention_panels(sources, image, shown);
  std::optional<LabelMap> y_crf;
  for (const LabelSet* set : sources.labels) {
    const LabelFolder folder(set->folder);
    if (!folder.has(image)) continue;
    const LabelMap labels = folder.read(image);
    std::string detail;
    if (truth && !(sources.keeps_true_masks && set->stage == "stage2")) {
      Confusion confusion(dataset.classes());
      confusion.add(*truth, labels, Abstention::wrong, dataset.mask_path(image).string(),
                    folder.file_of(image).string());
      const double miou = confusion.scores().miou;
      if (!std::isnan(miou)) detail = fmt::format("{:.1f}", miou);
    }
    const std::string title = panel_title(*set);
    html += panel(labels_overlay(labels, dataset.palette, shown, title), title, detail);
    if (set == sources.y_crf) y_crf = labels;
    if (set == sources.y_ret && y_crf) {
      int64_t differing = 0;
      for (size_t i = 0; i < labels.pixels.size(); ++i) differing += labels.pixels[i] != y_crf->pixels[i];
      html += panel(disagreement_overlay(*y_crf, labels, shown), "disagreement",
                    fmt::format("{:.1f} % of pixels",
                                100.0 * static_cast<double>(differing) / static_cast<double>(labels.pixels.size())));
    }
  }
  return html + "</div></article>\n";
}

}  // namespace boxseg
