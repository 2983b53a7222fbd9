#pragma once
/// People known to Hallmark: what they may do, and the key that proves a decision is theirs.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/signing.h"
#include "db/database.h"

namespace hallmark::pipeline {

struct User {
  std::string name;  ///< 1 to 64 of a-z 0-9 . _ -, first a letter or digit
  std::vector<std::string>
      roles;  ///< "approver", "security"; golden.yaml names them "role:security"
  PublicKey public_key;
  std::string added_by;
  std::string added_at;
};

/// Throws `usage` for a name or role that is none, `conflict` if the name is taken.
void add_user(db::Database& database, const User& user);
/// A missing one is fine. What the user decided stays.
void remove_user(db::Database& database, const std::string& name);
std::optional<User> find_user(db::Database& database, const std::string& name);
std::vector<User> list_users(db::Database& database);  ///< by name

void to_json(Json& json, const User& value);

}  // namespace hallmark::pipeline
