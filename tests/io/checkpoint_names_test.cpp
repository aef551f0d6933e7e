// Weights are found, and named as the networks name them, wherever training scripts put them.
#include <ATen/ATen.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/base/files.h"
#include "common/io/checkpoint/checkpoint.h"
#include "tests/io/damage.h"
#include "tests/io/foreign_checkpoint.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Make pickles of a text, of a tensor of the one number in zip_of() ("" or "K\x01": no axis or one), and of a
// dict.
std::string text(const std::string& value) {
  std::string size(4, '\0');
  const auto length = static_cast<uint32_t>(value.size());
  std::memcpy(size.data(), &length, 4);
  return "X" + size + value;
}
std::string tensor(const std::string& side = "K\x01") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + "K\x01tQK" + std::string(1, '\0') + "(" + side + "t(" + side +
         "t\x89"
         "ccollections\nOrderedDict\n)RtR";
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string pickle = "}(";
  for (const auto& [key, value] : items) pickle += text(key) + value;
  return pickle + "u";
}

using Names = std::vector<std::string>;

Names names_in(const fs::path& path) {
  Names names;
  for (const auto& [name, value] : read_checkpoint(path).tensors) names.push_back(name);
  return names;
}

// Returns what is read of a checkpoint of tensors of these names.
Names names_read_back(const Names& written) {
  const TemporaryDirectory dir;
  Checkpoint c;
  for (const auto& name : written) c.tensors.emplace_back(name, at::zeros({1}, at::kFloat));
  write_checkpoint(dir / "a.pt", c);
  return names_in(dir / "a.pt");
}

}  // namespace

TEST_CASE("Weights are found where training scripts put them", "[cpu]") {
  const TemporaryDirectory dir;
  const auto write = [&](const std::string& pickle) {
    write_plain(dir / "a.pt", zip_of("\x80\x02" + pickle + "."));
    return dir / "a.pt";
  };
  const auto names = [&](const std::string& pickle) { return names_in(write(pickle)); };
  const std::string weights = dict({{"a", tensor()}, {"b", tensor()}}), other = dict({{"c", tensor()}});
  for (const char* key : {"state_dict", "model_state_dict", "model_state", "model", "network", "net"}) {
    INFO(key);
    REQUIRE(names(dict({{"epoch", "K\x05"}, {key, weights}})) == Names{"a", "b"});
  }
  REQUIRE(names(weights) == Names{"a", "b"});
  // PyTorch's ImageNet example keeps the best accuracy as a tensor.
  REQUIRE(names(dict({{"best_acc1", tensor("")}, {"state_dict", weights}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"best", tensor()}, {"model", weights}, {"ema", other}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"model", dict({{"state_dict", weights}, {"count", tensor()}})}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"state_dict", "K\x01"}, {"model", weights}})) == Names{"a", "b"});
  REQUIRE(names(dict({{"temperature", tensor("")}})) == Names{"temperature"});

  const Failure two = reading(write(dict({{"generator", weights}, {"critic", other}, {"step", tensor("")}})));
  REQUIRE(two.kind == ErrorKind::bad_input);
  REQUIRE(two.mentions("a.pt: holds dicts of tensors under generator, critic, none of which is a usual name"));
  REQUIRE(two.mentions("['generator']"));
  REQUIRE(reading(write(dict({{"epoch", "K\x05"}}))).mentions("holds no tensors, neither at its top nor under"));
}

TEST_CASE("What torch.compile puts into names goes wherever it stands", "[cpu]") {
  const auto& names = names_read_back;
  REQUIRE(names({"_orig_mod.a.weight", "_orig_mod.b"}) == Names{"a.weight", "b"});
  REQUIRE(names({"_orig_mod.module.a", "_orig_mod.module.b"}) == Names{"a", "b"});
  REQUIRE(names({"module._orig_mod.a", "module._orig_mod.b"}) == Names{"a", "b"});
  REQUIRE(names({"backbone._orig_mod.a", "classifier.b"}) == Names{"backbone.a", "classifier.b"});
  REQUIRE(names({"model.a", "model.b"}) == Names{"a", "b"});
}

TEST_CASE("Prefixes go only when every name has them", "[cpu]") {
  const auto& names = names_read_back;
  REQUIRE(names({"module.a.weight", "module.b"}) == Names{"a.weight", "b"});
  REQUIRE(names({"module.base.a", "module.base.b"}) == Names{"a", "b"});
  REQUIRE(names({"base.a", "b"}) == Names{"base.a", "b"});
  REQUIRE(names({"module.a", "modules.b"}) == Names{"module.a", "modules.b"});
  REQUIRE(names({"module."}) == Names{"module."});
}
