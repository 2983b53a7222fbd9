#pragma once
/// Accounts that a person gave up because they let us in no more, and no organization says so:
/// those that never were members, or that Hallmark may not ask about. Nothing waits for them
/// (units.h).

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "db/database.h"

namespace hallmark::pipeline {

struct AccountLetGo {
  std::string account_id;
  std::string reason;  ///< not empty
  std::string let_go_by;
  std::string let_go_at;
};

/// Again: a new reason. Throws `usage` for an id that is none, or without a reason.
void let_account_go(db::Database& database, const AccountLetGo& account);
/// False if it was not let go.
bool take_account_back(db::Database& database, const std::string& account_id);
std::optional<AccountLetGo> find_account_let_go(db::Database& database,
                                                const std::string& account_id);
std::vector<AccountLetGo> list_accounts_let_go(db::Database& database);  ///< by id

void to_json(Json& json, const AccountLetGo& value);

}  // namespace hallmark::pipeline
