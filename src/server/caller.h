#pragma once
/// Who asks, and what they may do.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/access.h"

namespace hallmark::server {

/// A role, for the products whose names fit a pattern with * and ?; "*" is all of them, and what
/// is of no product too.
struct Right {
  cli::Role role = cli::Role::viewer;
  std::string product = "*";
};

/// "operator", "builder:Web-*". Throws `usage`.
Right parse_right(const std::string& text);
std::string to_string(const Right& right);
void to_json(Json& json, const Right& value);
void from_json(const Json& json, Right& value);

struct Caller {
  std::string name;
  std::vector<Right> rights;
  std::string known_by{};  ///< "session" or "token"
  std::string known_id{};  ///< of which, and no secret
};

/// Throws `usage` for what is no name for who asks: letters, digits and . _ - @ : / + =.
void require_caller_name(const std::string& name);

/// `product`: nothing if the call is about no product, or about several.
bool may(const Caller& caller, cli::Role role, const std::optional<std::string>& product);
/// Whether there is any product for which it may.
bool may_for_some(const Caller& caller, cli::Role role);

}  // namespace hallmark::server
