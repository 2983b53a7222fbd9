/// Semantic Versioning 2.0.0 with what npm, Go and crates.io allow besides: a "v" before it, and
/// any number of numbers.

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

struct SemVer {
  std::string_view numbers, pre_release;
};

SemVer split_semver(std::string_view text) {
  if (text.starts_with('=')) text.remove_prefix(1);
  if (text.starts_with('v')) text.remove_prefix(1);
  text = text.substr(0, text.find('+'));
  const std::size_t dash = text.find('-');
  SemVer version{text.substr(0, dash), {}};
  if (dash != text.npos) version.pre_release = text.substr(dash + 1);
  return version;
}

std::string_view take_part(std::string_view& text) {
  const auto part = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

int compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_number = all_digits(a);
  const bool b_number = all_digits(b);
  if (a_number && b_number) return compare_numbers(a, b);
  if (a_number != b_number) return a_number ? -1 : 1;
  return sign(a.compare(b));
}

}  // namespace

bool is_semver(std::string_view text) {
  auto [numbers, pre_release] = split_semver(text);
  if (numbers.empty() || numbers.ends_with('.')) return false;
  // Nothing may be empty: neither what is behind a dash, nor between its dots.
  const bool dash = text.substr(0, text.find('+')).find('-') != text.npos;
  if (dash && (pre_release.empty() || pre_release.starts_with('.') || pre_release.ends_with('.') ||
               pre_release.find("..") != pre_release.npos)) {
    return false;
  }
  while (!numbers.empty()) {
    if (!all_digits(take_part(numbers))) return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view(".-+_=").find(c) != std::string_view::npos;
  });
}

int compare_semver(std::string_view a, std::string_view b) {
  SemVer left = split_semver(a);
  SemVer right = split_semver(b);
  while (!left.numbers.empty() || !right.numbers.empty()) {
    if (const int order = compare_numbers(take_part(left.numbers), take_part(right.numbers))) {
      return order;
    }
  }
  // A pre-release is older than its release.
  if (left.pre_release.empty() != right.pre_release.empty()) {
    return left.pre_release.empty() ? 1 : -1;
  }
  while (!left.pre_release.empty() && !right.pre_release.empty()) {
    const auto x = take_part(left.pre_release);
    const auto y = take_part(right.pre_release);
    if (const int order = compare_identifiers(x, y)) return order;
  }
  return static_cast<int>(!left.pre_release.empty()) - static_cast<int>(!right.pre_release.empty());
}

}  // namespace hallmark::scan
