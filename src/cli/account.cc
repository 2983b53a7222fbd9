/// hallmark account: accounts that let us in no more, and that nothing is to wait for.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "pipeline/accounts_let_go.h"

namespace hallmark::cli {

namespace {

void tell(App& app, const std::string& action, const std::string& account_id, Json detail) {
  app.workplace().context.audit.append(
      {.token = action + "/" + account_id + "/" + to_rfc3339(app.clock.now()),
       .actor = app.user,
       .action = action,
       .subject = account_id,
       .detail = std::move(detail)});
}

Outcome let_go(App& app, const Arguments& arguments) {
  const pipeline::AccountLetGo account{.account_id = arguments.value_or("ACCOUNT", ""),
                                       .reason = arguments.value_or("--reason", ""),
                                       .let_go_by = app.user,
                                       .let_go_at = to_rfc3339(app.clock.now())};
  pipeline::let_account_go(app.workplace().context.database, account);
  tell(app, "account.let_go", account.account_id, {{"reason", account.reason}});
  return {{{"account", account}}};
}

Outcome take_back(App& app, const Arguments& arguments) {
  const std::string account_id = arguments.value_or("ACCOUNT", "");
  if (!pipeline::take_account_back(app.workplace().context.database, account_id)) {
    throw Error(ErrorKind::not_found, "account {} was not let go", account_id)
        .hint("see: " + app.command_prefix + " account list");
  }
  tell(app, "account.taken_back", account_id, Json::object());
  return {{{"account_id", account_id}}};
}

Outcome list(App& app, const Arguments&) {
  return {{{"accounts", pipeline::list_accounts_let_go(app.workplace().context.database)}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& account : record.at("accounts")) {
    auto text = [&](const char* key) { return account.at(key).get<std::string>(); };
    rows.push_back({text("account_id"), text("let_go_by"), text("let_go_at"), text("reason")});
  }
  if (rows.empty()) {
    app.err.stream << "no account was let go\n";
    return;
  }
  print_table(app.out, {"ACCOUNT", "BY", "AT", "REASON"}, rows);
}

}  // namespace

std::vector<Command> account_commands() {
  const ArgumentSpec account = {"ACCOUNT", "12 digits"};
  return {
      {.noun = "account",
       .verb = "let-go",
       .summary = "Wait no longer for an account that lets us in no more.",
       .examples = {{"hallmark account let-go 777788889999 --reason \"sold with the Web team\"",
                     "Then decommission again what waits for it."}},
       .arguments = {account},
       .options = {{"--reason", "TEXT", "why; kept in the audit log"}},
       .description = "Closed accounts, and those that left a unit, are let go without being asked "
                      "for. This is for the others. A place in such an account is given up only "
                      "when it refuses us: as long as it lets us in, all is removed there as "
                      "everywhere.",
       .run = let_go,
       .render =
           [](const Json& record, App& app) {
             app.out.stream << "account "
                            << record.at("account").at("account_id").get<std::string>()
                            << " is let go where it refuses us\n";
           }},
      {.noun = "account",
       .verb = "take-back",
       .summary = "Wait again for an account that was let go.",
       .examples = {{"hallmark account take-back 777788889999", ""}},
       .arguments = {account},
       .exits = {{ErrorKind::not_found, ""}},
       .run = take_back,
       .render = [](const Json&, App&) {}},
      {.noun = "account",
       .verb = "list",
       .summary = "List the accounts that were let go, and why.",
       .examples = {{"hallmark account list", ""}},
       .run = list,
       .render = render_list},
  };
}

}  // namespace hallmark::cli
