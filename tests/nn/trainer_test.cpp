#include "common/training/trainer.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/io/tensorboard/event_file.h"
#include "common/io/tensorboard/event_record.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

struct EveryThreeSteps {
  EveryThreeSteps() { setenv("BOXSEG_CHECKPOINT_EVERY_STEPS", "3", 1); }
  ~EveryThreeSteps() { unsetenv("BOXSEG_CHECKPOINT_EVERY_STEPS"); }
};

constexpr int64_t kSteps = 8;

// This is a small problem whose data are a function of the step: which of two hues fills the image. Lite0 has batch
// norm statistics that a resumed run must take up, and tiny is quick.
class Problem {
 public:
  explicit Problem(const std::string& backbone)
      : network_(make_network({.backbone = backbone, .classes = 2, .classifier_std = 0.1}, 5)) {
    options_.sgd.learning_rate = 0.01;
    options_.schedule = {"poly", {}, kSteps};
    options_.log_every = 4;
    options_.shown_options = {{"backbone", backbone}};
    options_.picture = [](int64_t it) {
      RgbImage image(2, 3);
      image.pixels[0] = static_cast<uint8_t>(it);
      return image;
    };
    set_log_level(LogLevel::error);
    at::set_num_threads(1);  // small tensors: threads would only wait for each other
  }

  StepReport step(int64_t it) {
    Random random(1, "trainer-test", static_cast<uint64_t>(it));
    at::Tensor input = at::empty({4, 3, 32, 32}), target = at::empty({4}, at::kLong);
    Pass pass{.is_training = true, .seed = 1, .step = static_cast<uint64_t>(it)};
    for (int64_t n = 0; n < 4; ++n) {
      target[n].fill_(random.below(2));
      input[n].fill_(random.uniform(-0.2, 0.2));
      input[n][target[n].item<int64_t>()].add_(1);
      pass.image_keys.push_back(random.bits());
    }
    const at::Tensor features = network_->features(input, pass).mean({2, 3}, true);
    const at::Tensor logits = at::conv2d(features, network_->classifier_weight()).flatten(1);
    const at::Tensor loss = at::cross_entropy_loss(logits, target);
    loss.backward();
    return {{"loss", loss.item<double>()}, {"step", static_cast<double>(it)}};
  }

  // Runs in `dir`; `on_step` sees each step before it is computed.
  void run(const fs::path& dir, const std::string& key = "key", const std::function<void(int64_t)>& on_step = {}) {
    train(
        *network_, options_, dir, key,
        [&](int64_t it) {
          if (on_step) on_step(it);
          return step(it);
        },
        [&](int64_t first) { first_ = first; });
  }

  std::string digest() const { return digest_of_checkpoint(make_checkpoint(*network_, {})); }
  int64_t first() const { return first_; }
  Network& network() { return *network_; }
  TrainingOptions& options() { return options_; }

 private:
  std::unique_ptr<Network> network_;
  TrainingOptions options_;
  int64_t first_ = 0;
};

struct Killed {};

// Returns what TensorBoard is shown, without times: the events of all files but the marks at their beginnings.
std::vector<std::string> shown_events(const fs::path& dir) {
  std::vector<std::string> events;
  for (const fs::path& path : event_files(dir)) {
    const std::string bytes = read_file(path);
    std::string_view rest(bytes), event;
    for (int64_t i = 0; take_event_record(rest, event); ++i)
      if (i >= 2) events.emplace_back(event.substr(9));  // the time is a tag and 8 bytes in front
  }
  return events;
}

}  // namespace

TEST_CASE("training lowers the loss and logs means that can be read back", "[trainer]") {
  TemporaryDirectory dir;
  Problem problem("tiny");
  double first = 0, last = 0;
  problem.options().schedule.iterations = 40;
  train(
      problem.network(), problem.options(), dir.path(), "key",
      [&](int64_t it) {
        const StepReport report = problem.step(it);
        (it == 1 ? first : last) = report[0].second;
        return report;
      },
      [](int64_t) {});
  CHECK(last < 0.3 * first);
  const std::string log = read_file(dir / "log.jsonl");
  CHECK(std::count(log.begin(), log.end(), '\n') == 10);
  CHECK(log.rfind("{\"step\":4,\"learning_rate\":0.009", 0) == 0);
  CHECK_THAT(log, Contains("\"step\":2.5}"));  // mean of 1..4
  // There are the options, ten lines, and pictures of steps 1, 5, 10, ..., 40.
  const std::vector<std::string> events = shown_events(dir.path());
  CHECK(events.size() == 1 + 10 + 9);
  CHECK_THAT(events.at(0), Contains("options") && Contains("| backbone | tiny |"));
}

TEST_CASE("a killed run goes on from its checkpoint to the bytes of an undisturbed one", "[trainer]") {
  const EveryThreeSteps checkpoints;
  for (const auto& [backbone, kills] :
       std::vector<std::pair<std::string, std::vector<int64_t>>>{{"tiny", {2, 6, 8}}, {"efficientnet_lite0", {8}}}) {
    TemporaryDirectory undisturbed, killed;
    Problem reference(backbone);
    reference.run(undisturbed.path());
    CHECK(reference.first() == 1);
    for (const int64_t at_step : kills) {
      Problem problem(backbone);
      CHECK_THROWS_AS(problem.run(killed.path(), "key",
                                  [&](int64_t it) {
                                    if (it == at_step) throw Killed();
                                  }),
                      Killed);
    }
    Problem resumed(backbone);
    resumed.run(killed.path());
    CHECK(resumed.first() == 7);
    CHECK(resumed.digest() == reference.digest());
    CHECK(read_file(killed / "log.jsonl") == read_file(undisturbed / "log.jsonl"));
    CHECK(shown_events(killed.path()) == shown_events(undisturbed.path()));
    CHECK(event_files(killed.path()).size() > 1);
    Problem finished(backbone);  // has nothing left to do
    finished.run(killed.path(), "key", [](int64_t) { throw Killed(); });
    CHECK(finished.first() == kSteps + 1);
    CHECK(finished.digest() == reference.digest());
  }
}

TEST_CASE("a checkpoint of other inputs or options, or a damaged one, is not gone on from", "[trainer]") {
  const EveryThreeSteps checkpoints;
  TemporaryDirectory dir;
  Problem first("tiny");
  first.run(dir.path(), "one");
  Problem second("tiny");
  second.run(dir.path(), "two");
  CHECK(second.first() == 1);
  CHECK(second.digest() == first.digest());
  const std::string log = read_file(dir / "log.jsonl");
  CHECK(std::count(log.begin(), log.end(), '\n') == 2);  // the first run's lines are gone
  write_file(dir / "checkpoint.pt", read_file(dir / "checkpoint.pt").substr(0, 1000));
  Problem third("tiny");
  third.run(dir.path(), "two");
  CHECK(third.first() == 1);
  CHECK(third.digest() == first.digest());
}

TEST_CASE("a loss that is not a number ends training with the step and a hint", "[trainer]") {
  TemporaryDirectory dir;
  Problem problem("tiny");
  try {
    train(
        problem.network(), problem.options(), dir.path(), "key",
        [&](int64_t it) {
          return StepReport{{"loss", it < 3 ? 1.0 : std::numeric_limits<double>::quiet_NaN()}};
        },
        [](int64_t) {});
    FAIL("went on");
  } catch (const Error& e) {
    CHECK(e.exit_code() == 1);
    CHECK_THAT(e.what(), Contains("step 3") && Contains("--learning-rate"));
  }
}

TEST_CASE("no iterations train nothing", "[trainer]") {
  TemporaryDirectory dir;
  Problem problem("tiny");
  const std::string before = problem.digest();
  problem.options().schedule.iterations = 0;
  problem.run(dir.path(), "key", [](int64_t) { throw Killed(); });
  CHECK(problem.digest() == before);
}

// The next test runs this in a process of its own, since a signal cannot be taken back.
TEST_CASE("interrupted training", "[.interrupted-child]") {
  if (std::getenv("BOXSEG_TEST_DIR") == nullptr) return;  // a filter such as ~[golden] selects hidden tests too
  const fs::path dir = std::getenv("BOXSEG_TEST_DIR");
  const int64_t at_step = std::atoll(std::getenv("BOXSEG_TEST_STEP"));
  const std::string where = std::getenv("BOXSEG_TEST_WHERE");
  watch_interrupts();
  Problem problem("efficientnet_lite0");
  try {
    train(
        problem.network(), problem.options(), dir, "key",
        [&](int64_t it) {
          if (it == at_step && where == "before") raise(SIGTERM);
          if (it == at_step && where == "backward") {
            // The first gradient that is ready raises the signal: the backward pass must stop at the next layer.
            problem.network().classifier_weight().register_hook([](const at::Tensor&) { raise(SIGTERM); });
          }
          const StepReport report = problem.step(it);
          if (is_interrupted()) std::printf("the step was not broken off\n");
          if (it == at_step && where == "after") raise(SIGTERM);
          return report;
        },
        [](int64_t) {});
  } catch (const Error& e) {
    std::printf("exit %d\n", e.exit_code());
    std::exit(e.exit_code());
  }
  std::exit(0);
}

TEST_CASE("a signal drops the step under way, keeps the last one and loses nothing", "[trainer]") {
  TemporaryDirectory undisturbed;
  Problem reference("efficientnet_lite0");
  reference.run(undisturbed.path());
  for (const std::string where : {"before", "backward", "after"}) {
    TemporaryDirectory dir;
    for (const int64_t step : {3, 6}) {
      const CommandResult child = run_command(
          "BOXSEG_TEST_DIR='" + dir.path().string() + "' BOXSEG_TEST_STEP=" + std::to_string(step) +
          " BOXSEG_TEST_WHERE=" + where + " /proc/" + std::to_string(getpid()) + "/exe '[.interrupted-child]'");
      INFO(where << ": " << child.out << child.err);
      REQUIRE(child.exit_code == 75);
      CHECK_THAT(child.out, !Contains("not broken off"));  // forward and backward passes stop between two layers
    }
    Problem resumed("efficientnet_lite0");
    resumed.run(dir.path());
    INFO(where);
    CHECK(resumed.first() == 6);
    CHECK(resumed.digest() == reference.digest());
    CHECK(read_file(dir / "log.jsonl") == read_file(undisturbed / "log.jsonl"));
    CHECK(shown_events(dir.path()) == shown_events(undisturbed.path()));
  }
}
