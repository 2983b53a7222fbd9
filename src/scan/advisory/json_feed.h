#pragma once
/// JSON of feeds. simdjson's home.

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scan/advisory/advisory.h"
#include "scan/advisory/feed_file.h"

namespace hallmark::scan {

namespace json = simdjson::dom;

/// Debian's tracker has 70 MB in one file; Red Hat's longest VEX file 5.
inline constexpr std::size_t kMaxJsonBytes = 512u << 20;

/// A member's text; empty if there is none.
inline std::string_view text_of(const json::element& object, std::string_view key) {
  std::string_view text;
  if (object.at_key(key).get(text) != simdjson::SUCCESS) return {};
  return text;
}

/// simdjson's arrays cannot be empty without a document behind them.
inline json::array no_elements() {
  static json::parser parser;
  static const json::array empty = parser.parse("[]", 2).get_array().value();
  return empty;
}

/// A member's elements; none if it is not there or no array (null, too).
inline json::array array_of(const json::element& object, std::string_view key) {
  json::element member;
  json::array array;
  if (object.at_key(key).get(member) != simdjson::SUCCESS) return no_elements();
  return member.get(array) == simdjson::SUCCESS ? array : no_elements();
}

inline std::optional<json::element> member_of(const json::element& object, std::string_view key) {
  json::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS) return std::nullopt;
  return element;
}

inline bool is_cve(std::string_view id) { return id.starts_with("CVE-") && id.size() > 8; }

/// Calls `take` with each document of the file; one that is no JSON is counted as unreadable.
template <typename Take>
void each_document(FeedFile& file, AdvisorySink& sink, Take take) {
  json::parser parser(kMaxJsonBytes);
  std::string buffer;
  while (file.next()) {
    if (!file.name().empty() && !file.name().ends_with(".json")) continue;
    const auto bytes = file.read_all(buffer, kMaxJsonBytes, simdjson::SIMDJSON_PADDING);
    json::element document;
    if (parser.parse(bytes.data(), bytes.size(), false).get(document) != simdjson::SUCCESS) {
      ++sink.feed().unreadable;
      continue;
    }
    take(document);
  }
}

}  // namespace hallmark::scan
