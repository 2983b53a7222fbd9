/// hallmark token: who may ask a server.

#include "base/log.h"
#include "base/text.h"
#include "cli/table.h"
#include "server/server_commands.h"
#include "server/tokens.h"

namespace hallmark::server {

namespace {

constexpr const char* kExpiresAfter = "90d";

void tell(cli::App& app, const std::string& action, const ApiToken& token) {
  app.workplace().context.audit.append({.token = action + "/" + token.token_id,
                                        .actor = app.user,
                                        .action = action,
                                        .subject = token.name,
                                        .detail = token});
}

cli::Outcome create(cli::App& app, const cli::Arguments& arguments) {
  ApiToken token{.name = arguments.value_or("NAME", ""),
                 .created_by = app.user,
                 .created_at = to_rfc3339(app.clock.now())};
  for (const std::string& right : arguments.values("--role")) {
    token.rights.push_back(parse_right(right));
  }
  if (token.rights.empty()) {
    throw Error(ErrorKind::usage, "what may {} do?", token.name)
        .hint("--role viewer, builder, approver, operator or admin; builder:Web-1.0 for a product");
  }
  const std::string expires = arguments.value_or("--expires", kExpiresAfter);
  if (expires != "never") token.expires_at = to_rfc3339(app.clock.now() + parse_duration(expires));
  const std::string text = create_token(app.workplace().context.database, token);
  tell(app, "token.created", token);
  return {{{"token", token}, {"text", text}}};
}

void render_created(const Json& record, cli::App& app) {
  app.out.stream << record.at("text").get<std::string>() << '\n';
  app.err.stream << "keep it: nobody can find it out again; the client takes it from "
                    "$HALLMARK_TOKEN\n";
}

cli::Outcome list(cli::App& app, const cli::Arguments&) {
  return {{{"tokens", list_tokens(app.workplace().context.database)}}};
}

void render_list(const Json& record, cli::App& app) {
  std::vector<std::vector<cli::Cell>> rows;
  for (const Json& token : record.at("tokens")) {
    std::vector<std::string> rights;
    for (const Json& right : token.at("rights")) rights.push_back(to_string(right.get<Right>()));
    const Json& expires = token.at("expires_at");
    rows.push_back({token.at("token_id").get<std::string>(), token.at("name").get<std::string>(),
                    join(rights, ", "), token.at("created_by").get<std::string>(),
                    token.at("created_at").get<std::string>().substr(0, 10),
                    expires.is_string() ? expires.get<std::string>().substr(0, 10) : "never"});
  }
  if (rows.empty()) {
    app.err.stream << "no API tokens; make one with: " << app.command_prefix
                   << " token create NAME --role viewer\n";
    return;
  }
  cli::print_table(app.out, {"TOKEN", "NAME", "ROLES", "MADE BY", "ON", "EXPIRES"}, rows);
}

cli::Outcome remove(cli::App& app, const cli::Arguments& arguments) {
  const ApiToken token{.token_id = arguments.value_or("ID", "")};
  remove_token(app.workplace().context.database, token.token_id);
  tell(app, "token.removed", token);
  return {{{"token_id", token.token_id}}};
}

}  // namespace

std::vector<cli::Command> token_commands() {
  return {
      {.noun = "token",
       .verb = "create",
       .summary = "Make an API token, with which somebody asks a server.",
       .examples = {{"hallmark token create ci --role builder:Web-1.0 --expires 30d",
                     "It builds that product, and sees nothing of others."},
                    {"hallmark token create ada --role approver --role operator", ""}},
       .arguments = {{"NAME", "who acts with it; what it does is done by them"}},
       .options = {{"--role", "ROLE[:PRODUCT]",
                    "viewer, builder, approver, operator or admin; for products whose names fit",
                    true},
                   {"--expires", "DURATION", "how long it holds, or never; default: 90d"}},
       .description = "It is shown this once. The database keeps a digest of it.",
       .run = create,
       .render = render_created},
      {.noun = "token",
       .verb = "list",
       .summary = "List API tokens, without what is secret of them.",
       .examples = {{"hallmark token list", ""}},
       .run = list,
       .render = render_list},
      {.noun = "token",
       .verb = "remove",
       .summary = "Let nobody ask with that API token any more.",
       .examples = {{"hallmark token remove 6f1d2c3b4a59687701", ""}},
       .arguments = {{"ID", "as token list has it"}},
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove,
       .render = [](const Json&, cli::App&) {}},
  };
}

}  // namespace hallmark::server
