#pragma once
/// Small text functions and "did you mean".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Without white space at both ends.
std::string_view trim(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
std::string to_lower(std::string_view text);
/// Whether the whole text fits a pattern in which * stands for any characters and ? for one. Takes
/// no more than a look at each pair of characters.
bool matches_pattern(std::string_view text, std::string_view pattern);
std::string to_hex(std::string_view bytes);
/// Throws `corrupt` on text that is not pairs of hex digits.
std::string from_hex(std::string_view text);
std::string base64_encode(std::string_view bytes);
/// Throws `corrupt` on bytes that are not base64.
std::string base64_decode(std::string_view text);
/// "1.5 GiB".
std::string format_size(unsigned long long bytes);
/// Quoted for a POSIX shell, so that `sh -c` sees exactly one word.
std::string shell_quote(std::string_view word);

/// The closest of `known` to `word` if it is close enough to be a slip of the hand.
std::optional<std::string> suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace hallmark
