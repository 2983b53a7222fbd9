/// hallmark db: where the state is kept.

#include "db/copy.h"

#include "base/text.h"
#include "cli/command_line.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "workflow/driven.h"

namespace hallmark::cli {

namespace {

std::string url_of(const Arguments& arguments, const std::string& option) {
  const std::string url = arguments.value_or(option, "");
  if (url.empty()) throw Error(ErrorKind::usage, "say {}, the URL of a database", option);
  refuse_password(option, url);
  return url;
}

Outcome migrate(App& app, const Arguments& arguments) {
  const std::string from = url_of(arguments, "--from");
  const std::string to = url_of(arguments, "--to");
  const auto copied = db::copy_database(from, to, [&](db::Connection& connection) {
    const auto driven = workflow::driven_runs(connection, app.clock);
    if (driven.empty()) return;
    throw Error(ErrorKind::conflict, "runs are being driven: {}", join(driven, ", "))
        .hint("wait for them, or stop what drives them; they go on from the other database");
  });
  Json tables = Json::array();
  for (const db::CopiedTable& table : copied) {
    tables.push_back({{"table", table.name}, {"rows", table.rows}, {"digest", table.digest}});
  }
  return {{{"from", db::shown(from)}, {"to", db::shown(to)}, {"tables", tables}}};
}

void render_migrate(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& table : record.at("tables")) {
    if (table.at("rows") == 0) continue;
    rows.push_back({table.at("table").get<std::string>(),
                    std::to_string(table.at("rows").get<std::int64_t>()),
                    table.at("digest").get<std::string>().substr(0, 12)});
  }
  print_table(app.out, {"TABLE", "ROWS", "DIGEST"}, rows);
  app.err.stream << "everything is in " << record.at("to").get<std::string>()
                 << "; say so in config.yaml (database) or HALLMARK_DB\n";
}

}  // namespace

void refuse_password(const std::string& option, const std::string& url) {
  if (!db::holds_password(url)) return;
  throw Error(ErrorKind::usage, "{} holds a password, which everybody on this machine can see",
              option)
      .hint("leave it out, and put it into ~/.pgpass, PGPASSWORD, HALLMARK_DB or config.yaml");
}

std::vector<Command> db_commands() {
  return {{.noun = "db",
           .verb = "migrate",
           .summary = "Move all state from SQLite to PostgreSQL.",
           .examples = {{"hallmark db migrate --from sqlite:///var/lib/hallmark/hallmark.db "
                         "--to postgresql://hallmark@db.example.com/hallmark",
                         "Into a database that is empty."}},
           .options = {{"--from", "URL", "the SQLite database; it is left as it is"},
                       {"--to", "URL", "the PostgreSQL database, empty; without a password"}},
           .description =
               "In one transaction: all of it arrives, counted and compared by digest, or "
               "nothing does. Refused while runs are being driven. A password comes from "
               "~/.pgpass or PGPASSWORD, never from the command line.",
           .exits = {{ErrorKind::conflict, "runs are being driven, or the target is not empty"}},
           .run = migrate,
           .render = render_migrate}};
}

}  // namespace hallmark::cli
