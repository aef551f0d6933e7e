#include "stage3_segment/training_labels.h"

#include "common/base/error.h"
#include "common/io/mask.h"
#include "common/io/orientation.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/stage_inputs.h"

namespace boxseg {
namespace {

std::vector<std::string> kinds_of(const std::string& loss) {
  if (loss == "true_masks") return {};
  if (loss == "ce_crf") return {"Y_crf"};
  if (loss == "ce_ret") return {"Y_ret"};
  return {"Y_crf", "Y_ret"};
}

std::string file_of(const std::string& kind, const ImageEntry& image) {
  return kind + "/" + output_name(image.id).string() + ".png";
}

Manifest read_labels_manifest(const fs::path& folder) {
  const fs::path path = folder / "manifest.h5";
  if (!fs::exists(path))
    fail_input(
        "--labels {}: has no manifest.h5: name the output folder of a finished stage 2, or give label maps of your own "
        "one with `prepare labels`",
        folder.string());
  return read_manifest(path);
}

}  // namespace

TrainingLabels::TrainingLabels(const std::string& loss, const fs::path& labels, const Dataset& dataset)
    : dataset_(dataset), folder_(labels), kinds_(kinds_of(loss)) {
  if (kinds_.empty()) return;
  const Manifest manifest = read_labels_manifest(folder_);
  if (const std::string difference = other_classes(manifest, dataset.class_names); !difference.empty())
    fail_input("--labels {}: was made for other classes: {}; run stage 2 again with this dataset", folder_.string(),
               difference);
  digest_ = labels_digest(manifest);
  std::map<std::string, int64_t> found;
  for (const auto& output : manifest.outputs) {
    const std::string kind = output.path.substr(0, output.path.find('/'));
    if (kind == "Y_crf" || kind == "Y_ret") ++found[kind], listed_[output.path] = output.digest;
  }
  for (const auto& kind : kinds_) {
    if (found[kind] > 0) continue;
    const bool is_regenerated = kind == "Y_ret" && found["Y_crf"] > 0;
    fail_input("--labels {}: lists no {}, which --loss {} needs{}", folder_.string(), kind, loss,
               is_regenerated
                   ? "; labels made with --from-attention have none: use --loss ce_crf, or run stage 2 with the network"
                   : "");
  }
}

std::string TrainingLabels::what_is_missing(const ImageEntry& image) const {
  if (kinds_.empty() && image.mask_path.empty())
    return fmt::format("image {} has no mask in the dataset; --loss true_masks needs one for each", image.id);
  for (const auto& kind : kinds_)
    if (listed_.count(file_of(kind, image)) == 0)
      return fmt::format(
          "--labels {}: lists no {} of image {}; was it made for another split, or was the image skipped?",
          folder_.string(), kind, image.id);
  return "";
}

LabelMap TrainingLabels::read_checked(const fs::path& path, const ImageEntry& image) const {
  LabelMap labels = read_mask(path);
  if (labels.height != image.size.height || labels.width != image.size.width)
    fail_input("{}: is {}x{} pixels, image {} is {}x{}; label maps need their image's size{}", path.string(),
               labels.width, labels.height, image.id, image.size.width, image.size.height,
               reason_of_exchanged_sides({labels.height, labels.width}, image.size));
  const int64_t classes = dataset_.classes();
  for (size_t i = 0; i < labels.pixels.size(); ++i) {
    if (labels.pixels[i] < classes || labels.pixels[i] == 255) continue;
    fail_input("{}: pixel ({},{}) is {}, which is neither a class of the dataset (0 to {}) nor 255 (void)",
               path.string(), i % static_cast<size_t>(labels.width), i / static_cast<size_t>(labels.width),
               labels.pixels[i], classes - 1);
  }
  return labels;
}

std::vector<LabelMap> TrainingLabels::read(const ImageEntry& image) const {
  if (const std::string missing = what_is_missing(image); !missing.empty()) fail_input("{}", missing);
  std::vector<LabelMap> maps;
  if (kinds_.empty()) {
    const fs::path path = dataset_.mask_path(image);
    maps.push_back(read_checked(path, image));
    if (!image.mask_digest.empty() && digest_of_file(path) != image.mask_digest)
      fail_input("{}: is not the file that prepare indexed; run prepare again", path.string());
  }
  for (const auto& kind : kinds_) {
    const std::string file = file_of(kind, image);
    maps.push_back(read_checked(folder_ / file, image));
    if (digest_of_labels(maps.back()) != listed_.at(file))
      fail_input("{}: has other labels than when it was made; run stage 2 (or `prepare labels`) again",
                 (folder_ / file).string());
  }
  return maps;
}

}  // namespace boxseg
