/// hallmark aws preflight.

#include "cli/nouns.h"
#include "cli/table.h"
#include "cloud/cloud.h"

namespace hallmark::cli {

namespace {

Outcome preflight(App& app, const Arguments& arguments) {
  const std::vector<std::string>& accounts = arguments.values("--account");
  for (const std::string& account : accounts) cloud::check_account_id(account);
  AwsNames names{.prefix = arguments.value_or("--prefix", ""),
                 .profile = arguments.value_or("--profile", ""),
                 .endpoint_url = arguments.value_or("--endpoint-url", "")};
  Json record = app.aws.preflight(accounts, names, app.stop);
  int exit_code = 0;
  for (const Json& check : record.at("checks")) {
    if (check.at("state") != "missing" || exit_code != 0) continue;
    exit_code = traits(error_kind_from_name(check.at("kind").get<std::string>())).exit_code;
  }
  record["ready"] = exit_code == 0;
  return {record, exit_code};
}

void render(const Json& record, App& app) {
  auto text = [](const Json& check, const char* key) { return check.at(key).get<std::string>(); };
  std::vector<std::vector<Cell>> rows;
  for (const Json& check : record.at("checks")) {
    rows.push_back({text(check, "where"), text(check, "what"), state_cell(text(check, "state")),
                    text(check, "found")});
  }
  print_table(app.out, {"WHERE", "WHAT", "STATE", "FOUND"}, rows);
  for (const Json& check : record.at("checks")) {
    if (text(check, "way_out").empty()) continue;
    const std::string where = text(check, "where");
    app.out.stream << '\n'
                   << text(check, "what") << (where.empty() ? "" : " in " + where) << ": "
                   << text(check, "way_out") << '\n';
  }
  app.out.stream << '\n'
                 << (record.at("ready").get<bool>() ? "this account is ready\n"
                                                    : "something is missing\n");
}

}  // namespace

std::vector<Command> aws_preflight_commands() {
  return {
      {.noun = "aws",
       .verb = "preflight",
       .summary = "Check what the AWS account of config.yaml has and lacks for the work.",
       .examples = {{"hallmark aws preflight --account 444455556666",
                     "Also whether that account lets us in and can use our key."}},
       .options = {{"--account", "ID", "another account that gets images", true},
                   {"--prefix", "NAME", "what setup was given; default: hallmark"},
                   {"--profile", "NAME", "whose credentials; default: config.yaml's"},
                   {"--endpoint-url", "URL", "go there instead of to AWS"}},
       .description = "Looks only, and changes nothing. The first missing thing decides the exit "
                      "code; warnings do not.",
       .exits = {{ErrorKind::not_found, "something does not exist"},
                 {ErrorKind::denied, "something is not allowed"},
                 {ErrorKind::unavailable, "a service or a quota"},
                 {ErrorKind::failed, "something is not as it must be"}},
       .run = preflight,
       .render = render},
  };
}

}  // namespace hallmark::cli
