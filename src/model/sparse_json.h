#pragma once
/// Members that are left out where they would be empty: records by the hundred thousand stay small.

#include <optional>

#include "base/json.h"

namespace hallmark::model {

template <typename T>
void put(Json& json, const char* key, const T& value) {
  if (!value.empty()) json[key] = value;
}

/// Leaves `value` as it is if there is no such member; else as `member`.
template <typename T>
void take(const Json& json, const char* key, T& value) {
  if (json.contains(key)) value = member<T>(json, key);
}

/// Null for nothing; the inverse takes a missing member for nothing too.
template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
std::optional<T> optional_member(const Json& json, const char* key) {
  if (!json.contains(key) || json[key].is_null()) return std::nullopt;
  return member<T>(json, key);
}

}  // namespace hallmark::model
