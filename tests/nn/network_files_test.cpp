// Checkpoints of ours start networks, and are networks; others are refused.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/networks/backbones.h"
#include "common/networks/weight_files.h"
#include "tests/nn/numbered_network.h"
#include "tests/support/failure.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const NetworkSpec kTiny{.backbone = "tiny", .classes = 4};

}  // namespace

TEST_CASE("a stage-1 network is the start of a stage-3 network with another head and other classes", "[weights]") {
  TemporaryDirectory dir;
  auto source = make_network({.classes = 4}, 1);
  source->set_normalisation(parse_normalisation("torchvision_rgb"));
  write_checkpoint(dir / "classifier.pt", make_checkpoint(*source, {}));
  const auto network = make_network({.head = "largefov", .classes = 7}, 2);
  const auto lacking = load_initial_weights(*network, dir / "classifier.pt");
  CHECK(lacking == std::vector<std::string>{"backbone.fc6.weight", "backbone.fc6.bias", "classifier.weight"});
  CHECK(network->normalisation().name == "torchvision_rgb");
  CHECK(at::equal(tensor_named(*network, "backbone._blocks.15._bn2.running_var"),
                  tensor_named(*source, "backbone._blocks.15._bn2.running_var")));
}

TEST_CASE("initial weights of another network are refused, with names", "[weights]") {
  TemporaryDirectory dir;
  const auto tiny = make_network(kTiny, 0), lite0 = make_network({.classes = 4}, 0);
  write_checkpoint(dir / "tiny.pt", make_checkpoint(*tiny, {}));
  Failure failure = failure_of([&] { load_initial_weights(*lite0, dir / "tiny.pt"); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("tiny.pt") && Contains("efficientnet_lite0") &&
                                  Contains("missing: backbone._conv_stem.weight") &&
                                  Contains("unexpected: backbone.conv1.weight"));
  // The file is of the right network, but a tensor is cut off, or one has another shape.
  NamedTensors tensors = without_prefix(*lite0);
  tensors.erase(tensors.begin() + 6);  // _blocks.0._depthwise_conv.weight
  tensors[0].second = at::zeros({32, 3, 5, 5});
  write_checkpoint(dir / "cut.pth", {tensors, {}});
  failure = failure_of([&] { load_initial_weights(*lite0, dir / "cut.pth"); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("backbone._blocks.0._depthwise_conv.weight") && Contains("[32,3,5,5]"));
  write_checkpoint(dir / "other.pt", {{{"encoder.weight", at::zeros({3})}}, {}});
  failure = failure_of([&] { load_initial_weights(*lite0, dir / "other.pt"); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("unknown network") && Contains("encoder.weight"));
  failure = failure_of([&] { load_initial_weights(*lite0, dir / "absent.pt"); });
  CHECK(failure.kind == ErrorKind::bad_input);
}

TEST_CASE("weights that are no numbers are refused by name, as a start and as a network", "[weights]") {
  TemporaryDirectory dir;
  const auto source = make_network(kTiny, 0), network = make_network(kTiny, 1);
  for (const float value : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    Checkpoint checkpoint = make_checkpoint(*source, {});
    for (auto& [name, tensor] : checkpoint.tensors)
      if (name == "backbone.conv1.weight") {
        tensor = tensor.detach().clone();
        tensor.view(-1)[3] = value;
      }
    write_checkpoint(dir / "diverged.pt", checkpoint);
    for (const bool is_start : {true, false}) {
      const Failure failure = failure_of([&] {
        if (is_start)
          load_initial_weights(*network, dir / "diverged.pt");
        else
          load_network(dir / "diverged.pt", at::kCPU);
      });
      CHECK(failure.kind == ErrorKind::bad_input);
      CHECK_THAT(failure.message,
                 Contains("diverged.pt: 1 of the ") && Contains("numbers of backbone.conv1.weight are NaN or"));
    }
  }
}

TEST_CASE("a checkpoint tells all that a network needs", "[weights]") {
  TemporaryDirectory dir;
  for (const NetworkSpec& spec : {NetworkSpec{.backbone = "tiny", .head = "largefov", .classes = 3},
                                  NetworkSpec{.backbone = "efficientnet_lite0", .classes = 5, .output_stride = 8}}) {
    auto network = make_network(spec, 4);
    network->set_normalisation(parse_normalisation("caffe_bgr"));
    const std::vector<std::string> classes = {"background", "a chair", "\"quoted\" é"};
    write_checkpoint(dir / "segmenter.pt",
                     make_checkpoint(*network, {{"temperature", "20"}, {"class_names", record_list(classes)}}));
    const LoadedNetwork loaded = load_network(dir / "segmenter.pt", at::kCPU);
    CHECK(loaded.network->spec().backbone == spec.backbone);
    CHECK(loaded.network->spec().head == spec.head);
    CHECK(loaded.network->spec().classes == spec.classes);
    CHECK(loaded.network->spec().output_stride == network->spec().output_stride);
    CHECK(loaded.network->normalisation().name == "caffe_bgr");
    CHECK(loaded.record.at("temperature") == "20");
    CHECK(parse_record_list(loaded.record.at("class_names")) == classes);
    const at::NoGradGuard no_grad;
    const at::Tensor input = at::ones({1, 3, 40, 40});
    CHECK(at::equal(loaded.network->features(input, {}), network->features(input, {})));
  }
  CHECK(parse_record_list(record_list({})).empty());
}

TEST_CASE("a bare checkpoint is told from its names and shapes", "[weights]") {
  TemporaryDirectory dir;
  const auto lite0 = make_network({.head = "largefov", .classes = 6}, 1);
  write_checkpoint(dir / "bare.pt", {lite0->state_dict(), {}});
  const LoadedNetwork loaded = load_network(dir / "bare.pt", at::kCPU);
  CHECK(loaded.network->spec().backbone == "efficientnet_lite0");
  CHECK(loaded.network->spec().head == "largefov");
  CHECK(loaded.network->spec().classes == 6);
  CHECK(loaded.record.empty());
  const auto vgg = numbered_vgg16("plain", 1, 3);
  write_checkpoint(dir / "vgg.pt", {vgg->state_dict(), {}});
  const LoadedNetwork plain = load_network(dir / "vgg.pt", at::kCPU);
  CHECK(plain.network->spec().head == "plain");
  CHECK(plain.network->spec().classes == 3);
  CHECK(plain.network->normalisation().name == "caffe_bgr");
  CHECK(load_network(dir / "vgg.pt", at::kCPU, "largefov").network->spec().head == "largefov");
}

TEST_CASE("every backbone and head is told from the names of its tensors alone", "[weights]") {
  TemporaryDirectory dir;
  for (const Backbone& backbone : backbones()) {
    for (const std::string& head : backbone.heads) {
      const auto network = make_empty_network({.backbone = backbone.name, .head = head, .classes = 3});
      const NamedTensors state = network->state_dict();
      INFO(backbone.name << " " << head);
      CHECK(state.front().first == backbone.first_tensor);
      CHECK(backbone_with(state) == &backbone);
      CHECK(recognise_weights({state, {}}).backbone == backbone.name);
      write_checkpoint(dir / "bare.pt", {state, {}});
      const LoadedNetwork loaded = load_network(dir / "bare.pt", at::kCPU, head);
      CHECK(loaded.network->spec().backbone == backbone.name);
      CHECK(loaded.network->spec().head == head);
      CHECK(loaded.network->normalisation().name == network->normalisation().name);
    }
  }
}

TEST_CASE("a file that is no network is refused, with what it holds", "[weights]") {
  TemporaryDirectory dir;
  write_checkpoint(dir / "other.pt", {{{"encoder.weight", at::zeros({3})}}, {}});
  Failure failure = failure_of([&] { load_network(dir / "other.pt", at::kCPU); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("encoder.weight"));
  const auto tiny = make_network(kTiny, 0);
  NamedTensors backbone = tiny->state_dict();
  backbone.pop_back();
  write_checkpoint(dir / "backbone.pt", {backbone, {}});
  failure = failure_of([&] { load_network(dir / "backbone.pt", at::kCPU); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("--init"));
  Checkpoint checkpoint = make_checkpoint(*tiny, {});
  checkpoint.record["head"] = "largefov";
  write_checkpoint(dir / "head.pt", checkpoint);
  failure = failure_of([&] { load_network(dir / "head.pt", at::kCPU); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("missing: backbone.fc6.weight"));
  checkpoint.record["head"] = "aspp";
  write_checkpoint(dir / "head.pt", checkpoint);
  failure = failure_of([&] { load_network(dir / "head.pt", at::kCPU); });
  CHECK(failure.kind == ErrorKind::bad_input);
  CHECK_THAT(failure.message, Contains("head.pt") && Contains("aspp"));
}
