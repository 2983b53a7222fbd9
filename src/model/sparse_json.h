#pragma once
/// Members that are left out where they would be empty: records by the hundred thousand stay small.

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

}  // namespace hallmark::model
