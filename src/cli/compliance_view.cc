#include "cli/compliance_view.h"

#include "base/text.h"
#include "cli/table.h"
#include "pipeline/compliance.h"

namespace hallmark::cli {

namespace {

/// More rows than anybody reads; --csv and --json have them all.
constexpr std::size_t kRowsShown = 100;
constexpr std::size_t kAccountsShown = 10;

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

void render_verdicts(const Json& record, App& app) {
  if (!record.contains("verdicts")) return;
  std::size_t put = 0;
  for (const Json& one : record.at("verdicts")) {
    const std::string problem = one.at("problem");
    if (problem.empty()) {
      ++put;
      continue;
    }
    app.out.stream << paint(app.out, Tone::bad, "verdict not put") << "  "
                   << one.at("account_id").get<std::string>() << '/'
                   << one.at("region").get<std::string>() << ": " << one_line(problem) << '\n';
  }
  app.err.stream << "verdicts on " << put << " of " << record.at("verdicts").size()
                 << " places put\n";
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

}  // namespace

void render_compliance(const Json& record, App& app) {
  for (const Json& warning : record.at("warnings")) {
    app.err.stream << "warning: " << one_line(warning.get<std::string>()) << '\n';
  }
  const Json& machines = record.at("machines");
  if (machines.empty()) {
    render_problems(record, app);
    render_verdicts(record, app);
    app.err.stream << "no machines run\n";
    return;
  }
  render_summary(record, app);
  render_problems(record, app);
  render_verdicts(record, app);
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

}  // namespace hallmark::cli
