#include "app/commands.h"

#include <iterator>

#include "app/notify_config.h"
#include "app/server_config.h"
#include "cli/ci.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/nouns.h"
#include "server/server_commands.h"

namespace hallmark::app {

namespace {

/// `hallmark internal docs` makes docs/cli.md. In no help, because its noun is in no list.
cli::Command docs_command() {
  return {
      .noun = "internal",
      .verb = "docs",
      .summary = "Print docs/cli.md.",
      .examples = {},
      .run = [](cli::App&, const cli::Arguments&) -> cli::Outcome {
        return {{{"markdown", cli::markdown(commands())}}};
      },
      .render = [](const Json& record,
                   cli::App& app) { app.out.stream << record.at("markdown").get<std::string>(); }};
}

cli::CommandTable make_table() {
  cli::CommandTable table;
  table.nouns = {{"source", "Source images"},
                 {"pipeline", "Pipeline files"},
                 {"image", "Golden images"},
                 {"ci", "CI systems"},
                 {"catalog", "The catalog"},
                 {"channel", "Channels"},
                 {"notice", "Notices"},
                 {"machine", "Machines"},
                 {"compliance", "Compliance"},
                 {"parameter", "Parameters"},
                 {"run", "Runs"},
                 {"schedule", "Schedules"},
                 {"trigger", "Triggers"},
                 {"key", "Keys"},
                 {"user", "Users"},
                 {"account", "Accounts let go"},
                 {"audit", "Audit log"},
                 {"reaper", "Leftovers"},
                 {"disk", "Disks"},
                 {"scan", "Lists of packages"},
                 {"advisory", "Advisories"},
                 {"aws", "AWS"},
                 {"db", "The database"},
                 {"doctor", "This machine"},
                 {"server", "The server"},
                 {"token", "API tokens"},
                 {"login", "Logins"},
                 {"completion", "Shell completion"}};
  auto add = [&](std::vector<cli::Command> more) {
    table.commands.insert(table.commands.end(), std::make_move_iterator(more.begin()),
                          std::make_move_iterator(more.end()));
  };
  add(cli::source_commands());
  add(cli::pipeline_commands());
  add(cli::image_build_commands());
  add(cli::image_decision_commands());
  add(cli::image_look_commands());
  add(cli::image_life_commands());
  add(cli::image_tree_commands());
  add(cli::catalog_commands());
  add(cli::image_assess_commands());
  add(cli::image_ages_commands());
  add(cli::ci_commands());
  add(cli::channel_commands());
  add(cli::image_retire_commands());
  add(cli::image_archive_commands());
  add(cli::notice_commands());
  add(server::send_commands(open_desk));
  add(cli::machine_commands());
  add(cli::compliance_commands());
  add(cli::parameter_commands());
  add(cli::run_look_commands());
  add(cli::run_drive_commands());
  add(cli::schedule_commands());
  add(cli::schedule_next_commands());
  add(cli::trigger_commands());
  add(cli::user_commands());
  add(cli::account_commands());
  add(cli::audit_commands());
  add(cli::reaper_commands());
  add(cli::disk_commands());
  add(cli::disk_file_commands());
  add(cli::disk_inventory_commands());
  add(cli::scan_commands());
  add(cli::advisory_commands());
  add(cli::aws_setup_commands());
  add(cli::aws_preflight_commands());
  add(cli::aws_commands());
  add(cli::db_commands());
  add(cli::doctor_commands());
  add(server::server_commands(commands, open_desk, read_server_settings));
  add(server::token_commands());
  add(server::login_commands());
  add({cli::completion_command(commands)});
  add({docs_command()});
  add({cli::man_command(commands)});
  add({server::openapi_command(commands)});
  return table;
}

}  // namespace

const cli::CommandTable& commands() {
  static const cli::CommandTable table = make_table();
  return table;
}

}  // namespace hallmark::app
