#include "eval/report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/report/html.h"

namespace boxseg {
namespace {

using Points = std::vector<std::pair<double, double>>;

std::string number(double value) {
  const double size = std::abs(value);
  if (size < 1e-12) return "0";
  if (size < 1e-4 || size >= 1e6) return fmt::format("{:.0e}", value);
  std::string text = fmt::format("{:.6f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

double width_of(const std::optional<double>& value) { return value ? std::clamp(*value, 0.0, 100.0) : 0.0; }

std::string legend(const std::vector<std::string>& names) {
  std::string html = "<div class=\"legend\">";
  for (size_t i = 0; i < names.size(); ++i)
    html += fmt::format("<span><i class=\"key s{}\"></i>{}</span>", i % 8, escaped(names[i]));
  return html + "</div>";
}

Points smoothed(const Points& points) {
  const auto n = static_cast<int64_t>(points.size()), reach = n / 80;  // a short curve stays as it is
  Points result;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t first = std::max<int64_t>(0, i - reach), last = std::min(n - 1, i + reach);
    double sum = 0;
    for (int64_t k = first; k <= last; ++k) sum += points[static_cast<size_t>(k)].second;
    result.emplace_back(points[static_cast<size_t>(i)].first, sum / static_cast<double>(last - first + 1));
  }
  return result;
}

}  // namespace

std::string bar_chart(const std::vector<Bar>& bars) {
  std::string html = "<div class=\"bars\" role=\"img\" aria-label=\"bar chart\">\n";
  for (const Bar& bar : bars) {
    const std::string value = bar.value ? fmt::format("{:.1f}", *bar.value) : "none";
    html += fmt::format(
        "<div class=\"row\"><span class=\"name\">{}</span><span class=\"track\"><span class=\"bar {}\" "
        "style=\"width:{:.2f}%\"></span></span><span class=\"num\">{}</span></div>\n",
        escaped(bar.label), bar.style, width_of(bar.value), value);
  }
  return html + "</div>\n";
}

std::string grouped_bar_chart(const GroupedBars& bars) {
  std::string html = legend(bars.series) + "<div class=\"groups\">\n";
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    const std::string color = g < bars.group_colors.size() && !bars.group_colors[g].empty()
                                  ? fmt::format("<i class=\"chip\" style=\"background:{}\"></i>", bars.group_colors[g])
                                  : "";
    html += fmt::format("<div class=\"group\"><span class=\"name\">{}{}</span><span class=\"stack\">", color,
                        escaped(bars.groups[g]));
    for (size_t s = 0; s < bars.series.size(); ++s) {
      const auto& value = bars.values[g][s];
      html += fmt::format(
          "<span class=\"line\"><span class=\"track\"><span class=\"bar s{}\" style=\"width:{:.2f}%\" "
          "title=\"{}: {}\"></span></span><span class=\"num\">{}</span></span>",
          s % 8, width_of(value), escaped(bars.series[s]), value ? fmt::format("{:.2f}", *value) : "none",
          value ? fmt::format("{:.0f}", *value) : "&ndash;");
    }
    html += "</span></div>\n";
  }
  return html + "</div>\n";
}

std::vector<double> ticks(double low, double high, int count) {
  const double span = high - low;
  if (!(span > 0) || count < 1) return {low};
  const double raw = span / count, power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double m : {1.0, 2.0, 5.0})
    if (m * power >= raw * 0.999) {
      step = m * power;
      break;
    }
  std::vector<double> result;
  for (auto k = static_cast<int64_t>(std::ceil(low / step - 1e-9)); static_cast<double>(k) * step <= high + 1e-9 * step;
       ++k)
    result.push_back(static_cast<double>(k) * step);
  return result;
}

Points thinned(const Points& points, size_t most) {
  if (points.size() <= most || most == 0) return points;
  Points result;
  for (size_t b = 0; b < most; ++b) {
    const size_t first = b * points.size() / most, end = (b + 1) * points.size() / most;
    double x = 0, y = 0;
    for (size_t i = first; i < end; ++i) x += points[i].first, y += points[i].second;
    const auto n = static_cast<double>(end - first);
    result.emplace_back(x / n, y / n);
  }
  return result;
}

std::string line_chart(const LineChart& chart) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double x_low = kInfinity, x_high = -kInfinity, y_low = chart.starts_at_zero ? 0 : kInfinity, y_high = -kInfinity;
  std::vector<Points> raw, smooth;
  std::vector<std::string> names;
  for (const Line& line : chart.lines) {
    names.push_back(line.label);
    raw.push_back(thinned(line.points, 400));
    smooth.push_back(chart.is_smoothed ? smoothed(raw.back()) : raw.back());
    for (const auto& [x, y] : raw.back()) x_low = std::min(x_low, x), x_high = std::max(x_high, x);
    // The axis follows the smooth line and most of the points: single spikes may leave the picture.
    std::vector<double> values;
    for (const auto& [x, y] : raw.back()) values.push_back(y);
    for (const auto& [x, y] : smooth.back()) y_low = std::min(y_low, y), y_high = std::max(y_high, y);
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    y_high = std::max(y_high, values[static_cast<size_t>(0.99 * static_cast<double>(values.size() - 1))]);
  }
  if (!(x_high >= x_low) || !(y_high >= y_low)) return "";
  if (x_high == x_low) x_high = x_low + 1;
  if (y_high == y_low) y_high = y_low + 1;
  y_high += 0.04 * (y_high - y_low);
  const auto across = [&](double x) { return 1000 * (x - x_low) / (x_high - x_low); };
  const auto down = [&](double y) { return 400 - 400 * (y - y_low) / (y_high - y_low); };
  const auto path = [&](const Points& points, size_t series, const char* kind) {
    if (points.empty()) return std::string();
    std::string d;
    for (const auto& [x, y] : points) d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", across(x), down(y));
    if (points.size() == 1) d += "h1";
    return fmt::format("<path class=\"{} s{}{}\" d=\"{}\"/>", kind, series % 8, series >= 8 ? " dashed" : "", d);
  };

  std::string svg, labels;
  for (const double y : ticks(y_low, y_high, 4)) {
    svg += fmt::format("<path class=\"grid\" d=\"M0 {0:.1f}H1000\"/>", down(y));
    labels += fmt::format("<span class=\"ytick\" style=\"top:{:.2f}%\">{}</span>", down(y) / 4, number(y));
  }
  for (const double x : ticks(x_low, x_high, 4))
    labels += fmt::format("<span class=\"xtick\" style=\"left:{:.2f}%\">{}</span>", across(x) / 10, number(x));
  for (size_t i = 0; i < raw.size(); ++i)
    if (smooth[i] != raw[i]) svg += path(raw[i], i, "faint");
  for (size_t i = 0; i < smooth.size(); ++i) svg += path(smooth[i], i, "curve");
  return fmt::format(
      "<figure class=\"chart\"><figcaption>{}</figcaption>{}<div class=\"plot\"><svg viewBox=\"0 0 1000 400\" "
      "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{}</svg>{}</div><div "
      "class=\"xlabel\">{}</div></figure>\n",
      escaped(chart.title), legend(names), escaped(chart.title), svg, labels, escaped(chart.x_label));
}

}  // namespace boxseg
