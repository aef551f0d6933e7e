// A small made-up dataset and an untrained tiny network, and stage 2 as it runs on them.
#pragma once
#include <map>
#include <string>

#include "common/base/files.h"
#include "common/base/random.h"
#include "common/data/dataset.h"
#include "common/io/label_png.h"
#include "common/networks/network.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg::test {

// Draws coloured rectangles on a noisy ground, with boxes around them; image 3 has no boxes, and ids hold blanks and a
// folder.
struct SmallWorld {
  explicit SmallWorld(int images = 12, ImageSize size = {48, 64}) {
    Dataset dataset;
    dataset.name = "small";
    dataset.root = dir.path() / "photos";
    dataset.class_names = {"background", "red", "green", "blue"};
    dataset.palette = voc_palette();
    for (int i = 0; i < images; ++i) dataset.images.push_back(draw(i, size, dataset.root));
    for (int i = 0; i < images; ++i) dataset.splits["all"].push_back(i);
    write_dataset(dir / "dataset.h5", dataset);
    auto network = make_network({.backbone = "tiny", .classes = 4, .classifier_std = 0.1}, 5);
    // Features are positive, so that with positive weights all classes answer to them.
    network->parameters().back().value.detach().abs_();
    write_checkpoint(dir / "classifier.pt",
                     make_checkpoint(*network, {{"class_names", record_list(dataset.class_names)}}));
  }

  static ImageEntry draw(int i, ImageSize size, const fs::path& root) {
    Random random(static_cast<uint64_t>(i), "small world");
    RgbImage image(size.height, size.width);
    for (auto& v : image.pixels) v = static_cast<uint8_t>(90 + random.below(60));
    ImageEntry entry;
    entry.id = i % 2 ? fmt::format("folder/image {}", i) : fmt::format("image_{}", i);
    entry.path = fmt::format("{}.png", i);
    entry.size = size;
    for (int b = 0; b < (i == 3 ? 0 : 1 + i % 3); ++b) {
      const int64_t x0 = random.below(size.width - 20), y0 = random.below(size.height - 20);
      const int64_t x1 = x0 + 10 + random.below(10), y1 = y0 + 10 + random.below(10);
      const auto color = random.below(3);
      for (int64_t y = y0 + 2; y < y1 - 2; ++y)
        for (int64_t x = x0 + 2; x < x1 - 2; ++x)
          image.pixels[static_cast<size_t>((y * size.width + x) * 3 + color)] = 250;
      entry.boxes.push_back({static_cast<float>(x0 + 1), static_cast<float>(y0 + 1), static_cast<float>(x1),
                             static_cast<float>(y1), color + 1});
    }
    write_rgb_png(root / entry.path, image);
    entry.image_digest = digest_of_file(root / entry.path);
    return entry;
  }

  std::string command(const std::string& output, const std::string& more = "") const {
    return fmt::format(
        "'{}/stage2_pseudolabel' --dataset '{}' --split all --checkpoint '{}' --output '{}' --device cpu {}",
        BOXSEG_BIN_DIR, (dir / "dataset.h5").string(), (dir / "classifier.pt").string(), (dir / output).string(), more);
  }
  std::string from_attention(const std::string& source, const std::string& output, const std::string& more = "") const {
    return fmt::format("'{}/stage2_pseudolabel' --dataset '{}' --split all --from-attention '{}' --output '{}' {}",
                       BOXSEG_BIN_DIR, (dir / "dataset.h5").string(), (dir / source).string(), (dir / output).string(),
                       more);
  }

  // Gives images and classes ids as COCO has them: image i is `first` - 3 i, the classes are 3, 70 and 21.
  void give_ids(int first) const {
    Dataset dataset = read_dataset(dir / "dataset.h5");
    dataset.class_ids = {"3", "70", "21"};
    for (size_t i = 0; i < dataset.images.size(); ++i)
      dataset.images[i].source_id = std::to_string(first - 3 * static_cast<int>(i));
    write_dataset(dir / "dataset.h5", dataset);
  }

  TemporaryDirectory dir;
};

// Returns relative path -> bytes of all that a run leaves, but manifests (they record times).
inline std::map<std::string, std::string> bytes_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename().string().find("manifest") == std::string::npos)
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  return files;
}

inline std::map<std::string, std::string> labels_in(const std::map<std::string, std::string>& files,
                                                    const std::string& folder) {
  std::map<std::string, std::string> labels;
  for (const auto& [path, bytes] : files)
    if (path.starts_with(folder)) labels[path] = bytes;
  return labels;
}

inline CommandResult must_run(const std::string& command) {
  auto result = run_command(command);
  INFO(command << "\n" << result.err);
  REQUIRE(result.exit_code == 0);
  return result;
}

}  // namespace boxseg::test
