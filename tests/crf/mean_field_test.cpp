#include "common/crf/mean_field.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "common/base/random.h"
#include "common/crf/mean_field_kernel.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using crf::BeliefUpdate;
using crf::Panels;

namespace {

using Update = std::function<void(const BeliefUpdate&, int64_t from, int64_t to)>;

constexpr float kUntouched = -7;

// Holds scores as a CRF meets them, with differences from 0 to beyond what exp() can hold.
struct Inputs {
  int64_t labels, pixels;
  Panels panels = Panels::for_labels(labels);
  std::vector<float> unary, messages;

  Inputs(int64_t labels, int64_t pixels) : labels(labels), pixels(pixels) {
    Random random(1, "mean field", static_cast<uint64_t>(labels), static_cast<uint64_t>(pixels));
    for (int64_t i = 0; i < panels.columns() * pixels; ++i) {
      unary.push_back(column(i) < labels - 1 ? static_cast<float>(random.uniform(-100, 20)) : crf::kNoLabel);
      messages.push_back(column(i) < labels - 1 ? static_cast<float>(random.uniform(0, 9)) : 0.0f);
    }
  }
  int64_t column(int64_t i) const { return i / (pixels * panels.width) * panels.width + i % panels.width; }
  size_t at(int64_t k, int64_t p) const {
    return static_cast<size_t>((k / panels.width * pixels + p) * panels.width + k % panels.width);
  }
};

// Returns the beliefs [panels], then the last label's [P].
std::vector<float> run(const Inputs& in, bool has_messages, int64_t from, int64_t to, const Update& update) {
  std::vector<float> out(in.unary.size() + static_cast<size_t>(in.pixels), kUntouched);
  update({in.panels, in.pixels, in.unary.data(), has_messages ? in.messages.data() : nullptr, out.data(),
          out.data() + in.unary.size()},
         from, to);
  return out;
}

void check_same_bits(const Update& one, const Update& other) {
  for (const int64_t labels : {2, 3, 4, 5, 6, 21})
    for (const int64_t pixels : {1, 3, 7, 8, 15, 16, 17, 31, 40, 333})
      for (const bool has_messages : {false, true}) {
        const Inputs in(labels, pixels);
        const int64_t from = pixels / 5, to = pixels - pixels / 7;
        const auto a = run(in, has_messages, from, to, one), b = run(in, has_messages, from, to, other);
        INFO(labels << " labels, " << pixels << " pixels, " << (has_messages ? "" : "no ") << "messages");
        CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
      }
}

void eight_lanes(const BeliefUpdate& u, int64_t from, int64_t to) { crf::update_beliefs_in<8>(u, from, to); }
void sixteen_lanes(const BeliefUpdate& u, int64_t from, int64_t to) { crf::update_beliefs_in<16>(u, from, to); }
void compiled(const BeliefUpdate& u, int64_t from, int64_t to) {
  crf::update_beliefs(u, from, to, InstructionSet::kCompiled);
}
void avx512(const BeliefUpdate& u, int64_t from, int64_t to) {
  crf::update_beliefs(u, from, to, InstructionSet::kAvx512);
}

}  // namespace

TEST_CASE("beliefs equal a softmax in double, and nothing beside the pixels asked for is written") {
  for (const int64_t labels : {2, 3, 5, 21})
    for (const bool has_messages : {false, true}) {
      const Inputs in(labels, 50);
      const int64_t from = 3, to = 48;
      const auto q = run(in, has_messages, from, to, compiled);
      for (int64_t p = 0; p < in.pixels; ++p) {
        std::vector<double> z(static_cast<size_t>(labels), 0.0);
        double total = 0, sum = 0;
        for (int64_t k = 0; has_messages && k < labels - 1; ++k) total += in.messages[in.at(k, p)];
        for (int64_t k = 0; k < labels - 1; ++k)
          z[static_cast<size_t>(k)] = in.unary[in.at(k, p)] + (has_messages ? in.messages[in.at(k, p)] : 0) + total;
        const double largest = *std::max_element(z.begin(), z.end());
        for (const double x : z) sum += std::exp(x - largest);
        for (int64_t k = 0; k < labels; ++k) {
          INFO(labels << " labels, label " << k << ", pixel " << p);
          const float belief = k < labels - 1 ? q[in.at(k, p)] : q[in.unary.size() + static_cast<size_t>(p)];
          if (p < from || p >= to)
            CHECK(belief == kUntouched);
          else
            CHECK(belief == Approx(std::exp(z[static_cast<size_t>(k)] - largest) / sum).epsilon(1e-4).margin(1e-37));
        }
      }
    }
}

TEST_CASE("sixteen lanes give the bits of eight") { check_same_bits(eight_lanes, sixteen_lanes); }

TEST_CASE("AVX-512 gives the bits of the instructions that the program is compiled for") {
  if (instruction_set() != InstructionSet::kAvx512) {
    test::skip("this CPU has no AVX-512, or ATEN_CPU_CAPABILITY goes without");
    return;
  }
  check_same_bits(compiled, avx512);
}
