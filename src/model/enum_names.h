#pragma once
/// Enums as words, by one table each.

#include <string_view>
#include <utility>

#include "base/error.h"

namespace hallmark::model {

template <typename Table, typename Value>
std::string_view name_of(const Table& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  throw Error(ErrorKind::internal, "value {} has no name", static_cast<int>(value));
}

/// Throws `corrupt`: `"pink" is no severity`.
template <typename Table>
auto value_of(const Table& table, std::string_view text, const char* what) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  throw Error(ErrorKind::corrupt, "\"{}\" is no {}", text, what);
}

}  // namespace hallmark::model
