/// RubyGems' order: https://docs.ruby-lang.org/en/master/Gem/Version.html

#include <vector>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

using Segments = std::vector<std::string_view>;

bool is_word(std::string_view segment) { return !is_digit(segment[0]); }

bool is_zero(std::string_view segment) { return segment.find_first_not_of('0') == segment.npos; }

void drop_zeros(Segments& segments, std::size_t from) {
  while (segments.size() > from && is_zero(segments.back())) segments.pop_back();
}

/// Runs of digits and of letters, without the zeros that end the numbers before the first word, or
/// all of it: "1.0.a.0" is "1.a". A dash is a pre-release, as if "pre" stood there.
Segments canonical(std::string_view text) {
  Segments segments;
  bool word_seen = false;
  while (!text.empty()) {
    const char c = text[0];
    if (!is_digit(c) && !is_letter(c) && c != '-') {
      text.remove_prefix(1);
      continue;
    }
    if (!is_digit(c) && !word_seen) {
      drop_zeros(segments, 0);
      word_seen = true;
    }
    if (c == '-') {
      segments.emplace_back("pre");
      text.remove_prefix(1);
    } else {
      segments.push_back(is_digit(c) ? take(text, is_digit) : take(text, is_letter));
    }
  }
  drop_zeros(segments, 0);
  return segments;
}

}  // namespace

/// [0-9]+(.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(.[0-9A-Za-z-]+)*)?
bool is_gem_version(std::string_view version) {
  bool in_part = false, behind_dash = false;
  for (const char c : version) {
    if (is_digit(c) || is_letter(c) || (c == '-' && behind_dash)) {
      in_part = true;
    } else if ((c == '.' || c == '-') && in_part) {
      in_part = false;
      behind_dash = behind_dash || c == '-';
    } else {
      return false;
    }
  }
  return in_part && is_digit(version[0]);
}

int compare_gem(std::string_view a, std::string_view b) {
  const Segments left = canonical(a);
  const Segments right = canonical(b);
  for (std::size_t at = 0; at < std::max(left.size(), right.size()); ++at) {
    // A missing segment is the number 0; words are older than numbers.
    const std::string_view x = at < left.size() ? left[at] : "0";
    const std::string_view y = at < right.size() ? right[at] : "0";
    if (is_word(x) != is_word(y)) return is_word(x) ? -1 : 1;
    if (const int order = is_word(x) ? sign(x.compare(y)) : compare_numbers(x, y)) return order;
  }
  return 0;
}

}  // namespace hallmark::scan
