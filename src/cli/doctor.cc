/// hallmark doctor.

#include <algorithm>

#include "cli/nouns.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

Outcome examine(App& app, const Arguments&) {
  Json checks = Json::array();
  bool missing = false;
  for (const MachineCheck& check : app.examine_machine()) {
    checks.push_back({{"name", check.name},
                      {"state", check.state},
                      {"detail", check.detail},
                      {"way_out", check.way_out}});
    missing = missing || check.state == "missing";
  }
  return {{{"checks", checks}, {"ready", !missing}},
          missing ? traits(ErrorKind::unavailable).exit_code : 0};
}

void render(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& check : record.at("checks")) {
    auto text = [&](const char* key) { return check.at(key).get<std::string>(); };
    rows.push_back({text("name"), state_cell(text("state")), text("detail")});
  }
  print_table(app.out, {"WHAT", "STATE", "FOUND"}, rows);
  for (const Json& check : record.at("checks")) {
    std::string way_out = check.at("way_out");
    if (way_out.empty()) continue;
    app.out.stream << '\n' << check.at("name").get<std::string>() << ": " << way_out << '\n';
  }
  app.out.stream << '\n'
                 << (record.at("ready").get<bool>() ? "this machine can do the work\n"
                                                    : "something is missing\n");
}

}  // namespace

std::vector<Command> doctor_commands() {
  return {
      {.noun = "doctor",
       .verb = "",
       .summary = "Check what this machine has and lacks for the work.",
       .examples = {{"hallmark doctor", "Says what is missing and the way out."}},
       .exits = {{ErrorKind::unavailable, "something is missing"}},
       .run = examine,
       .render = render},
  };
}

}  // namespace hallmark::cli
