// Reads the attention shards of stage 2 and paints what they say, at the size of the image: how much each pixel looks
// like background, and the class activation maps.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/data/dataset.h"

namespace boxseg {

// Maps on h x w feature cells; see stage 2 for how they are made.
struct CellMaps {
  ImageSize cells;
  std::vector<float> gram;        // [5,h,w]: inner products of neighbouring features, which give |F| between the cells
  std::vector<float> query_maps;  // [J,h,w]: unit background query times feature
  std::vector<float> class_maps;  // [k,h,w]: classifier weight times feature
  std::vector<int64_t> classes;   // [k]
};

class AttentionShards {
 public:
  explicit AttentionShards(const std::vector<std::filesystem::path>& files);  // throws bad_input when one is damaged
  std::optional<CellMaps> find(const std::string& image_id) const;  // throws bad_input on a damaged shard
  bool is_empty() const { return shard_of_image_.empty(); }

 private:
  std::map<std::string, std::pair<std::filesystem::path, std::string>> shard_of_image_;  // id -> file, group
};

// A(p) = mean_j relu(cos(F(p), q_j)), [H,W].
std::vector<float> attention_picture(const CellMaps& maps, ImageSize size);
// u0: A, but 0 below `threshold` times its maximum; 1 outside all boxes (background [H,W] is 1 there).
std::vector<float> u0_picture(const std::vector<float>& attention, const std::vector<uint8_t>& background, double threshold);
// relu(F . w_c) of the i-th class, [H,W].
std::vector<float> activation_picture(const CellMaps& maps, size_t i, ImageSize size);

}  // namespace boxseg
