#include "common/ops/map_products.h"

#include <utility>
#include <vector>

#include "common/base/random.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

struct Size {
  int64_t rows, channels, area;
};
// The sizes lie around groups of rows and channels, vectors of cells, and the block of channels that is summed up on
// its own.
const std::vector<Size> kSizes = {{1, 1, 1},    {4, 3, 8},     {5, 7, 23}, {6, 128, 16},
                                  {7, 129, 33}, {21, 300, 41}, {13, 2, 70}};
// Returns runs of each area: every cell, none, and runs with odd ends.
std::vector<CellRuns> runs_of(int64_t area) {
  return {all_cells(area), {}, {{{area / 3, area / 2}, {area / 2 + area / 4, area}}}};
}

template <class T>
std::vector<T> drawn(const char* name, int64_t count) {
  Random random(3, name);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& v : values) v = static_cast<T>(random.normal());
  return values;
}

// Returns the instruction sets that this CPU has.
std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets = {InstructionSet::kCompiled};
  if (instruction_set() != sets[0]) sets.push_back(instruction_set());
  return sets;
}

bool is_in(const CellRuns& cells, int64_t cell) {
  for (const auto& run : cells.runs)
    if (cell >= run.begin && cell < run.end) return true;
  return false;
}

// Calls body(size, cells, a [rows,C], m [rows,area], f [C,area]) for all sizes and runs.
template <class T, class Body>
void for_each_case(const Body& body) {
  for (const Size& size : kSizes)
    for (const CellRuns& cells : runs_of(size.area))
      body(size, cells, drawn<T>("a", size.rows * size.channels), drawn<T>("m", size.rows * size.area),
           drawn<T>("f", size.channels * size.area));
}

template <class T>
Approx near(double expected) {
  return Approx(expected).margin(sizeof(T) == 4 ? 1e-4 : 1e-12).epsilon(sizeof(T) == 4 ? 1e-5 : 1e-12);
}

}  // namespace

TEMPLATE_TEST_CASE("products of vectors and features are sums over channels, at the cells asked for", "[cpu]", float,
                   double) {
  for_each_case<TestType>([](const Size& size, const CellRuns& cells, const auto& a, const auto&, const auto& f) {
    constexpr TestType kUntouched = 77;
    const std::vector<TestType> untouched(static_cast<size_t>(size.rows * size.area), kUntouched);
    std::vector<TestType> out, others;
    for (const InstructionSet instructions : instruction_sets()) {
      others = std::exchange(out, untouched);
      CellProducts<TestType> products(size.rows, cells, size.area, instructions);
      products.add(a.data(), size.channels, f.data(), size.channels);
      products.write(out.data());
      REQUIRE((others.empty() || out == others));
    }
    for (int64_t r = 0; r < size.rows; ++r)
      for (int64_t cell = 0; cell < size.area; ++cell) {
        double sum = 0;
        for (int64_t c = 0; c < size.channels; ++c)
          sum += static_cast<double>(a[r * size.channels + c]) * static_cast<double>(f[c * size.area + cell]);
        REQUIRE(static_cast<double>(out[r * size.area + cell]) ==
                near<TestType>(is_in(cells, cell) ? sum : kUntouched));
      }
  });
}

TEMPLATE_TEST_CASE("products of maps and features are sums over the cells asked for", "[cpu]", float, double) {
  for_each_case<TestType>([](const Size& size, const CellRuns& cells, const auto&, const auto& m, const auto& f) {
    for (const InstructionSet instructions : instruction_sets()) {
      std::vector<TestType> out(static_cast<size_t>(size.rows * size.channels));
      PackedRows<TestType> packed(cells, size.area, size.rows, instructions);
      packed.pack(m.data(), size.rows);
      const uintptr_t vector_bytes = instructions == InstructionSet::kAvx512 ? kWidestVectorBytes : kVectorBytes;
      for (int64_t r = 0; r < size.rows; ++r) REQUIRE(reinterpret_cast<uintptr_t>(packed.row(r)) % vector_bytes == 0);
      const int64_t middle = size.channels / 3;
      products_at_channels(packed, size.rows, f.data(), size.channels, 0, middle, out.data());
      products_at_channels(packed, size.rows, f.data(), size.channels, middle, size.channels, out.data());
      for (int64_t r = 0; r < size.rows; ++r)
        for (int64_t c = 0; c < size.channels; ++c) {
          double sum = 0;
          for (int64_t cell = 0; cell < size.area; ++cell)
            if (is_in(cells, cell))
              sum += static_cast<double>(m[r * size.area + cell]) * static_cast<double>(f[c * size.area + cell]);
          REQUIRE(static_cast<double>(out[r * size.channels + c]) == near<TestType>(sum));
        }
    }
  });
}

TEMPLATE_TEST_CASE("outer products are added at the channels and cells asked for", "[cpu]", float, double) {
  for_each_case<TestType>([](const Size& size, const CellRuns& cells, const auto& a, const auto& m, const auto& f) {
    const int64_t first = size.channels / 4, last = size.channels - size.channels / 5;
    std::vector<TestType> out, others;
    for (const InstructionSet instructions : instruction_sets()) {
      others = std::exchange(out, f);
      add_outer_products(a.data(), m.data(), size.rows, size.channels, size.area, cells, first, last,
                         out.data() + first * size.area, {}, instructions);
      REQUIRE((others.empty() || out == others));
    }
    for (int64_t c = 0; c < size.channels; ++c)
      for (int64_t cell = 0; cell < size.area; ++cell) {
        double sum = f[c * size.area + cell];
        if (c >= first && c < last && is_in(cells, cell))
          for (int64_t r = 0; r < size.rows; ++r)
            sum += static_cast<double>(a[r * size.channels + c]) * static_cast<double>(m[r * size.area + cell]);
        REQUIRE(static_cast<double>(out[c * size.area + cell]) == near<TestType>(sum));
      }
  });
}

}  // namespace boxseg
