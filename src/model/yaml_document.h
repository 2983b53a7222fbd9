#pragma once
/// YAML for people who make mistakes: a document as JSON, where each value stood, and every problem
/// that was found on the way.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace hallmark::model {

/// Line and column, from 1.
struct Position {
  int line = 1;
  int column = 1;
  auto operator<=>(const Position&) const = default;
};

/// A value's address in a document: keys and, as decimal numbers, list positions.
using Address = std::vector<std::string>;

/// A thing wrong with a document, without its file's name.
struct Problem {
  Position place;
  std::string path;  ///< "targets[0].regions"; empty for the whole document
  std::string message;
  std::string hint;
};

/// Values for `${name}`.
using Variables = std::map<std::string, std::string>;

struct YamlDocument {
  Json json;
  std::map<Address, Position> values;
  std::map<Address, Position> keys;  ///< where the key of a mapping's member stands
  std::vector<Problem> problems;

  /// Where the value stands, or the nearest one around it.
  Position place_of(const Address& address) const;
  Position key_place_of(const Address& address) const;
};

/// Reads one document. Refused, each with its place: bad syntax, several documents, duplicate keys,
/// keys that are not scalars, and documents that are too large, too deep or grow too much by
/// aliases. Scalars without quotes become null, booleans and numbers as YAML 1.2 says; all others
/// are text.
///
/// The mapping `variables` declares names with default values. `${name}` in text becomes the value
/// given in `variables`, else the default, and is text ever after; `$${` becomes `${`. Under a key
/// `inline` nothing is replaced. Problems: names that are not declared, given values that are not
/// declared or not used, and variables with neither.
YamlDocument read_yaml(std::string_view text, const Variables& variables);

/// Whether `bytes` are UTF-8 without a NUL: yaml-cpp quietly replaces other bytes and stops at a
/// NUL.
bool is_text(std::string_view bytes);

/// "targets[0].regions[1]".
std::string path_text(const Json& document, const Address& address);

}  // namespace hallmark::model
