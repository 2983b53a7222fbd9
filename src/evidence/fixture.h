#pragma once
/// Subjects for tests.

#include <string>

#include "evidence/subject.h"

namespace hallmark::evidence {

/// Two packages, three findings of two scanners, one waived; approved.
Subject small_subject();
/// Nothing installed, nothing found, nobody decided.
Subject empty_subject();
/// What a scanner, a package database or an approver could send to break a reader.
Subject hostile_subject();

/// A text that breaks out of quotes, tags, lines and terminals, and is no UTF-8.
inline const std::string kHostile = [] {
  constexpr std::string_view kFirst = "\"</script><script>alert(1)</script>\n\x1b[31m&'\\";
  constexpr std::string_view kSecond = "\x80\xff\xe2\x80\xae%s${x}";
  return std::string(kFirst) + std::string(1, '\0') + std::string(kSecond);
}();

}  // namespace hallmark::evidence
