/// Alpine's order, as apk-tools 3 compares: number{.number}[letter]{_suffix[number]}[~hash][-rN].

#include <array>
#include <optional>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

/// In the order in which they may follow each other. Where one version goes on with an earlier part
/// than the other, it is the newer one.
enum class Part { number, letter, suffix, suffix_number, hash, revision, end, invalid };

constexpr std::array<std::string_view, 9> kSuffixes = {"alpha", "beta", "pre", "rc", "cvs",
                                                       "svn",   "git",  "hg",  "p"};
constexpr int kFirstAfterRelease = 4;  // "cvs" and what follows come after the release

struct Token {
  Part part = Part::end;
  std::string_view text;
  int suffix = 0;  ///< its place in kSuffixes
};

class Tokens {
 public:
  explicit Tokens(std::string_view version) : rest_(version) {}

  Token next() {
    Token token = read();
    last_ = token.part;
    first_ = false;
    return token;
  }

 private:
  Token number(Part part) {
    Token token{part, take(rest_, is_digit)};
    if (token.text.empty()) token.part = Part::invalid;
    return token;
  }

  Token read() {
    if (first_) return number(Part::number);
    if (rest_.empty()) return {};
    const char c = rest_[0];
    if (last_ == Part::suffix && is_digit(c)) return number(Part::suffix_number);
    if (last_ == Part::number && c >= 'a' && c <= 'z') {
      Token token{Part::letter, rest_.substr(0, 1)};
      rest_.remove_prefix(1);
      return token;
    }
    rest_.remove_prefix(1);
    if (c == '.' && last_ == Part::number) return number(Part::number);
    if (c == '_' && last_ <= Part::suffix_number) return suffix();
    if (c == '~' && last_ <= Part::suffix_number) return hash();
    if (c == '-' && last_ <= Part::hash && rest_.starts_with('r')) {
      rest_.remove_prefix(1);
      return number(Part::revision);
    }
    return {Part::invalid, {}};
  }

  Token suffix() {
    const auto word = take(rest_, [](char c) { return c >= 'a' && c <= 'z'; });
    const auto found = std::find(kSuffixes.begin(), kSuffixes.end(), word);
    if (found == kSuffixes.end()) return {Part::invalid, {}};
    return {Part::suffix, word, static_cast<int>(found - kSuffixes.begin())};
  }

  Token hash() {
    const auto digits = take(rest_, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
    return {digits.empty() ? Part::invalid : Part::hash, digits};
  }

  std::string_view rest_;
  Part last_ = Part::number;
  bool first_ = true;
};

bool is_before_release(const Token& token) {
  return token.part == Part::suffix && token.suffix < kFirstAfterRelease;
}

int compare_same_part(const Token& a, const Token& b, bool first) {
  switch (a.part) {
    case Part::number:
      // Like digits behind a decimal point: 1.01 is older than 1.1.
      if (!first && (a.text.starts_with('0') || b.text.starts_with('0'))) {
        return sign(a.text.compare(b.text));
      }
      return compare_numbers(a.text, b.text);
    case Part::suffix_number:
    case Part::revision:
      return compare_numbers(a.text, b.text);
    case Part::suffix:
      return sign(a.suffix - b.suffix);
    default:
      return sign(a.text.compare(b.text));
  }
}

}  // namespace

bool is_apk_version(std::string_view version) {
  Tokens tokens(version);
  while (true) {
    const Part part = tokens.next().part;
    if (part == Part::invalid) return false;
    if (part == Part::end) return true;
  }
}

int compare_apk(std::string_view a, std::string_view b) {
  Tokens left(a);
  Tokens right(b);
  for (bool first = true;; first = false) {
    const Token x = left.next();
    const Token y = right.next();
    if (x.part != y.part) {
      if (is_before_release(x)) return -1;
      if (is_before_release(y)) return 1;
      return x.part < y.part ? 1 : -1;
    }
    if (x.part == Part::end || x.part == Part::invalid) return 0;
    if (const int order = compare_same_part(x, y, first)) return order;
  }
}

}  // namespace hallmark::scan
