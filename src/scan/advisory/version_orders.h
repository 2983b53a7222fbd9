#pragma once
/// The orders one by one, for version_order.cc.

#include <algorithm>
#include <string_view>

namespace hallmark::scan {

bool is_rpm_version(std::string_view version);
int compare_rpm(std::string_view a, std::string_view b);

bool is_apk_version(std::string_view version);
int compare_apk(std::string_view a, std::string_view b);

bool is_semver(std::string_view version);
int compare_semver(std::string_view a, std::string_view b);

bool is_pep440(std::string_view version);
int compare_pep440(std::string_view a, std::string_view b);

bool is_maven_version(std::string_view version);
int compare_maven(std::string_view a, std::string_view b);

bool is_gem_version(std::string_view version);
int compare_gem(std::string_view a, std::string_view b);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
inline int sign(int value) { return (value > 0) - (value < 0); }
inline bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Numbers of any length.
inline int compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return sign(a.compare(b));
}

/// Takes the longest start of `text` that `fits`.
template <typename Fits>
std::string_view take(std::string_view& text, Fits fits) {
  const auto end = std::find_if_not(text.begin(), text.end(), fits);
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace hallmark::scan
