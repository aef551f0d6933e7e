// Makes up a small dataset and a whole run folder with everything in it: discs and squares on a striped ground.
#pragma once
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/data/boxes.h"
#include "common/data/dataset.h"
#include "common/io/manifest.h"
#include "common/labels/attention_file.h"
#include "common/pipeline/plan/metrics_file.h"
#include "eval/miou/baselines.h"
#include "eval/miou/evaluation.h"
#include "eval/miou/label_folder.h"

namespace boxseg::test {

struct Picture {
  RgbImage rgb;
  LabelMap truth;
  std::vector<Box> boxes;
};

// Draws one disc (class 1) and, on every second picture, one square (class 2) that covers a part of it.
inline Picture make_picture(int64_t height, int64_t width, uint64_t number) {
  Picture p{RgbImage(height, width), LabelMap(height, width), {}};
  Random random(7, "picture", number, 0);
  const double radius = static_cast<double>(std::min(height, width)) * random.uniform(0.2, 0.35);
  const double cy = random.uniform(radius, static_cast<double>(height) - radius),
               cx = random.uniform(radius, static_cast<double>(width) - radius);
  const auto sy = static_cast<int64_t>(cy), sx = static_cast<int64_t>(cx), side = static_cast<int64_t>(radius * 1.2);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const double distance = std::hypot(static_cast<double>(y) + 0.5 - cy, static_cast<double>(x) + 0.5 - cx);
      uint8_t label = distance <= radius ? 1 : 0;
      if (number % 2 == 1 && y >= sy && y < sy + side && x >= sx && x < sx + side) label = 2;
      const auto noise = static_cast<int>(random.uniform(-12, 12));
      const int stripe = (x + 2 * y) / 9 % 2 == 0 ? 20 : -20;
      const int colors[3][3] = {{90 + stripe, 120 + stripe, 80}, {200, 70, 60}, {60, 80, 200}};
      for (int k = 0; k < 3; ++k)
        p.rgb.pixels[static_cast<size_t>((y * width + x) * 3 + k)] =
            static_cast<uint8_t>(std::clamp(colors[label][k] + noise, 0, 255));
      p.truth.at(y, x) = number % 3 == 0 && label == 1 && std::abs(distance - radius) < 1 ? 255 : label;
    }
  for (int64_t c = 1; c <= 2; ++c) {
    Box box{1e9f, 1e9f, -1, -1, c};
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        if (p.truth.at(y, x) == c) {
          box.x0 = std::min(box.x0, static_cast<float>(x + 1)), box.x1 = std::max(box.x1, static_cast<float>(x + 1));
          box.y0 = std::min(box.y0, static_cast<float>(y + 1)), box.y1 = std::max(box.y1, static_cast<float>(y + 1));
        }
    if (box.x1 >= 0) p.boxes.push_back(box);
  }
  return p;
}

// Makes `dir`/data with pictures and masks, and `dir`/dataset.h5. Ids hold a blank and a slash; the last image has no
// mask.
inline Dataset make_dataset(const fs::path& dir, int64_t images, int64_t height = 60, int64_t width = 80) {
  Dataset d;
  d.name = "made up";
  d.root = fs::absolute(dir / "data");
  d.class_names = {"background", "disc & co", "square"};
  d.palette = {{0, 0, 0}, {220, 60, 60}, {60, 90, 220}};
  for (int64_t i = 0; i < images; ++i) {
    const Picture p = make_picture(height, width, static_cast<uint64_t>(i));
    ImageEntry e;
    e.id = "set a/" + std::to_string(i);
    e.path = fmt::format("images/{}.png", i);
    e.size = {height, width};
    e.boxes = p.boxes;
    write_rgb_png(d.root / e.path, p.rgb);
    e.image_digest = digest_of_file(d.root / e.path);
    if (i + 1 < images) {
      e.mask_path = fmt::format("masks/{}.png", i);
      write_label_png(d.root / e.mask_path, p.truth);
      e.mask_digest = digest_of_file(d.root / e.mask_path);
    }
    d.images.push_back(e);
    d.splits["val"].push_back(i);
  }
  write_dataset(dir / "dataset.h5", d);
  return d;
}

// Writes to `folder` the truth of every image, moved to the right by `shift` pixels (void becomes background).
inline void write_shifted_truth(const Dataset& d, const fs::path& folder, int64_t shift) {
  for (size_t i = 0; i < d.images.size(); ++i) {
    const ImageEntry& e = d.images[i];
    const Picture p = make_picture(e.size.height, e.size.width, i);
    LabelMap labels(e.size.height, e.size.width);
    for (int64_t y = 0; y < e.size.height; ++y)
      for (int64_t x = 0; x < e.size.width; ++x) {
        const int64_t from = x - shift * static_cast<int64_t>(i % 5);
        if (from >= 0 && from < e.size.width && p.truth.at(y, from) != 255) labels.at(y, x) = p.truth.at(y, from);
      }
    fs::path file = folder / output_name(e.id);
    write_label_png(file += ".png", labels);
  }
}

inline void write_log(const fs::path& path, double start, double end, int64_t steps,
                      const std::vector<std::string>& parts) {
  std::string text;
  Random random(11, "log", stable_hash64(path.parent_path().filename().string()), 0);
  for (int64_t it = 10; it <= steps; it += 10) {
    const double t = static_cast<double>(it) / static_cast<double>(steps);
    const double loss = (start - end) * std::exp(-5 * t) + end + random.uniform(-0.1, 0.1) * end;
    text += fmt::format("{{\"step\":{},\"loss\":{:.6g}", it, loss);
    for (const auto& part : parts) text += fmt::format(",\"{}\":{:.6g}", part, loss * random.uniform(0.3, 0.6));
    text += fmt::format(",\"learning_rate\":{:.6g}}}\n", 1e-3 * std::pow(1 - t + 1e-9, 0.9));
  }
  write_file(path, text + "{\"step\":");  // ends as a killed program leaves it
}

inline Metrics scored(const Dataset& d, const fs::path& folder) {
  const LabelFolder labels(folder);
  return metrics_of(
      evaluate_split(
          d, "val", [&](const ImageEntry& e, int64_t) { return labels.read(e); }, Abstention::refused, "made up", 1),
      d.class_names);
}

inline void write_shard(const fs::path& path, const Dataset& d);

// Makes dir/dataset.h5, stage1, stage2, stage3 and metrics.json.
inline Dataset make_run(const fs::path& dir, int64_t images, int64_t height = 60, int64_t width = 80) {
  set_log_level(LogLevel::warning);
  Dataset d = make_dataset(dir, images, height, width);
  const fs::path metrics = dir / "metrics.json";
  const auto add = [&](const fs::path& folder, int64_t shift) {
    write_shifted_truth(d, dir / folder, shift);
    merge_metrics(metrics, key_of_folder(dir / folder), scored(d, dir / folder));
  };
  for (const char* variant : {"bap", "bap@2", "gap"}) {
    write_log(dir / "stage1" / variant / "log.jsonl", 3.0, 0.2, 3000, {});
    add(fs::path("stage2") / variant / "val/Y_crf", variant[0] == 'g' ? 4 : 2);
    add(fs::path("stage2") / variant / "val/Y_ret", 3);
  }
  for (const char* variant : {"nal", "ce_crf", "true_masks"}) {
    write_log(dir / "stage3" / variant / "log.jsonl", 2.2, 0.4, 2000, {"loss_ce", "loss_wce"});
    add(fs::path("stage3") / variant / "predictions/val/plain", 2);
    add(fs::path("stage3") / variant / "predictions/val/crf", variant[0] == 't' ? 0 : 1);
  }
  for (const auto& name : baseline_names()) {
    const auto make = [&](const ImageEntry& e, int64_t) {
      return baseline_labels(parse_baseline_kind(name), d, e, pixel_boxes(e.boxes, e.size, BoxConvention::exact), {},
                             0);
    };
    merge_metrics(metrics, "baseline/val/" + name,
                  metrics_of(evaluate_split(d, "val", make, Abstention::refused, name, 1), d.class_names));
  }
  Manifest m;
  m.program = "stage2_pseudolabel";
  m.version = "0.1.0";
  m.fingerprint = "1";
  m.options = {{"threshold", "0.99"}, {"box-convention", "exact"}};
  m.device = "cpu";
  m.threads = 2;
  m.wall_time_s = 75;
  for (const auto& e : d.images)
    for (const std::string kind : {"Y_crf/", "Y_ret/"}) {
      const std::string name = kind + e.id + ".png";
      m.outputs.push_back({name, 1, digest_of_labels(read_label_png(dir / "stage2/bap/val" / name))});
    }
  m.outputs.push_back({"attention/shard-0000-of-0001.h5", 1, "of no interest"});
  write_manifest(dir / "stage2/bap/val/manifest.h5", m);
  write_shard(dir / "stage2/bap/val/attention/shard-0000-of-0001.h5", d);
  return d;
}

// Writes two feature channels, "ground" and "disc", blurred: enough for maps that look like something.
inline void write_shard(const fs::path& path, const Dataset& d) {
  AttentionWriter file(path, Shard{}, {.box_convention = "exact"});
  for (size_t i = 0; i < d.images.size(); ++i) {
    const ImageEntry& e = d.images[i];
    const Picture p = make_picture(e.size.height, e.size.width, i);
    const int64_t h = (e.size.height + 7) / 8, w = (e.size.width + 7) / 8;
    std::vector<float> f(static_cast<size_t>(2 * h * w));
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        const uint8_t label = p.truth.at(std::min(e.size.height - 1, y * 8 + 4), std::min(e.size.width - 1, x * 8 + 4));
        f[static_cast<size_t>(y * w + x)] = label == 0 ? 1.0f : 0.2f;
        f[static_cast<size_t>((h + y) * w + x)] = label == 0 ? 0.1f : 1.0f;
      }
    FeatureMaps maps;
    maps.cells = {h, w};
    maps.gram.resize(static_cast<size_t>(5 * h * w));
    const auto dot = [&](int64_t y0, int64_t x0, int64_t y1, int64_t x1) {
      if (std::max(y0, y1) >= h || std::max(x0, x1) >= w) return 0.0f;
      float sum = 0;
      for (int64_t c = 0; c < 2; ++c)
        sum += f[static_cast<size_t>((c * h + y0) * w + x0)] * f[static_cast<size_t>((c * h + y1) * w + x1)];
      return sum;
    };
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        const float values[5] = {dot(y, x, y, x), dot(y, x, y, x + 1), dot(y, x, y + 1, x), dot(y, x, y + 1, x + 1),
                                 dot(y, x + 1, y + 1, x)};
        for (int64_t k = 0; k < 5; ++k) maps.gram[static_cast<size_t>((k * h + y) * w + x)] = values[k];
      }
    maps.query_maps.assign(f.begin(), f.begin() + h * w);
    maps.is_known.assign(classes_of(e.boxes).size(), 1);
    for (size_t k = 0; k < maps.is_known.size(); ++k)
      maps.class_maps.insert(maps.class_maps.end(), f.begin() + h * w, f.end());
    file.add(e, maps);
  }
  file.close_and_commit();
}

}  // namespace boxseg::test
