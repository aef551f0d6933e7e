#include "common/ops/device.h"

#include <filesystem>
#include <string>

#include "common/base/files.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::string kDefaultList = "75-real,80-real,86-real,89-real,90";

bool is_cpu_build() { return built_cuda_architectures().empty(); }

CudaDriver driver_with(const std::vector<Card>& cards) { return {.is_present = true, .cards = cards, .trouble = ""}; }

// Starts a program of this build where libcuda.so.1 is the fake one and answers as `fake` says. Its other arguments are
// complete, but the checkpoint is missing: with a device to work on it ends with exit code 3.
CommandResult start_program(const std::string& device, const std::string& fake, const std::string& environment = "",
                            const std::string& driver_folder = BOXSEG_FAKE_CUDA_DIR) {
  const TemporaryDirectory dir;
  return run_command("env -u CUDA_VISIBLE_DEVICES " + environment + " LD_LIBRARY_PATH='" + driver_folder +
                     "' BOXSEG_FAKE_CUDA='" + fake + "' '" + BOXSEG_BIN_DIR +
                     "/stage3_segment' predict --checkpoint '" + (dir / "missing.pt").string() + "' --images '" +
                     dir.path().string() + "' --output '" + (dir / "out").string() + "' --device " + device);
}

}  // namespace

TEST_CASE("which cards a list of architectures serves", "[device]") {
  struct Row {
    std::string built;
    Capability card;
    bool is_served;
  };
  const std::vector<Row> rows = {
      {"", {9, 0}, false},
      // Machine code serves the same major version, from its minor version on.
      {"75-real", {7, 5}, true},
      {"80-real", {8, 0}, true},
      {"80-real", {8, 6}, true},
      {"80-real", {8, 9}, true},
      {"86-real", {8, 0}, false},
      {"80-real", {9, 0}, false},
      {"75-real", {8, 0}, false},
      {"75-real", {7, 0}, false},
      // PTX serves everything from there on.
      {"80-virtual", {8, 0}, true},
      {"80-virtual", {12, 0}, true},
      {"80-virtual", {7, 5}, false},
      // A plain number stands for both.
      {"90", {9, 0}, true},
      {"90", {10, 3}, true},
      {"90", {8, 9}, false},
      {"120", {12, 1}, true},
      {"120", {9, 0}, false},
      // Lists serve what any entry serves.
      {"75-real,90", {8, 6}, false},
      {kDefaultList, {6, 1}, false},
      {kDefaultList, {7, 5}, true},
      {kDefaultList, {8, 0}, true},
      {kDefaultList, {8, 6}, true},
      {kDefaultList, {8, 7}, true},
      {kDefaultList, {8, 9}, true},
      {kDefaultList, {9, 0}, true},
      {kDefaultList, {12, 0}, true},
  };
  for (const Row& row : rows) {
    INFO("\"" << row.built << "\" on " << row.card.text());
    CHECK(is_served(row.card, parse_cuda_architectures(row.built)) == row.is_served);
  }
}

TEST_CASE("a list of architectures is put into words, and a wrong one is refused", "[device]") {
  CHECK(architectures_text(parse_cuda_architectures("75-real, 80-real,90")) ==
        "machine code for 7.5, 8.0, 9.0 and PTX for 9.0");
  CHECK(architectures_text(parse_cuda_architectures("80-virtual")) == "PTX for 8.0");
  CHECK(architectures_text({}) == "no code for GPUs");
  for (const char* wrong : {"native", "8", "86-fast", "1000", "-real", "9 0"}) {
    INFO(wrong);
    CHECK(failure_of([&] { parse_cuda_architectures(wrong); }).mentions(wrong));
  }
  CHECK_NOTHROW(parse_cuda_architectures(built_cuda_architectures()));
}

TEST_CASE("a card that the build does not serve is told how to be served", "[device]") {
  const auto built = parse_cuda_architectures("75-real,90");
  const CudaDriver driver =
      driver_with({{"NVIDIA A10", {8, 6}}, {"NVIDIA H100", {9, 0}}, {"GeForce GTX 1080", {6, 1}}});
  CHECK_THAT(trouble_with_gpu(driver, built, 0), Contains("NVIDIA A10 has compute capability 8.6") &&
                                                     Contains("machine code for 7.5, 9.0 and PTX for 9.0") &&
                                                     Contains("CUDA_ARCHS=86"));
  CHECK(trouble_with_gpu(driver, built, 1) == "");
  CHECK_THAT(trouble_with_gpu(driver, built, 2), Contains("GTX 1080 has compute capability 6.1") &&
                                                     Contains("none older than 7.5") && !Contains("CUDA_ARCHS"));
  for (const int64_t index : {int64_t{3}, int64_t{-1}})
    CHECK_THAT(trouble_with_gpu(driver, built, index), Contains("no such GPU") && Contains("cuda:1 is NVIDIA H100"));
}

TEST_CASE("a build for CPUs only says so, and what else is missing", "[device]") {
  CudaDriver driver = driver_with({{"NVIDIA H100", {9, 0}}});
  CHECK_THAT(trouble_with_gpu(driver, {}, 0), Contains("CPUs only") && Contains("build CUDA=1") && !Contains("but"));
  driver = {.is_present = false, .cards = {}, .trouble = "this machine has no NVIDIA driver"};
  CHECK_THAT(trouble_with_gpu(driver, {}, 0),
             Contains("CPUs only") && Contains("but this machine has no NVIDIA driver"));
  CHECK(trouble_with_gpu(driver, parse_cuda_architectures("90"), 0) == driver.trouble);
}

TEST_CASE("names of devices", "[device]") {
  CHECK(resolve_device("cpu").is_cpu());
  CHECK_NOTHROW(resolve_device("auto"));
  for (const char* wrong : {"gpu", "cuda:", "cuda:x", ""}) {
    INFO(wrong);
    CHECK(failure_of([&] { resolve_device(wrong); }).kind == ErrorKind::usage);
  }
  CHECK_THAT(usage_message_of([] { resolve_device("gpu"); }), Contains("gpu") && Contains("cuda:N"));
  CHECK_THAT(usage_message_of([] { resolve_device("cuda:99"); }),
             Contains("--device cuda:99") && Contains("--device cpu works"));
}

TEST_CASE("programs say what is wrong with the driver, and exit with 2", "[device]") {
  struct Row {
    std::string fake, environment;
    std::vector<std::string> expected;
  };
  const std::vector<Row> rows = {
      {"version=12080 cards=9.0", "", {"too old", "CUDA up to 12.8", "driver 580"}},
      {"version=12080 init=803", "", {"too old"}},
      {"init=100", "", {"shows no GPU", "100: no CUDA-capable device"}},
      {"init=803 cards=9.0", "", {"803", "restarted"}},
      {"init=34", "", {"stub", "LD_LIBRARY_PATH"}},
      {"cards=9.0", "CUDA_VISIBLE_DEVICES=", {"shows no GPU", "CUDA_VISIBLE_DEVICES= may hide"}},
      {"", "", {"shows no GPU"}},
  };
  for (const Row& row : rows) {
    const CommandResult result = start_program("cuda", row.fake, row.environment);
    INFO(row.fake << " " << row.environment << ": " << result.err);
    CHECK(result.exit_code == 2);
    for (const std::string& text : row.expected) CHECK_THAT(result.err, Contains(text));
    CHECK_THAT(result.err, Contains("--device cuda: ") && Contains("--device cpu works everywhere"));
    CHECK((result.err.find("CPUs only") != std::string::npos) == is_cpu_build());
  }
}

TEST_CASE("programs without a driver say so, and exit with 2", "[device]") {
  const TemporaryDirectory dir;  // a file that is no library hides the driver of a machine that has one
  write_file(dir / "libcuda.so.1", "");
  const CommandResult result = start_program("cuda:0", "", "", dir.path().string());
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err,
             Contains("libcuda.so.1") && Contains("NVIDIA driver") && Contains("--device cpu works everywhere"));
  CHECK((result.err.find("CPUs only") != std::string::npos) == is_cpu_build());
}

TEST_CASE("programs say what is wrong with the card that is asked for, and exit with 2", "[device]") {
  struct Row {
    std::string device, fake, expected;
  };
  std::vector<Row> rows = {
      {"cuda:7", "cards=9.0,9.0", "no such GPU; cuda:0 is Fake card 0, cuda:1 is Fake card 1"},
      {"cuda:1", "cards=9.0,6.1", "Fake card 1 has compute capability 6.1"},
      // Nothing is wrong as far as the fake driver can tell, but it is no card that LibTorch could use: its CUDA
      // library is either without what it is linked to, or sees no card.
      {"cuda", "cards=99.0", "LibTorch"},
  };
  if (!is_served({7, 5}, parse_cuda_architectures(built_cuda_architectures())))
    rows.push_back({"cuda", "cards=7.5", "CUDA_ARCHS=75"});
  for (const Row& row : rows) {
    const CommandResult result = start_program(row.device, row.fake);
    INFO(row.device << " " << row.fake << ": " << result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(is_cpu_build() ? "CPUs only" : row.expected));
  }
}

TEST_CASE("without a usable card, auto is the CPU, with the reason where there is a driver", "[device]") {
  const std::string line = "--device auto: the CPU, because ";
  const CommandResult too_old = start_program("auto", "version=12080 cards=9.0");
  INFO(too_old.err);
  CHECK(too_old.exit_code == 3);  // the CPU went on to the missing checkpoint
  CHECK_THAT(too_old.err, Contains(line) && Contains("too old"));

  const CommandResult old_card = start_program("auto", "cards=6.1");
  INFO(old_card.err);
  CHECK(old_card.exit_code == 3);
  CHECK_THAT(old_card.err, Contains(line) && Contains(is_cpu_build() ? "CPUs only" : "6.1"));

  const TemporaryDirectory dir;
  write_file(dir / "libcuda.so.1", "");
  const CommandResult without_driver = start_program("auto", "", "", dir.path().string());
  INFO(without_driver.err);
  CHECK(without_driver.exit_code == 3);
  CHECK_THAT(without_driver.err, !Contains(line));
}
