#pragma once
/// API tokens: kept as digests, with rights and an end.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "db/database.h"
#include "server/caller.h"

namespace hallmark::server {

struct ApiToken {
  std::string token_id;
  std::string name;
  std::vector<Right> rights;
  std::string created_by;
  std::string created_at;
  std::string expires_at;  ///< empty: never
};
void to_json(Json& json, const ApiToken& value);

/// Keeps it, with a new id, and returns its text, which nobody can find out afterwards. Throws
/// `usage` for a name that is none.
std::string create_token(db::Database& database, ApiToken& token);
/// Throws `not_found`. Who asks with it is unknown from now on.
void remove_token(db::Database& database, const std::string& token_id);
std::vector<ApiToken> list_tokens(db::Database& database);  ///< oldest first
/// Whose text that is, unless it has expired.
std::optional<Caller> token_caller(db::Database& database, const std::string& text, TimePoint now);

}  // namespace hallmark::server
