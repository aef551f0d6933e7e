// Draws charts as HTML and inline SVG. Text stays HTML, so that it keeps its size on a phone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace boxseg {

struct Bar {
  std::string label;
  std::optional<double> value;  // percent; nothing: no bar
  std::string style;            // CSS class of its colour: "base", "pseudo", "net", "upper"
};
// Draws horizontal bars from 0 to 100 with the number at the end.
std::string bar_chart(const std::vector<Bar>& bars);

struct GroupedBars {
  std::vector<std::string> series;                         // legend, at most 8
  std::vector<std::string> groups;                         // class names
  std::vector<std::string> group_colors;                   // "#rrggbb" beside each name, may be empty
  std::vector<std::vector<std::optional<double>>> values;  // [group][series], percent
};
std::string grouped_bar_chart(const GroupedBars& bars);

struct Line {
  std::string label;
  std::vector<std::pair<double, double>> points;  // x ascending
};
struct LineChart {
  std::string title, x_label;
  std::vector<Line> lines;
  bool starts_at_zero = true;
  bool is_smoothed = true;  // a running mean over 1/40 of the points in front of the faint points themselves
};
std::string line_chart(const LineChart& chart);

// Returns about `count` round numbers that cover [low, high].
std::vector<double> ticks(double low, double high, int count);
// Averages neighbouring points, so that at most `most` remain.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points, size_t most);

}  // namespace boxseg
