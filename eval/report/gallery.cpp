#include "eval/report/gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/pipeline/plan/receipts.h"
#include "common/pipeline/stage/stage_options.h"
#include "common/runtime/parallel.h"
#include "eval/miou/confusion.h"
#include "eval/miou/label_folder.h"
#include "eval/report/gallery_card.h"
#include "eval/report/html.h"
#include "eval/review/review_list.h"

namespace boxseg {

namespace fs = std::filesystem;

namespace {

std::string legend_html(const Dataset& dataset) {
  std::string html = "<div class=\"legend classes\">";
  for (size_t c = 1; c < dataset.class_names.size(); ++c)
    html += fmt::format("<span><i class=\"chip\" style=\"background:{}\"></i>{}</span>",
                        css_color(dataset.palette.at(c)), escaped(dataset.class_names[c]));
  return html +
         "<span><i class=\"chip\" style=\"background:#fff\"></i>void</span>"
         "<span><i class=\"chip\" style=\"background:#ff00c8\"></i>disagreement</span></div>\n";
}

// Returns the variant whose inner workings are shown: that of the ranking, else bap, else the first.
std::string shown_variant(const RunFolder& run, const std::string& split, const LabelSet& ranking) {
  if (ranking.stage == "stage2") return ranking.variant;
  std::string first;
  for (const auto& set : run.labels) {
    if (set.stage != "stage2" || set.split != split) continue;
    if (set.variant == "bap") return "bap";
    if (first.empty()) first = set.variant;
  }
  return first;
}

// Returns Y_crf and Y_ret of the shown variant and Y_crf of the others; of predictions all modes of the first variant
// and the most refined one of the others. Of repeated seeds (NAME@2) the first is enough.
std::vector<const LabelSet*> shown_sets(const RunFolder& run, const std::string& split, const std::string& variant) {
  std::vector<const LabelSet*> shown;
  const auto is_seed = [](const LabelSet& set) { return set.variant.find('@') != std::string::npos; };
  for (const char* kind : {"y_crf", "y_ret"})
    for (const auto& set : run.labels)
      if (set.stage == "stage2" && set.split == split && set.variant == variant && set.kind == kind)
        shown.push_back(&set);
  for (const auto& set : run.labels)
    if (set.stage == "stage2" && set.split == split && set.variant != variant && set.kind == "y_crf" && !is_seed(set))
      shown.push_back(&set);

  static const std::vector<std::string> kModes = {"plain", "crf", "tta", "tta_crf"};
  std::vector<std::string> variants;
  for (const auto& set : run.labels)
    if (set.stage == "stage3" && set.split == split && !is_seed(set) &&
        std::find(variants.begin(), variants.end(), set.variant) == variants.end())
      variants.push_back(set.variant);
  const auto nal = std::find(variants.begin(), variants.end(), "nal");
  if (nal != variants.end()) std::rotate(variants.begin(), nal, nal + 1);
  for (size_t v = 0; v < variants.size(); ++v) {
    std::vector<const LabelSet*> modes;
    for (const auto& mode : kModes)
      if (const LabelSet* set = run.find_labels(fmt::format("stage3/{}/{}/{}", variants[v], split, mode)))
        modes.push_back(set);
    if (v > 0 && !modes.empty()) modes.erase(modes.begin(), modes.end() - 1);
    shown.insert(shown.end(), modes.begin(), modes.end());
  }
  return shown;
}

// Returns the folder of the variant's labels, relative to the run.
std::string folder_of(const RunFolder& run, const std::string& split, const std::string& variant) {
  for (const auto& set : run.labels)
    if (set.stage == "stage2" && set.split == split && set.variant == variant)
      return set.folder.parent_path().lexically_relative(run.path).string();
  return "";
}

std::string option_of(const RunFolder& run, const std::string& folder, const std::string& name,
                      const std::string& otherwise) {
  const auto manifest = run.manifests.find(folder);
  if (manifest == run.manifests.end()) return otherwise;
  const auto option = manifest->second.options.find(name);
  return option == manifest->second.options.end() ? otherwise : option->second;
}

// Returns the shards that the manifest lists, or those that an unfinished run has so far.
std::vector<fs::path> shard_files(const RunFolder& run, const std::string& folder) {
  std::vector<fs::path> files;
  const auto manifest = run.manifests.find(folder);
  if (manifest != run.manifests.end()) {
    for (const auto& output : manifest->second.outputs)
      if (output.path.starts_with("attention/") && output.path.ends_with(".h5"))
        files.push_back(run.path / folder / output.path);
    return files;
  }
  std::error_code absent;
  for (fs::directory_iterator it(run.path / folder / "attention", absent), end; !absent && it != end;
       it.increment(absent)) {
    const std::string name = it->path().filename();
    if (name.starts_with("shard-") && name.ends_with(".h5") && !name.ends_with(".manifest.h5"))
      files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The list of the run where it is one of just these labels, whose review takes all label maps and photographs; else a
// new one.
std::vector<ListedBox> boxes_to_look_at(const RunFolder& run, const std::string& split, const fs::path& labels,
                                        const Manifest* made, int threads) {
  const RunLayout layout{run.path};
  if (made != nullptr && Receipts::has_review_of(layout, {*made}))
    if (auto list = read_review_csv(read_file(layout.review()), layout.review().string(), *run.dataset, split))
      return *std::move(list);
  return listed(review_boxes(*run.dataset, split, labels, threads));
}

// Puts the images whose boxes are to be looked at first in front, and says of each image which boxes these are.
void order_by_review(const Dataset& dataset, const std::vector<ListedBox>& boxes, std::vector<RankedImage>& images) {
  std::map<int64_t, size_t> place;
  std::map<int64_t, std::string> remarks;
  for (const ListedBox& box : boxes) {
    place.emplace(box.image, place.size());
    if (box.words.empty()) continue;
    const ImageEntry& image = dataset.images[static_cast<size_t>(box.image)];
    std::string& text = remarks[box.image];
    const int64_t c = image.boxes[static_cast<size_t>(box.box)].class_id;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", dataset.class_names[static_cast<size_t>(c)], box.words);
  }
  const auto place_of = [&](const RankedImage& image) {
    const auto found = place.find(image.index);
    return found == place.end() ? place.size() : found->second;
  };
  std::stable_sort(images.begin(), images.end(),
                   [&](const RankedImage& a, const RankedImage& b) { return place_of(a) < place_of(b); });
  for (RankedImage& image : images) image.remark = remarks[image.index];
}

// Says what the panels of a card are, under their titles.
std::string meaning_of_panels(const CardSources& sources, bool has_truth) {
  std::vector<std::string> panels = {"its boxes"};
  if (has_truth) panels.emplace_back("the true mask");
  if (sources.attention != nullptr)
    panels.emplace_back(
        "<b>attention A</b>, bright where the network sees background, <b>u0</b>, the part of it that counts, and for "
        "each class a <b>CAM</b>, bright where the network sees the class");
  if (sources.y_crf != nullptr)
    panels.emplace_back("<b>Y_crf</b>, the masks" +
                        std::string(sources.attention == nullptr ? "" : " that the CRF makes of these"));
  if (sources.y_ret != nullptr) panels.emplace_back("<b>Y_ret</b>, a second opinion from the network's features");
  if (sources.y_crf != nullptr && sources.y_ret != nullptr)
    panels.emplace_back("<b>disagreement</b>, where these two differ");
  const auto is_prediction = [](const LabelSet* set) { return set->stage == "stage3"; };
  if (std::any_of(sources.labels.begin(), sources.labels.end(), is_prediction))
    panels.emplace_back("what segmentation networks predict without the boxes");
  return "<p>Each photo stands with " + join(panels, "; ") + ".</p>\n";
}

std::string cards_html(const CardSources& sources, const std::vector<RankedImage>& images, int threads) {
  std::vector<std::string> cards(images.size());
  parallel_for(static_cast<int64_t>(images.size()), 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const RankedImage& image = images[static_cast<size_t>(i)];
      const std::string text = std::isnan(image.miou) ? escaped(image.remark) : fmt::format("mIoU {:.1f}", image.miou);
      cards[static_cast<size_t>(i)] = card_html(sources, image.index, text);
    }
  });
  return join(cards, "");
}

}  // namespace

void GalleryOptions::check() const {
  if (images < 0 || images > 1000) fail_usage("--images {}: expected 0 to 1000", images);
  if (side < 16 || side > 4096) fail_usage("--picture-size {}: expected 16 to 4096", side);
}

std::vector<std::string> splits_with_labels(const RunFolder& run) {
  std::vector<std::string> splits;
  for (const char* stage : {"stage2", "stage3"})
    for (const auto& set : run.labels)
      if (set.stage == stage && run.dataset && run.dataset->splits.contains(set.split) &&
          std::find(splits.begin(), splits.end(), set.split) == splits.end())
        splits.push_back(set.split);
  return splits;
}

const LabelSet* ranking_set(const RunFolder& run, const GalleryOptions& options) {
  if (!options.rank_by.empty()) {
    if (const LabelSet* set = run.find_labels(options.rank_by)) return set;
    std::vector<std::string> keys;
    for (const auto& set : run.labels) keys.push_back(set.key);
    fail_usage("--rank-by {}: the run has no such labels; there are: {}", options.rank_by,
               keys.empty() ? "none" : join(keys, ", "));
  }
  const std::string& split = options.split;
  if (const LabelSet* set = run.find_labels(fmt::format("stage2/bap/{}/y_crf", split))) return set;
  for (const char* kind : {"y_crf", "tta_crf", "tta", "crf", "plain"})
    for (const auto& set : run.labels)
      if (set.split == split && set.kind == kind) return &set;
  return nullptr;
}

std::vector<RankedImage> rank_images(const Dataset& dataset, const std::string& split, const LabelSet& set,
                                     int threads) {
  const LabelFolder folder(set.folder);
  std::vector<RankedImage> images;
  for (const int64_t i : dataset.split(split))
    if (folder.has(dataset.images[static_cast<size_t>(i)]))
      images.push_back({i, std::numeric_limits<double>::quiet_NaN()});
  parallel_for(static_cast<int64_t>(images.size()), 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const ImageEntry& image = dataset.images[static_cast<size_t>(images[static_cast<size_t>(k)].index)];
      if (image.mask_path.empty()) continue;
      Confusion confusion(dataset.classes());
      confusion.add(read_truth(dataset, image), folder.read(image), Abstention::wrong,
                    dataset.mask_path(image).string(), folder.file_of(image).string());
      images[static_cast<size_t>(k)].miou = confusion.scores().miou;
    }
  });
  std::stable_sort(images.begin(), images.end(), [](const RankedImage& a, const RankedImage& b) {
    if (std::isnan(a.miou) || std::isnan(b.miou)) return !std::isnan(a.miou) && std::isnan(b.miou);
    return a.miou > b.miou;
  });
  return images;
}

std::string gallery_html(const RunFolder& run, const GalleryOptions& options, std::vector<std::string>& notes) {
  if (!run.dataset || options.images == 0) return "";
  const Dataset& dataset = *run.dataset;
  if (!fs::is_directory(dataset.root)) {
    notes.push_back(fmt::format("The images are not in {}, so no pictures are shown; --data-root names their folder.",
                                dataset.root.string()));
    return "";
  }
  const LabelSet* ranking = ranking_set(run, options);
  if (ranking == nullptr || !dataset.splits.contains(ranking->split)) {
    notes.push_back(fmt::format("There are no labels of split '{}', so no pictures are shown.", options.split));
    return "";
  }
  std::vector<RankedImage> all = rank_images(dataset, ranking->split, *ranking, options.threads);
  if (all.empty()) {
    notes.push_back(fmt::format("{} holds no label map of split '{}'.", ranking->key, ranking->split));
    return "";
  }
  const size_t in_split = dataset.split(ranking->split).size();
  if (all.size() < in_split)
    notes.push_back(
        fmt::format("{}: {} of {} images have no label map yet.", ranking->key, in_split - all.size(), in_split));

  const std::string variant = shown_variant(run, ranking->split, *ranking);
  const std::string folder = folder_of(run, ranking->split, variant);
  CardSources sources;
  sources.dataset = &dataset;
  sources.side = options.side;
  sources.labels = shown_sets(run, ranking->split, variant);
  sources.y_crf = run.find_labels(fmt::format("stage2/{}/{}/y_crf", variant, ranking->split));
  sources.y_ret = run.find_labels(fmt::format("stage2/{}/{}/y_ret", variant, ranking->split));
  const AttentionShards shards(variant.empty() ? std::vector<fs::path>() : shard_files(run, folder));
  if (!variant.empty() && !shards.is_empty())
    sources.attention = &shards;
  else if (!variant.empty())
    notes.push_back(folder + "/attention holds no shards, so attention and CAMs are not shown.");
  sources.attention_title = variant;
  sources.threshold = parse_number(option_of(run, folder, "threshold", "0.99"), "threshold");
  sources.box_convention = convention_for(*run.dataset, option_of(run, folder, "box-convention", "reference"));

  const auto made = run.manifests.find(folder);
  sources.keeps_true_masks = made != run.manifests.end() && keeps_true_masks(made->second);
  if (sources.keeps_true_masks && ranking->stage == "stage2")
    for (RankedImage& image : all) image.miou = std::numeric_limits<double>::quiet_NaN();
  const bool has_truth = !std::isnan(all.front().miou);
  if (!has_truth && sources.y_crf != nullptr)
    order_by_review(dataset,
                    boxes_to_look_at(run, ranking->split, sources.y_crf->folder.parent_path(),
                                     made == run.manifests.end() ? nullptr : &made->second, options.threads),
                    all);
  const std::string order =
      has_truth
          ? fmt::format(
                "ordered by the mIoU of <b>{}</b> on each image alone. The number under a picture is the mIoU of "
                "that picture.",
                escaped(panel_title(*ranking)))
          : "those first whose boxes should be looked at first. On the right stand boxes with a mask that is empty "
            "(under 5 % of the box), sparse (under 20 %) or overfull (over 95 %), and odd ones, which may be misplaced "
            "or of half an object.";
  std::string html = fmt::format(
      "<section id=\"gallery\"><h2>Pictures</h2><p>Images of split <b>{}</b>, {}</p>\n{}<label class=\"mix\">Labels "
      "over "
      "photo <input type=\"range\" min=\"0\" max=\"100\" value=\"75\" "
      "oninput=\"document.documentElement.style.setProperty('--mix',this.value/100)\"></label>\n{}",
      escaped(ranking->split), order, meaning_of_panels(sources, has_truth), legend_html(dataset));
  const size_t most = static_cast<size_t>(options.images);
  if (all.size() <= most) return html + cards_html(sources, all, options.threads) + "</section>\n";

  size_t ranked = all.size();  // images without truth are neither best nor worst
  while (ranked > 0 && std::isnan(all[ranked - 1].miou)) --ranked;
  if (ranked == 0)
    return html + cards_html(sources, {all.begin(), all.begin() + options.images}, options.threads) + "</section>\n";
  const size_t best = std::min(ranked, (most + 1) / 2), worst = std::min(ranked - best, most / 2);
  html +=
      "<h3>Best</h3>\n" + cards_html(sources, {all.begin(), all.begin() + static_cast<int64_t>(best)}, options.threads);
  std::vector<RankedImage> last(all.begin() + static_cast<int64_t>(ranked - worst),
                                all.begin() + static_cast<int64_t>(ranked));
  std::reverse(last.begin(), last.end());
  if (!last.empty()) html += "<h3>Worst</h3>\n" + cards_html(sources, last, options.threads);
  return html + "</section>\n";
}

}  // namespace boxseg
