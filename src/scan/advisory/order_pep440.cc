/// Python's order: https://packaging.python.org/en/latest/specifications/version-specifiers/

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

struct Python {
  std::string_view epoch;
  std::string_view release;  ///< "1.2.0"
  char pre = 0;              ///< 'a', 'b', 'c' (candidate); 0: none
  std::string_view pre_number;
  std::optional<std::string_view> post, dev;
  std::string_view local;
};

bool is_separator(char c) { return c == '.' || c == '-' || c == '_'; }

/// Takes `word` and a number behind it, with or without separators around the word.
std::optional<std::string_view> take_marked(std::string_view& text, std::string_view word) {
  std::string_view rest = text;
  if (!rest.empty() && is_separator(rest[0])) rest.remove_prefix(1);
  if (!rest.starts_with(word)) return std::nullopt;
  rest.remove_prefix(word.size());
  std::string_view behind = rest;
  if (!behind.empty() && is_separator(behind[0])) behind.remove_prefix(1);
  const std::string_view number = take(behind, is_digit);
  text = number.empty() ? rest : behind;
  return number;
}

bool take_pre(std::string_view& text, Python& version) {
  constexpr std::array<std::pair<std::string_view, char>, 8> kWords = {{{"alpha", 'a'},
                                                                        {"a", 'a'},
                                                                        {"beta", 'b'},
                                                                        {"b", 'b'},
                                                                        {"preview", 'c'},
                                                                        {"pre", 'c'},
                                                                        {"rc", 'c'},
                                                                        {"c", 'c'}}};
  for (const auto& [word, kind] : kWords) {
    if (const auto number = take_marked(text, word)) {
      version.pre = kind;
      version.pre_number = *number;
      return true;
    }
  }
  return false;
}

void take_post(std::string_view& text, Python& version) {
  for (const std::string_view word : {"post", "rev", "r"}) {
    if (const auto number = take_marked(text, word)) {
      version.post = *number;
      return;
    }
  }
  if (text.size() > 1 && text[0] == '-' && is_digit(text[1])) {
    text.remove_prefix(1);
    version.post = take(text, is_digit);
  }
}

std::optional<Python> parse(std::string_view text) {
  Python version;
  if (text.starts_with('v')) text.remove_prefix(1);
  if (const std::size_t bang = text.find('!'); bang != text.npos) {
    version.epoch = text.substr(0, bang);
    if (!all_digits(version.epoch)) return std::nullopt;
    text.remove_prefix(bang + 1);
  }
  if (const std::size_t plus = text.find('+'); plus != text.npos) {
    version.local = text.substr(plus + 1);
    text = text.substr(0, plus);
    if (version.local.empty()) return std::nullopt;
  }
  std::size_t end = 0;
  while (end < text.size() &&
         (is_digit(text[end]) ||
          (end != 0 && text[end] == '.' && end + 1 < text.size() && is_digit(text[end + 1])))) {
    ++end;
  }
  version.release = text.substr(0, end);
  if (version.release.empty()) return std::nullopt;
  text.remove_prefix(end);
  take_pre(text, version);
  take_post(text, version);
  if (const auto number = take_marked(text, "dev")) version.dev = *number;
  if (!text.empty()) return std::nullopt;
  return version;
}

std::string_view take_part(std::string_view& text) {
  const auto part = take(text, [](char c) { return !is_separator(c); });
  if (!text.empty()) text.remove_prefix(1);
  return part;
}

int compare_release(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    if (const int order = compare_numbers(take_part(a), take_part(b))) return order;
  }
  return 0;
}

/// Where the version stands around its release: a bare development version is before all
/// pre-releases.
int pre_rank(const Python& version) {
  if (version.pre != 0) return version.pre - 'a' + 1;
  return !version.post && version.dev ? 0 : 4;
}

int compare_local(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const auto x = take_part(a);
    const auto y = take_part(b);
    const bool x_number = all_digits(x);
    const bool y_number = all_digits(y);
    if (x_number != y_number) return x_number ? 1 : -1;
    if (const int order = x_number ? compare_numbers(x, y) : sign(x.compare(y))) return order;
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

}  // namespace

bool is_pep440(std::string_view version) { return parse(lowered(version)).has_value(); }

int compare_pep440(std::string_view a, std::string_view b) {
  const std::string left_text = lowered(a);
  const std::string right_text = lowered(b);
  const auto x = parse(left_text);
  const auto y = parse(right_text);
  if (!x || !y) return sign(a.compare(b));
  if (const int order = compare_numbers(x->epoch, y->epoch)) return order;
  if (const int order = compare_release(x->release, y->release)) return order;
  if (const int order = sign(pre_rank(*x) - pre_rank(*y))) return order;
  if (const int order = compare_numbers(x->pre_number, y->pre_number)) return order;
  if (x->post.has_value() != y->post.has_value()) return x->post ? 1 : -1;
  if (const int order = compare_numbers(x->post.value_or(""), y->post.value_or(""))) return order;
  if (x->dev.has_value() != y->dev.has_value()) return x->dev ? -1 : 1;
  if (const int order = compare_numbers(x->dev.value_or(""), y->dev.value_or(""))) return order;
  return compare_local(x->local, y->local);
}

}  // namespace hallmark::scan
