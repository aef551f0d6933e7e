#include "common/data/formats/box_checks.h"

#include <charconv>
#include <cmath>
#include <set>
#include <tuple>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"

namespace boxseg {
namespace {

// std::from_chars takes no "+".
bool parse(std::string_view text, double& value) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool has_decimal_comma(std::string_view text) {
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos || text.find(',', comma + 1) != std::string_view::npos) return false;
  std::string with_point(text);
  with_point[comma] = '.';
  return is_number(with_point);
}

}  // namespace

std::string Tally::counted(const std::string& one, const std::string& many) const {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

bool is_number(std::string_view text) {
  double value = 0;
  return parse(trim(text), value);
}

double read_box_number(std::string_view text, std::string_view what, const std::string& where) {
  const std::string_view digits = trim(text);
  if (digits.empty()) fail_input("{}: {} is empty, expected a number; write it, or remove the box", where, what);
  double value = 0;
  if (has_decimal_comma(digits))
    fail_input("{}: {} is '{}', with a decimal comma; write all numbers with a point", where, what, visible(digits));
  if (!parse(digits, value))
    fail_input("{}: {} is '{}', expected a number; correct it, or remove the box", where, what, visible(digits));
  if (!std::isfinite(value) || std::fabs(value) > 1e7)
    fail_input("{}: {} is {}, which no image has; correct it, or remove the box", where, what, digits);
  return value;
}

void check_box(const AnnotatedBox& box, const std::string& where) {
  const auto check = [&](double low, double high, char axis) {
    if (low > high)
      fail_input("{}: the box is inverted: {} goes from {} to {}; swap the two, or remove the box", where, axis, low,
                 high);
    if (low == high)
      fail_input("{}: the box has no area: {} goes from {} to {}; correct it, or remove the box", where, axis, low,
                 high);
  };
  check(box.x0, box.x1, 'x');
  check(box.y0, box.y1, 'y');
}

bool looks_like_shares(const AnnotatedBox& box) {
  bool has_fraction = false;
  for (const double value : {box.x0, box.y0, box.x1, box.y1}) {
    if (value < 0 || value > 1) return false;
    has_fraction |= value != std::floor(value);
  }
  return has_fraction;
}

void check_shares(const AnnotatedBox& box, const std::string& where, Tally& outside) {
  const double beyond = std::max({-box.x0, -box.y0, box.x1 - 1, box.y1 - 1});
  if (beyond > 0.5)
    fail_input(
        "{}: the box from ({:.6g}, {:.6g}) to ({:.6g}, {:.6g}) lies far outside of the image, which goes from 0 to 1; "
        "if the numbers are pixels, divide them by the image's width and height, else correct or remove the box",
        where, box.x0, box.y0, box.x1, box.y1);
  if (beyond > 1e-3)
    outside.add(fmt::format("{}: from ({:.6g}, {:.6g}) to ({:.6g}, {:.6g})", where, box.x0, box.y0, box.x1, box.y1));
}

std::string describe_outside(const Tally& outside) {
  return fmt::format(
      "{} beyond the image, which goes from 0 to 1, the first is {}; check that the numbers are shares of width and "
      "height, in the order that the format has",
      outside.counted("box reaches", "boxes reach"), outside.first);
}

void remove_repeats(AnnotatedImage& image, Tally& repeats) {
  using Key = std::tuple<std::string, double, double, double, double, std::vector<std::vector<double>>>;
  std::set<Key> seen;
  std::erase_if(image.boxes, [&](const AnnotatedBox& box) {
    const bool is_new = seen.emplace(box.class_name, box.x0, box.y0, box.x1, box.y1, box.rings).second;
    if (!is_new) repeats.add(fmt::format("{}: {}", image.file.string(), box.place));
    return !is_new;
  });
}

std::string describe_repeats(const Tally& repeats) {
  return fmt::format("{} left out because the same image has the same box already, the first is {}",
                     repeats.counted("box is", "boxes are"), repeats.first);
}

}  // namespace boxseg
