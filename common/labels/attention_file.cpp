#include "common/labels/attention_file.h"

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/labels/maps_bytes.h"

namespace boxseg {
namespace {

constexpr const char* kFormat = "boxseg attention";
constexpr int64_t kSchema = 1;
constexpr const char* kShardFolder = "attention/";

std::string group_of(int64_t number) { return fmt::format("maps/{}", number); }

void require_whole_shard(const H5Reader& file) {
  const std::string path = file.path().string();
  if (!file.has_attribute("", "format") || file.attribute_text("", "format") != kFormat)
    fail_input("{}: not an attention shard of stage2_pseudolabel", path);
  if (const auto schema = file.attribute<int64_t>("", "schema"); schema != kSchema)
    fail_input("{}: attention shard of schema {}, this version reads {}; make it again", path, schema, kSchema);
  if (!file.has_attribute("", "complete"))
    fail_input("{}: its writer did not finish; run stage2_pseudolabel again", path);
}

FeatureMaps read_maps(const H5Reader& file, int64_t number) {
  const std::string group = group_of(number);
  FeatureMaps maps;
  const Shape shape = file.shape(group + "/gram");
  if (shape.size() != 3 || shape[0] != 5 || shape[1] < 1 || shape[2] < 1)
    fail_input("{}: {}/gram is not of shape [5,h,w]; make the shard again", file.path().string(), group);
  maps.cells = {shape[1], shape[2]};
  maps.gram = file.read<float>(group + "/gram");
  const auto read_if_there = [&](const char* name, std::vector<float>& out) {
    if (file.has(group + "/" + name)) out = file.read<float>(group + "/" + name);
  };
  read_if_there("query_maps", maps.query_maps);
  read_if_there("background_map", maps.background_map);
  read_if_there("class_maps", maps.class_maps);
  maps.is_known = file.attribute_list<uint8_t>(group, "is_known");
  const auto area = static_cast<size_t>(maps.area());
  if (maps.query_maps.size() % area != 0 || maps.class_maps.size() != maps.is_known.size() * area ||
      (!maps.background_map.empty() && maps.background_map.size() != area))
    fail_input("{}: the maps of {} do not fit together; make the shard again", file.path().string(), group);
  return maps;
}

AttentionSettings read_settings(const H5Reader& file) {
  return {file.attribute_text("", "box_convention"), file.attribute<int64_t>("", "grid"),
          file.attribute<uint8_t>("", "knows_all_classes") != 0};
}

// Returns the paths of the manifest's shards. Throws bad_input where it is of another program, or lists none.
std::vector<fs::path> shards_of(const fs::path& folder, const Manifest& manifest) {
  if (manifest.program != "stage2_pseudolabel")
    fail_input("--from-attention {}: made by {}, expected a folder of stage2_pseudolabel", folder.string(),
               manifest.program);
  std::vector<fs::path> files;
  for (const auto& output : manifest.outputs)
    if (output.path.starts_with(kShardFolder)) files.push_back(folder / output.path);
  if (files.empty())
    fail_input(
        "--from-attention {}: its manifest lists no attention shards (was it made with --from-attention itself?); name "
        "the folder that the network filled",
        folder.string());
  return files;
}

}  // namespace

Digest digest_of_boxes(const ImageEntry& entry) {
  Hasher hasher;
  hasher.text(entry.id).number(entry.size.height).number(entry.size.width);
  for (const auto& b : entry.boxes)
    hasher.bytes(&b.x0, 4).bytes(&b.y0, 4).bytes(&b.x1, 4).bytes(&b.y1, 4).number(b.class_id);
  return hasher.digest();
}

AttentionWriter::AttentionWriter(const fs::path& path, const Shard& shard, const AttentionSettings& settings)
    : file_(path) {
  file_.set_attribute_text("", "format", kFormat);
  file_.set_attribute<int64_t>("", "schema", kSchema);
  file_.set_attribute<int64_t>("", "shard", shard.index);
  file_.set_attribute<int64_t>("", "shards", shard.count);
  file_.set_attribute_text("", "box_convention", settings.box_convention);
  file_.set_attribute<int64_t>("", "grid", settings.grid);
  file_.set_attribute<uint8_t>("", "knows_all_classes", settings.knows_all_classes);
  hasher_.text(settings.box_convention).number(settings.grid).number(settings.knows_all_classes);
}

void AttentionWriter::add(const ImageEntry& entry, const FeatureMaps& maps) {
  const std::string group = group_of(static_cast<int64_t>(ids_.size()));
  const auto write = [&](const char* name, const std::vector<float>& values) {
    if (values.empty()) return;
    const int64_t planes = static_cast<int64_t>(values.size()) / maps.area();
    file_.write<float>(group + "/" + name, std::span<const float>(values),
                       {planes, maps.cells.height, maps.cells.width});
  };
  write("gram", maps.gram);
  write("query_maps", maps.query_maps);
  write("background_map", maps.background_map);
  write("class_maps", maps.class_maps);
  const auto boxes = digest_of_boxes(entry);
  file_.set_attribute_list<int64_t>(group, "classes", classes_of(entry.boxes));
  file_.set_attribute_list<uint8_t>(group, "is_known", maps.is_known);
  file_.set_attribute_text(group, "boxes", boxes);
  hasher_.text(boxes).text(to_bytes(maps));
  ids_.push_back(entry.id);
}

Digest AttentionWriter::close_and_commit() {
  file_.write_strings("ids", ids_);
  file_.set_attribute<uint8_t>("", "complete", 1);
  file_.close_and_commit();
  return hasher_.digest();
}

AttentionShards::AttentionShards(const std::vector<fs::path>& files) {
  for (const auto& path : files) {
    H5Reader file(path);
    require_whole_shard(file);
    const AttentionSettings settings = read_settings(file);
    if (files_.empty()) settings_ = settings;
    settings_.knows_all_classes = settings_.knows_all_classes && settings.knows_all_classes;
    const auto ids = file.read_strings("ids");
    for (size_t i = 0; i < ids.size(); ++i) place_of_id_[ids[i]] = {files_.size(), static_cast<int64_t>(i)};
    files_.push_back(std::move(file));
  }
}

AttentionShards::State AttentionShards::state_of(const ImageEntry& entry) const {
  const auto found = place_of_id_.find(entry.id);
  if (found == place_of_id_.end()) return State::absent;
  const std::lock_guard lock(mutex_);
  const H5Reader& file = files_[found->second.file];
  return file.attribute_text(group_of(found->second.number), "boxes") == digest_of_boxes(entry) ? State::there
                                                                                                : State::other_boxes;
}

FeatureMaps AttentionShards::read(const ImageEntry& entry) const {
  const auto found = place_of_id_.find(entry.id);
  ensure(found != place_of_id_.end(), "no shard has maps of image '{}'", entry.id);
  const std::lock_guard lock(mutex_);
  return read_maps(files_[found->second.file], found->second.number);
}

AttentionReader::AttentionReader(const fs::path& folder)
    : folder_(folder), manifest_(read_manifest(folder / "manifest.h5")), shards_(shards_of(folder, manifest_)) {}

Digest AttentionReader::digest() const {
  Hasher hasher;
  for (const auto& output : manifest_.outputs)
    if (output.path.starts_with(kShardFolder)) hasher.text(output.path).text(output.digest);
  return hasher.digest();
}

FeatureMaps AttentionReader::read(const ImageEntry& entry) const {
  switch (shards_.state_of(entry)) {
    case AttentionShards::State::absent:
      fail_input("--from-attention {}: has no maps of image '{}'; make them with the network first", folder_.string(),
                 entry.id);
    case AttentionShards::State::other_boxes:
      fail_input("--from-attention {}: the boxes of image '{}' were others then; run the network again",
                 folder_.string(), entry.id);
    case AttentionShards::State::there:
      break;
  }
  return shards_.read(entry);
}

int64_t check_attention_file(const fs::path& path) {
  const H5Reader file(path);
  require_whole_shard(file);
  const auto ids = file.read_strings("ids");
  for (size_t i = 0; i < ids.size(); ++i) read_maps(file, static_cast<int64_t>(i));
  return static_cast<int64_t>(ids.size());
}

}  // namespace boxseg
