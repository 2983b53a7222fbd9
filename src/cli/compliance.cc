/// hallmark compliance check.

#include "pipeline/compliance.h"

#include <algorithm>

#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

Outcome check(App& app, const Arguments& arguments) {
  auto machines = pipeline::check_compliance(app.workplace().context, places_of(app, arguments));
  bool all = std::all_of(machines.begin(), machines.end(),
                         [](const pipeline::MachineCompliance& m) { return m.compliant; });
  return {{{"compliant", all}, {"machines", machines}},
          all ? 0 : traits(ErrorKind::rejected).exit_code};
}

void render(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  std::size_t good = 0;
  for (const Json& machine : record.at("machines")) {
    auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
    bool compliant = machine.at("compliant");
    good += compliant ? 1 : 0;
    rows.push_back({text("machine_id"), text("name"), text("account_id") + "/" + text("region"),
                    compliant ? Cell("yes", Tone::good) : Cell("no", Tone::bad), text("reason")});
  }
  if (rows.empty()) {
    app.err.stream << "no machines run\n";
    return;
  }
  print_table(app.out, {"MACHINE", "NAME", "IN", "COMPLIANT", "WHY"}, rows);
  app.out.stream << '\n' << good << " of " << rows.size() << " machines are compliant\n";
}

}  // namespace

std::vector<Command> compliance_commands() {
  return {
      {.noun = "compliance",
       .verb = "check",
       .summary = "Say which machines run from an active golden image.",
       .examples = {{"hallmark compliance check", "In all places we know; exit code 3 if not all."},
                    {"hallmark compliance check --account 111122223333", "In one account."}},
       .options = place_options(),
       .exits = {{ErrorKind::rejected, "not all machines are compliant"}},
       .run = check,
       .render = render},
  };
}

}  // namespace hallmark::cli
