#pragma once
/// JSON for the whole house: nlohmann/json with our errors, and how an Error is written as JSON.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

// Compiled once, in json.cc: else in each of the hundreds of files that use it.
extern template class nlohmann::basic_json<>;

namespace hallmark {

using Json = nlohmann::json;

/// Parses `text`. Throws `corrupt`, naming `origin` (a file or a message's source) and the place.
Json parse_json(std::string_view text, std::string_view origin);

/// One line, keys sorted, no invalid UTF-8 (bad bytes become U+FFFD): fit for digests and storage.
std::string compact(const Json& json);
/// Indented by two, for people and files.
std::string pretty(const Json& json);

/// {"kind", "message", "notes", "hint"}; the inverse accepts what any version wrote.
Json error_to_json(const Error& error);
Error error_from_json(const Json& json);

/// Reads a member through `get<T>()`, turning a missing key or a wrong type into `corrupt`.
template <typename T>
T member(const Json& json, std::string_view key) {
  try {
    return json.at(std::string(key)).get<T>();
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorKind::corrupt, "member \"{}\": {}", key, e.what());
  }
}

}  // namespace hallmark
