// Computes mean and standard deviation of a number over seeds.
#pragma once
#include <cmath>
#include <vector>

namespace boxseg {

struct Spread {
  double mean = 0, deviation = 0;  // deviation: of a sample (n - 1); 0 for a single value
};

// There must be at least one value.
inline Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  for (const double v : values) spread.mean += v / static_cast<double>(values.size());
  for (const double v : values) spread.deviation += (v - spread.mean) * (v - spread.mean);
  if (values.size() > 1)
    spread.deviation = std::sqrt(spread.deviation / static_cast<double>(values.size() - 1));
  else
    spread.deviation = 0;
  return spread;
}

}  // namespace boxseg
