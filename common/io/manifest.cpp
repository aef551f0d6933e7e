#include "common/io/manifest.h"

#include "common/base/error.h"
#include "common/io/hdf5.h"

namespace boxseg {
namespace {

constexpr const char* kFormat = "boxseg manifest";
constexpr int64_t kSchema = 1;

// Writes a group of text attributes, one per entry; h5dump shows them as NAME "value".
void write_texts(H5Writer& file, const std::string& group, const std::map<std::string, std::string>& entries) {
  file.make_group(group);
  for (const auto& [name, value] : entries) file.set_attribute_text(group, name, value);
}

std::map<std::string, std::string> read_texts(const H5Reader& file, const std::string& group) {
  std::map<std::string, std::string> entries;
  for (const auto& name : file.attribute_names(group)) entries[name] = file.attribute_text(group, name);
  return entries;
}

}  // namespace

Digest Manifest::digest() const {
  Hasher hasher;
  hasher.text(program).text(fingerprint);
  hasher.number(static_cast<int64_t>(options.size()));
  for (const auto& [name, value] : options) hasher.text(name).text(value);
  hasher.number(static_cast<int64_t>(outputs.size()));
  for (const auto& output : outputs) hasher.text(output.path).text(output.digest);
  return hasher.digest();
}

void write_manifest(const std::filesystem::path& path, const Manifest& manifest) {
  H5Writer file(path);
  file.set_attribute_text("", "format", kFormat);
  file.set_attribute<int64_t>("", "schema", kSchema);
  file.set_attribute_text("", "program", manifest.program);
  file.set_attribute_text("", "version", manifest.version);
  file.set_attribute_text("", "fingerprint", manifest.fingerprint);
  file.set_attribute_text("", "device", manifest.device);
  file.set_attribute<int64_t>("", "threads", manifest.threads);
  file.set_attribute<int64_t>("", "seed", manifest.seed);
  file.set_attribute<double>("", "wall_time_s", manifest.wall_time_s);
  write_texts(file, "options", manifest.options);
  write_texts(file, "inputs", manifest.inputs);
  write_texts(file, "facts", manifest.facts);
  std::vector<std::string> paths, digests;
  std::vector<int64_t> sizes;
  for (const auto& output : manifest.outputs) {
    paths.push_back(output.path);
    sizes.push_back(output.size_bytes);
    digests.push_back(output.digest);
  }
  file.write_strings("outputs/path", paths);
  file.write("outputs/size_bytes", sizes);
  file.write_strings("outputs/digest", digests);
  // The digest is written last, and tells a manifest from one edited by hand.
  file.set_attribute_text("", "digest", manifest.digest());
  file.close_and_commit();
}

Manifest read_manifest(const std::filesystem::path& path) {
  const H5Reader file(path);
  if (!file.has_attribute("", "format") || file.attribute_text("", "format") != kFormat)
    fail_input("{}: is an HDF5 file, but no manifest; name the output folder of a stage", path.string());
  if (const auto schema = file.attribute<int64_t>("", "schema"); schema != kSchema)
    fail_input("{}: manifest of schema {}, this program reads {}; run the stage again with this version", path.string(),
               schema, kSchema);
  Manifest manifest;
  manifest.program = file.attribute_text("", "program");
  manifest.version = file.attribute_text("", "version");
  manifest.fingerprint = file.attribute_text("", "fingerprint");
  manifest.device = file.attribute_text("", "device");
  manifest.threads = file.attribute<int64_t>("", "threads");
  manifest.seed = file.attribute<int64_t>("", "seed");
  manifest.wall_time_s = file.attribute<double>("", "wall_time_s");
  manifest.options = read_texts(file, "options");
  manifest.inputs = read_texts(file, "inputs");
  manifest.facts = read_texts(file, "facts");
  const auto paths = file.read_strings("outputs/path");
  const auto sizes = file.read<int64_t>("outputs/size_bytes");
  const auto digests = file.read_strings("outputs/digest");
  if (paths.size() != sizes.size() || paths.size() != digests.size())
    fail_input("{}: is damaged: {} paths, {} sizes, {} digests; run the stage again", path.string(), paths.size(),
               sizes.size(), digests.size());
  for (size_t i = 0; i < paths.size(); ++i) manifest.outputs.push_back({paths[i], sizes[i], digests[i]});
  if (file.attribute_text("", "digest") != manifest.digest())
    fail_input("{}: is damaged: its content does not have its digest; run the stage again", path.string());
  return manifest;
}

std::optional<Manifest> try_read_manifest(const std::filesystem::path& path) {
  try {
    return read_manifest(path);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::bad_input) throw;
    return std::nullopt;
  }
}

}  // namespace boxseg
