/// hallmark notice list.

#include "pipeline/notice.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "pipeline/remediation.h"

namespace hallmark::cli {

namespace {

constexpr const char* kShownByDefault = "30d";

Outcome list(App& app, const Arguments& arguments) {
  const pipeline::Context& context = app.workplace().context;
  const Duration age = parse_duration(arguments.value_or("--since", kShownByDefault));
  return {{{"notices",
            pipeline::list_notices(context.database, to_rfc3339(context.clock.now() - age))}}};
}

void render_list(const Json& record, App& app) {
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
}

}  // namespace

std::vector<Command> notice_commands() {
  return {{.noun = "notice",
           .verb = "list",
           .summary = "List what reassessments found that is new, and how far it reaches.",
           .examples = {{"hallmark notice list --since 7d", "Of the last week."}},
           .options = {{"--since", "DURATION", "how far back; 30d if left out"}},
           .run = list,
           .render = render_list}};
}

}  // namespace hallmark::cli
