/// hallmark login: people who log in at the server's page.

#include <iostream>

#include "base/text.h"
#include "cli/table.h"
#include "server/logins.h"
#include "server/server_commands.h"

namespace hallmark::server {

namespace {

void tell_login(cli::App& app, const std::string& action, const Login& login) {
  app.workplace().context.audit.append(
      {.token = action + "/" + login.name + "/" + to_rfc3339(app.clock.now()),
       .actor = app.user,
       .action = action,
       .subject = login.name,
       .detail = {{"rights", login.rights}}});
}

cli::Outcome create_one(cli::App& app, const cli::Arguments& arguments) {
  Login login{.name = arguments.value_or("NAME", ""),
              .created_by = app.user,
              .created_at = to_rfc3339(app.clock.now())};
  for (const std::string& right : arguments.values("--role")) {
    login.rights.push_back(parse_right(right));
  }
  const auto file = arguments.value("--password-file");
  if (!file || login.rights.empty()) {
    throw Error(ErrorKind::usage, "a login has a password and a role")
        .hint("--password-file FILE, whose first line is the password, and --role ROLE");
  }
  const std::string text = read_file(*file);
  create_login(app.workplace().context.database, login, text.substr(0, text.find_first_of("\r\n")));
  tell_login(app, "login.created", login);
  return {{{"login", login}}};
}

cli::Outcome list_all(cli::App& app, const cli::Arguments&) {
  return {{{"logins", list_logins(app.workplace().context.database)}}};
}

void render_logins(const Json& record, cli::App& app) {
  std::vector<std::vector<cli::Cell>> rows;
  for (const Json& login : record.at("logins")) {
    std::vector<std::string> rights;
    for (const Json& right : login.at("rights")) rights.push_back(to_string(right.get<Right>()));
    rows.push_back({login.at("name").get<std::string>(), join(rights, ", "),
                    login.at("created_by").get<std::string>(),
                    login.at("created_at").get<std::string>().substr(0, 10)});
  }
  if (rows.empty()) {
    app.err.stream << "no logins\n";
    return;
  }
  cli::print_table(app.out, {"NAME", "ROLES", "MADE BY", "ON"}, rows);
}

cli::Outcome remove_one(cli::App& app, const cli::Arguments& arguments) {
  const Login login{.name = arguments.value_or("NAME", "")};
  remove_login(app.workplace().context.database, login.name);
  tell_login(app, "login.removed", login);
  return {{{"name", login.name}}};
}

}  // namespace

std::vector<cli::Command> login_commands() {
  return {
      {.noun = "login",
       .verb = "create",
       .summary = "Let somebody log in at the server's page, with a password.",
       .examples = {{"hallmark login create ada --role approver --password-file password", ""}},
       .arguments = {{"NAME", "who logs in; what they do is done by them"}},
       .options = {{"--role", "ROLE[:PRODUCT]",
                    "viewer, builder, approver, operator or admin; for products whose names fit",
                    true},
                   {"--password-file", "FILE", "its first line is the password: 12 bytes or more"}},
       .exits = {{ErrorKind::conflict, "the name is taken"}},
       .run = create_one,
       .render =
           [](const Json& record, cli::App& app) {
             app.out.stream << record.at("login").at("name").get<std::string>() << '\n';
           }},
      {.noun = "login",
       .verb = "list",
       .summary = "List who can log in.",
       .examples = {{"hallmark login list", ""}},
       .run = list_all,
       .render = render_logins},
      {.noun = "login",
       .verb = "remove",
       .summary = "Let somebody log in no more; their sessions end.",
       .examples = {{"hallmark login remove ada", ""}},
       .arguments = {{"NAME", "who"}},
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove_one,
       .render = [](const Json&, cli::App&) {}},
  };
}

}  // namespace hallmark::server
