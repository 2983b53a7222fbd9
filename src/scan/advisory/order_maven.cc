/// Maven's order: https://maven.apache.org/pom.html#version-order-specification

#include <array>
#include <string>
#include <vector>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

struct Token {
  char before = '-';  ///< the separator; a change between digits and letters is a dash
  std::string text;   ///< lower case, aliases replaced; "" is the release itself
  bool number = false;
};

bool is_null(const Token& token) {
  return token.number ? token.text.find_first_not_of('0') == token.text.npos : token.text.empty();
}

/// "a1" is "alpha-1"; the release has several names.
std::string qualifier(std::string word, bool digit_follows) {
  if (digit_follows && word == "a") return "alpha";
  if (digit_follows && word == "b") return "beta";
  if (digit_follows && word == "m") return "milestone";
  if (word == "final" || word == "ga" || word == "release") return "";
  if (word == "cr") return "rc";
  return word;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  char before = '.';
  while (true) {
    Token token{before, {}, false};
    if (!text.empty() && is_digit(text[0])) {
      token.number = true;
      token.text = take(text, is_digit);
    } else {
      for (const char c : take(text, [](char c) { return !is_digit(c) && c != '.' && c != '-'; })) {
        token.text += lower(c);
      }
      // Nothing between separators is a zero.
      token.number = token.text.empty();
      if (token.number)
        token.text = "0";
      else
        token.text = qualifier(std::move(token.text), !text.empty() && is_digit(text[0]));
    }
    tokens.push_back(std::move(token));
    if (text.empty()) break;
    before = '-';
    if (text[0] == '.' || text[0] == '-') {
      before = text[0];
      text.remove_prefix(1);
    }
  }
  // What adds nothing at the end, and before each dash, is cut off.
  for (std::size_t end = tokens.size(); end > 0; --end) {
    if (end != tokens.size() && tokens[end].before != '-') continue;
    while (end > 1 && is_null(tokens[end - 1])) {
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(end) - 1);
      --end;
    }
  }
  return tokens;
}

int rank(const std::string& word) {
  constexpr std::array<std::string_view, 7> kKnown = {"alpha",    "beta", "milestone", "rc",
                                                      "snapshot", "",     "sp"};
  return static_cast<int>(std::find(kKnown.begin(), kKnown.end(), word) - kKnown.begin());
}

int compare_words(const std::string& a, const std::string& b) {
  if (const int order = sign(rank(a) - rank(b))) return order;
  return sign(a.compare(b));
}

/// Words are before numbers behind a dash, and these before numbers behind a dot.
int kind_rank(const Token& token) { return !token.number ? 0 : token.before == '-' ? 1 : 2; }

int compare_tokens(const Token& a, const Token& b) {
  if (const int order = sign(kind_rank(a) - kind_rank(b))) return order;
  return a.number ? compare_numbers(a.text, b.text) : compare_words(a.text, b.text);
}

/// Against a version that has ended.
int compare_to_nothing(const Token& token) {
  return token.number ? static_cast<int>(!is_null(token)) : compare_words(token.text, "");
}

}  // namespace

bool is_maven_version(std::string_view version) {
  return std::all_of(version.begin(), version.end(), [](char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view("._-+~").find(c) != std::string_view::npos;
  });
}

int compare_maven(std::string_view a, std::string_view b) {
  const auto left = tokens_of(a);
  const auto right = tokens_of(b);
  for (std::size_t at = 0; at < std::max(left.size(), right.size()); ++at) {
    const int order = at >= left.size()    ? -compare_to_nothing(right[at])
                      : at >= right.size() ? compare_to_nothing(left[at])
                                           : compare_tokens(left[at], right[at]);
    if (order != 0) return order;
  }
  return 0;
}

}  // namespace hallmark::scan
