#pragma once
/// Debian's control file syntax: paragraphs of "Field: value" lines, as in dpkg's status, Packages,
/// Release and .sources files. https://manpages.debian.org/bookworm/dpkg-dev/deb822.5

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::apt {

/// One paragraph. The views point into the parsed text.
struct Paragraph {
  struct Field {
    std::string_view name;
    std::string_view value;  ///< without the white space around it; continuation lines included
  };
  std::size_t line = 0;  ///< of its first line, from 1
  std::vector<Field> fields;
  /// The first thing in it that is no deb822: "line 12 has no colon". Empty if all is well. Fields
  /// that could be read are there all the same.
  std::string problem;

  /// Names are compared without case; the first of several equal ones counts.
  std::optional<std::string_view> find(std::string_view name) const;
  /// Empty if missing.
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
};

/// Calls `each` for every paragraph of `text`. Never throws for bad text: see Paragraph::problem.
void read_paragraphs(std::string_view text, const std::function<void(const Paragraph&)>& each);

/// The words of a value, separated by white space (line breaks too).
std::vector<std::string_view> words(std::string_view value);

}  // namespace hallmark::apt
