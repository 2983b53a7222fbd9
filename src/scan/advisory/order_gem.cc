/// RubyGems' order: https://docs.ruby-lang.org/en/master/Gem/Version.html

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

/// The next run of digits or of letters; empty at the end.
std::string_view take_segment(std::string_view& text) {
  take(text, [](char c) { return !is_digit(c) && !is_letter(c); });
  if (text.empty()) return {};
  return is_digit(text[0]) ? take(text, is_digit) : take(text, is_letter);
}

bool is_word(std::string_view segment) { return !segment.empty() && !is_digit(segment[0]); }

/// What is behind a dash is a pre-release, as if "pre" stood there.
struct Gem {
  std::string_view rest, behind_dash;
  bool at_dash = false;

  explicit Gem(std::string_view text) {
    const std::size_t dash = text.find('-');
    rest = text.substr(0, dash);
    if (dash != text.npos) {
      behind_dash = text.substr(dash + 1);
      at_dash = true;
    }
  }

  std::string_view next() {
    const auto segment = take_segment(rest);
    if (!segment.empty() || !at_dash) return segment;
    at_dash = false;
    rest = behind_dash;
    return "pre";
  }
};

}  // namespace

bool is_gem_version(std::string_view version) {
  return is_digit(version[0]) && std::all_of(version.begin(), version.end(), [](char c) {
           return is_digit(c) || is_letter(c) || c == '.' || c == '-';
         });
}

int compare_gem(std::string_view a, std::string_view b) {
  Gem left(a);
  Gem right(b);
  while (true) {
    const auto x = left.next();
    const auto y = right.next();
    if (x.empty() && y.empty()) return 0;
    // A missing segment is the number 0; words are older than numbers.
    if (is_word(x) != is_word(y)) return is_word(x) ? -1 : 1;
    if (const int order = is_word(x) ? sign(x.compare(y)) : compare_numbers(x, y)) return order;
  }
}

}  // namespace hallmark::scan
