#include "pipeline/accounts_let_go.h"

#include "base/error.h"
#include "cloud/cloud.h"

namespace hallmark::pipeline {

namespace {

std::vector<AccountLetGo> select_let_go(db::Database& database, const std::string& rest,
                                        const std::vector<db::Parameter>& parameters) {
  std::vector<AccountLetGo> accounts;
  database.read([&](db::Connection& connection) {
    accounts.clear();
    for (const db::Row& row :
         connection.query("select * from accounts_let_go " + rest, parameters)) {
      accounts.push_back({.account_id = row.text("account_id"),
                          .reason = row.text("reason"),
                          .let_go_by = row.text("let_go_by"),
                          .let_go_at = row.text("let_go_at")});
    }
  });
  return accounts;
}

}  // namespace

void let_account_go(db::Database& database, const AccountLetGo& account) {
  cloud::check_account_id(account.account_id);
  if (account.reason.empty()) {
    throw Error(ErrorKind::usage, "an account is let go for a reason")
        .hint("what stays there is nobody's any more: say why with --reason");
  }
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "insert into accounts_let_go (account_id, reason, let_go_by, let_go_at)"
        " values (:account_id, :reason, :let_go_by, :let_go_at)"
        " on conflict (account_id) do update set reason = excluded.reason,"
        " let_go_by = excluded.let_go_by, let_go_at = excluded.let_go_at",
        {{"account_id", account.account_id},
         {"reason", account.reason},
         {"let_go_by", account.let_go_by},
         {"let_go_at", account.let_go_at}});
  });
}

bool take_account_back(db::Database& database, const std::string& account_id) {
  std::int64_t taken = 0;
  database.transaction([&](db::Connection& connection) {
    taken = connection.execute("delete from accounts_let_go where account_id = :account_id",
                               {{"account_id", account_id}});
  });
  return taken != 0;
}

std::optional<AccountLetGo> find_account_let_go(db::Database& database,
                                                const std::string& account_id) {
  std::vector<AccountLetGo> found =
      select_let_go(database, "where account_id = :account_id", {{"account_id", account_id}});
  if (found.empty()) return std::nullopt;
  return found.front();
}

std::vector<AccountLetGo> list_accounts_let_go(db::Database& database) {
  return select_let_go(database, "order by account_id", {});
}

void to_json(Json& json, const AccountLetGo& value) {
  json = {{"account_id", value.account_id},
          {"reason", value.reason},
          {"let_go_by", value.let_go_by},
          {"let_go_at", value.let_go_at}};
}

}  // namespace hallmark::pipeline
