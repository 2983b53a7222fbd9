/// hallmark reaper: what outlived the run that made it.

#include "pipeline/reaper.h"

#include <algorithm>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

Outcome reap(App& app, const Arguments& arguments, bool dry_run) {
  Workplace& workplace = app.workplace();
  const pipeline::Reaping reaping =
      pipeline::reap(workplace.engine, workplace.context, places_of(app, arguments), dry_run);
  const bool problems = std::any_of(reaping.orphans.begin(), reaping.orphans.end(),
                                    [](const pipeline::Orphan& o) { return !o.problem.empty(); });
  return {{{"orphans", reaping.orphans}, {"unseen_places", reaping.unseen}, {"dry_run", dry_run}},
          problems || !reaping.unseen.empty() ? traits(ErrorKind::failed).exit_code : 0};
}

void render(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  bool dry_run = record.at("dry_run");
  for (const Json& orphan : record.at("orphans")) {
    auto text = [&](const char* key) { return orphan.at(key).get<std::string>(); };
    std::string problem = text("problem");
    Cell outcome = dry_run            ? Cell("to be removed", Tone::warning)
                   : !problem.empty() ? Cell("not removed: " + problem, Tone::bad)
                                      : Cell("removed", Tone::good);
    rows.push_back({text("kind"), text("id"), text("account_id") + "/" + text("region"),
                    text("run_id"), text("reason"), outcome});
  }
  for (const Json& place : record.at("unseen_places")) {
    app.err.stream << paint(app.err, Tone::bad, "not looked at") << "  "
                   << place.at("account_id").get<std::string>() << '/'
                   << place.at("region").get<std::string>() << ": "
                   << one_line(place.at("problem").get<std::string>()) << '\n';
  }
  if (rows.empty()) {
    app.out.stream << (record.at("unseen_places").empty() ? "nothing outlived its run\n"
                                                          : "nothing was found elsewhere\n");
    return;
  }
  print_table(app.out, {"KIND", "ID", "IN", "RUN", "WHY", "OUTCOME"}, rows);
}

}  // namespace

std::vector<Command> reaper_commands() {
  return {
      {.noun = "reaper",
       .verb = "find",
       .summary = "Find what outlived the run that made it; remove nothing.",
       .examples = {{"hallmark reaper find", "In all places we know."}},
       .options = place_options(),
       .exits = {{ErrorKind::failed, "a place could not be looked at"}},
       .run = [](App& app, const Arguments& arguments) { return reap(app, arguments, true); },
       .render = render},
      {.noun = "reaper",
       .verb = "remove",
       .summary = "Remove what outlived the run that made it.",
       .examples = {{"hallmark reaper remove",
                     "By the ledger and, should the database be lost, by owner tags alone."}},
       .options = place_options(),
       .exits = {{ErrorKind::failed,
                  "something could not be removed, or a place not be looked at"}},
       .run = [](App& app, const Arguments& arguments) { return reap(app, arguments, false); },
       .render = render},
  };
}

}  // namespace hallmark::cli
