/// hallmark compliance check|trend.

#include "pipeline/compliance.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/table.h"
#include "model/pipeline_file.h"
#include "pipeline/compliance_history.h"

namespace hallmark::cli {

namespace {

/// More rows than anybody reads; --csv and --json have them all.
constexpr std::size_t kRowsShown = 100;
constexpr std::size_t kAccountsShown = 10;
constexpr const char* kTrendDays = "30";

std::vector<model::Exemption> exemptions_of(const Arguments& arguments) {
  auto file = arguments.value("--exemptions");
  if (!file) return {};
  std::vector<model::Problem> problems;
  auto exemptions = model::read_exemptions(read_file(*file), problems);
  if (problems.empty()) return exemptions;
  Error error(ErrorKind::usage, "{} is not a file of exemptions", *file);
  for (const model::Problem& problem : problems) error.note(model::to_string(problem, *file));
  throw error.hint("see: docs/compliance.md");
}

Outcome check(App& app, const Arguments& arguments) {
  pipeline::ComplianceRules rules;
  rules.exemptions = exemptions_of(arguments);
  rules.accept_derived = arguments.has("--accept-derived");
  if (auto grace = arguments.value("--grace")) rules.grace = parse_duration(*grace);
  pipeline::Context& context = app.workplace().context;
  const pipeline::ComplianceReport report =
      pipeline::check_compliance(context, places_of(app, arguments), rules, app.stop);
  pipeline::record_check(context.database, report);
  if (auto file = arguments.value("--csv")) write_file(*file, pipeline::compliance_csv(report));
  return {report, report.is_compliant() ? 0 : traits(ErrorKind::rejected).exit_code};
}

Tone tone_of(const std::string& verdict) {
  if (verdict == "compliant") return Tone::good;
  return verdict == "non-compliant" || verdict == "unknown" ? Tone::bad : Tone::warning;
}

std::size_t count(const Json& counts, pipeline::Verdict verdict) {
  return counts.at(std::string(to_string(verdict))).get<std::size_t>();
}

std::size_t sum(const Json& counts) {
  std::size_t all = 0;
  for (const Json& one : counts) all += one.get<std::size_t>();
  return all;
}

void render_summary(const Json& record, App& app) {
  const Json& counts = record.at("counts");
  std::vector<std::pair<std::string, Cell>> lines;
  for (std::size_t i = 0; i < pipeline::kVerdicts; ++i) {
    const auto verdict = static_cast<pipeline::Verdict>(i);
    const std::size_t number = count(counts, verdict);
    const std::string name(to_string(verdict));
    if (number > 0) lines.push_back({name, Cell(std::to_string(number), tone_of(name))});
  }
  print_fields(app.out, lines);
}

void render_problems(const Json& record, App& app) {
  for (const Json& place : record.at("places")) {
    for (const Json& problem : place.at("problems")) {
      app.out.stream << paint(app.out, Tone::bad, "not looked at") << "  "
                     << place.at("account_id").get<std::string>() << '/'
                     << place.at("region").get<std::string>() << ": "
                     << one_line(problem.get<std::string>()) << '\n';
    }
  }
}

/// Only where there is something to choose between.
void render_accounts(const Json& record, App& app) {
  const Json& accounts = record.at("accounts");
  std::vector<std::vector<Cell>> rows;
  for (const Json& account : accounts) {
    const Json& counts = account.at("counts");
    const std::size_t bad = count(counts, pipeline::Verdict::non_compliant);
    if (bad == 0 || rows.size() == kAccountsShown) break;
    rows.push_back({account.at("account_id").get<std::string>(), std::to_string(bad),
                    std::to_string(sum(counts))});
  }
  if (accounts.size() < 2 || rows.empty()) return;
  app.out.stream << '\n';
  print_table(app.out, {"ACCOUNT", "NON-COMPLIANT", "OF"}, rows);
}

void render(const Json& record, App& app) {
  for (const Json& warning : record.at("warnings")) {
    app.err.stream << "warning: " << one_line(warning.get<std::string>()) << '\n';
  }
  const Json& machines = record.at("machines");
  if (machines.empty()) {
    render_problems(record, app);
    app.err.stream << "no machines run\n";
    return;
  }
  render_summary(record, app);
  render_problems(record, app);
  render_accounts(record, app);
  std::vector<std::vector<Cell>> rows;
  for (const Json& machine : machines) {
    if (rows.size() == kRowsShown) break;
    auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
    std::string launched = text("launched_at").substr(0, 10);
    if (std::string by = text("launched_by"); !by.empty()) {
      launched += (launched.empty() ? "by " : " by ") + by;
    }
    std::string id = text("machine_id");
    if (machine.contains("version")) id += " version " + text("version");
    rows.push_back({Cell(text("verdict"), tone_of(text("verdict"))), text("kind"), id, text("name"),
                    text("account_id") + "/" + text("region"), launched, text("reason")});
  }
  app.out.stream << '\n';
  print_table(app.out, {"VERDICT", "KIND", "ID", "NAME", "IN", "LAUNCHED", "WHY"}, rows);
  if (machines.size() > rows.size()) {
    app.err.stream << machines.size() - rows.size() << " more; see all with --csv FILE or --json\n";
  }
}

Outcome trend(App& app, const Arguments& arguments) {
  const std::string text = arguments.value_or("--days", kTrendDays);
  int days = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (problem != std::errc() || end != text.data() + text.size() || days < 1 ||
      days > pipeline::kHistoryDays) {
    throw Error(ErrorKind::usage, "--days is \"{}\"", text)
        .hint(fmt::format("write a number from 1 to {}", pipeline::kHistoryDays));
  }
  return {{{"days",
            pipeline::compliance_trend(app.workplace().context.database, days, app.clock.now())}}};
}

void render_trend(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& day : record.at("days")) {
    auto number = [&](const Json& value) { return std::to_string(value.get<std::size_t>()); };
    const Json& share = day.at("compliant_share");
    // Never rounded up to 100 %.
    const std::string percent =
        share.is_null() ? "" : fmt::format("{:.1f} %", std::floor(share.get<double>() * 1000) / 10);
    std::vector<Cell> row = {day.at("day").get<std::string>(), number(day.at("places")),
                             number(day.at("places_with_problems")), number(day.at("checked")),
                             percent};
    for (std::size_t i = 0; i < pipeline::kVerdicts; ++i) {
      row.push_back(std::to_string(count(day.at("counts"), static_cast<pipeline::Verdict>(i))));
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) {
    app.err.stream << "no checks in these days; make one with: hallmark compliance check\n";
    return;
  }
  print_table(app.out,
              {"DATE", "PLACES", "WITH PROBLEMS", "CHECKED", "FINE", "NON-COMPLIANT", "UNKNOWN",
               "SUPERSEDED", "DERIVED", "EXEMPT", "COMPLIANT"},
              rows);
}

std::vector<OptionSpec> check_options() {
  std::vector<OptionSpec> options = place_options();
  options.push_back({"--exemptions", "FILE", "YAML: what may run all the same, and until when"});
  options.push_back({"--accept-derived", "", "what was made from an active golden image is fine"});
  options.push_back({"--grace", "DURATION", "how long a superseded version is fine; default: 30d"});
  options.push_back({"--csv", "FILE", "write all rows to this file too"});
  return options;
}

}  // namespace

std::vector<Command> compliance_commands() {
  return {
      {.noun = "compliance",
       .verb = "check",
       .summary = "Say which machines run from an active golden image.",
       .examples = {{"hallmark compliance check", "In all places we know; exit code 3 if not all."},
                    {"hallmark compliance check --account 111122223333", "In one account."},
                    {"hallmark compliance check --exemptions exemptions.yaml --csv all.csv",
                     "With what somebody answers for, and as a file for spreadsheets."}},
       .options = check_options(),
       .description =
           "Machines, launch templates and auto scaling groups are judged by their exact image id "
           "against /GoldenAMI/latest: non-compliant, unknown, superseded, derived, exempt or "
           "compliant. The first two, and a place that cannot be looked at, make the exit code 3.",
       .exits = {{ErrorKind::rejected, "something is non-compliant or unknown"}},
       .run = check,
       .render = render},
      {.noun = "compliance",
       .verb = "trend",
       .summary = "Show how compliance went, day by day.",
       .examples = {{"hallmark compliance trend", "The last 30 days, the last check of each."},
                    {"hallmark compliance trend --days 365", "A year."}},
       .options = {{"--days", "N", "how many days, with today; default: 30"}},
       .run = trend,
       .render = render_trend},
  };
}

}  // namespace hallmark::cli
