/// hallmark db: where the state is kept.

#include "db/copy.h"

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "workflow/driven.h"

namespace hallmark::cli {

namespace {

/// A command line is for everybody on the machine to read.
std::string url_without_password(const Arguments& arguments, const std::string& option) {
  const std::string url = arguments.value_or(option, "");
  if (url.empty()) {
    throw Error(ErrorKind::usage, "say {}, the URL of a database", option);
  }
  const std::size_t user = url.find("://");
  const std::size_t host = url.rfind('@');
  const bool password = (host != std::string::npos && user != std::string::npos && user < host &&
                         url.find(':', user + 3) < host) ||
                        url.find("password=") != std::string::npos;
  if (password) {
    throw Error(ErrorKind::usage, "{} holds a password, which everybody on this machine can see",
                option)
        .hint("leave it out, and put it into ~/.pgpass or the environment's PGPASSWORD");
  }
  return url;
}

Outcome migrate(App& app, const Arguments& arguments) {
  const std::string from = url_without_password(arguments, "--from");
  const std::string to = url_without_password(arguments, "--to");
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
