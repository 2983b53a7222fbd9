/// hallmark notice list, retry.

#include "pipeline/notice.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/paging.h"
#include "cli/table.h"
#include "notify/outbox.h"
#include "pipeline/remediation.h"

namespace hallmark::cli {

namespace {

constexpr const char* kShownByDefault = "30d";

/// More than anybody reads; what is older is in the database.
constexpr int kMostDeliveries = 1000;

Outcome list(App& app, const Arguments& arguments) {
  const pipeline::Context& context = app.workplace().context;
  if (arguments.has("--undelivered")) {
    return {{{"notices", notify::list_deliveries(context.database, true, kMostDeliveries)},
             {"undelivered", true}}};
  }
  const Duration age = parse_duration(arguments.value_or("--since", kShownByDefault));
  const pipeline::NoticePage page =
      pipeline::list_notices(context.database, to_rfc3339(context.clock.now() - age),
                             arguments.values(kProduct), page_of(arguments));
  return {page_record("notices", page.notices, page.next)};
}

void render_undelivered(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& delivery : record.at("notices")) {
    auto text = [&](const char* key) { return delivery.at(key).get<std::string>(); };
    const bool dead = text("state") == "dead";
    rows.push_back({text("delivery_id"), text("receiver"), text("kind"), text("subject"),
                    dead ? Cell("dead", Tone::bad) : Cell("waiting", Tone::warning),
                    std::to_string(delivery.at("attempts").get<int>()),
                    dead ? "" : text("next_at").substr(0, 16) + "Z",
                    text("error").substr(0, text("error").find('\n'))});
  }
  if (rows.empty()) {
    app.err.stream << "everything was delivered\n";
    return;
  }
  print_table(app.out, {"ID", "RECEIVER", "WHAT", "ABOUT", "", "TRIED", "NEXT", "WHY"}, rows);
}

Outcome retry(App& app, const Arguments& arguments) {
  const pipeline::Context& context = app.workplace().context;
  return {{{"retried", notify::retry_deliveries(context.database, arguments.values("ID"),
                                                context.clock.now())}}};
}

void render_retry(const Json& record, App& app) {
  app.out.stream << record.at("retried").get<int>()
                 << " deliveries are tried again, by the server or by: " << app.command_prefix
                 << " notice send\n";
}

void render_list(const Json& record, App& app) {
  if (record.contains("undelivered")) return render_undelivered(record, app);
  std::vector<std::vector<Cell>> rows;
  for (const Json& notice : record.at("notices")) {
    const Json& body = notice.at("body");
    if (notice.at("kind") == pipeline::kComplianceNotice) {
      rows.push_back(
          {notice.at("created_at").get<std::string>().substr(0, 10),
           notice.at("subject").get<std::string>(), Cell("compliance", Tone::bad),
           fmt::format("{} new, {} stopped", body.at("new").size(), body.at("stopped").size()),
           ""});
      continue;
    }
    const Json rebuild = body.value("rebuild", Json::object());
    const Json& reach = body.at("reach");
    std::vector<std::string> findings;
    for (const Json& finding : body.at("findings")) {
      findings.push_back(finding.at("severity").get<std::string>() + " " +
                         finding.at("id").get<std::string>());
    }
    const bool passed = body.at("gate_passed");
    rows.push_back({notice.at("created_at").get<std::string>().substr(0, 10),
                    notice.at("subject").get<std::string>(),
                    passed ? Cell("review", Tone::warning) : Cell("closed", Tone::bad),
                    fmt::format("{} in {} accounts", reach.at("machines").get<int>(),
                                reach.at("accounts").get<int>()),
                    join(findings, ", "), rebuild.value("image_key", "")});
  }
  if (rows.empty()) {
    app.err.stream << "nothing new\n";
    return;
  }
  print_table(app.out, {"ON", "IMAGE", "GATE", "MACHINES", "NEW FINDINGS", "REBUILT AS"}, rows);
  render_next(record, app);
}

}  // namespace

std::vector<Command> notice_commands() {
  return {
      {.noun = "notice",
       .verb = "list",
       .summary = "List what reassessments found that is new, and how far it reaches.",
       .examples = {{"hallmark notice list --since 7d", "Of the last week."},
                    {"hallmark notice list --undelivered",
                     "What receivers of config.yaml were not told yet, and why."}},
       .options = {{"--since", "DURATION", "how far back; 30d if left out"},
                   {"--undelivered", "", "instead: what waits to be told, and what is given up"},
                   product_option(),
                   page_options()[0],
                   page_options()[1]},
       .run = list,
       .render = render_list},
      {.noun = "notice",
       .verb = "retry",
       .summary = "Let deliveries that were given up be tried again.",
       .examples = {{"hallmark notice retry", "All of them."},
                    {"hallmark notice retry delivery-0123456789abcdef0", ""}},
       .arguments = {{"ID", "a delivery of: hallmark notice list --undelivered", false}},
       .exits = {{ErrorKind::not_found, ""}, {ErrorKind::conflict, "it is not given up"}},
       .run = retry,
       .render = render_retry}};
}

}  // namespace hallmark::cli
