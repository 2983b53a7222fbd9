/// hallmark image ages and findings.

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/paging.h"
#include "cli/table.h"
#include "pipeline/finding_ages.h"
#include "pipeline/finding_history.h"

namespace hallmark::cli {

namespace {

constexpr const char* kFixedWithin = "90d";
/// Worst first, as people look; a JSON object is sorted by name.
constexpr std::array kSeverities = {"critical", "high", "medium", "low", "info", "unknown"};
constexpr Duration kDay{24 * 3600'000LL};
/// As far back as compliance is kept; more rows than anybody draws.
constexpr int kMostDays = 400;

int days_of(const std::string& text) {
  int days = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (problem == std::errc() && end == text.data() + text.size() && days >= 1 &&
      days <= kMostDays) {
    return days;
  }
  throw Error(ErrorKind::usage, "--days is \"{}\"", text)
      .hint(fmt::format("write a number from 1 to {}", kMostDays));
}

Outcome ages(App& app, const Arguments& arguments) {
  const TimePoint now = app.clock.now();
  const Duration since = parse_duration(arguments.value_or("--since", kFixedWithin));
  const pipeline::Context& context = app.workplace().context;
  auto known = pipeline::list_finding_ages(context.database, now - since);
  pipeline::mark_waived(context, known);
  const pipeline::AgeReport report = pipeline::summarize_ages(known, now);
  if (auto file = arguments.value("--csv")) write_file(*file, pipeline::ages_csv(report));
  Json record = report;
  if (const auto days = arguments.value("--days")) {
    const int count = days_of(*days);
    // What was fixed within those days was open in them.
    const auto all = pipeline::list_finding_ages(context.database, now - kDay * count);
    record["history"] = pipeline::finding_history(all, count, now);
  }
  return {std::move(record)};
}

std::string days(const Json& seconds) {
  return fmt::format("{:.1f} d", static_cast<double>(seconds.get<std::int64_t>()) / (24 * 3600.0));
}

void add_rows(const std::string& product, const Json& severities,
              std::vector<std::vector<Cell>>& rows) {
  for (const char* severity : kSeverities) {
    if (!severities.contains(severity)) continue;
    const Json& of = severities.at(severity);
    const int open = of.at("open"), fixed = of.at("fixed"), waived = of.at("waived");
    auto told = [&](int count, const char* key) { return count == 0 ? "" : days(of.at(key)); };
    const bool bad = open > 0 && (std::string(severity) == "critical");
    rows.push_back({product, severity, Cell(std::to_string(open), bad ? Tone::bad : Tone::plain),
                    told(open, "median_age_seconds"), told(open, "oldest_age_seconds"),
                    std::to_string(fixed), told(fixed, "mean_time_to_fix_seconds"),
                    told(fixed, "median_time_to_fix_seconds"), std::to_string(waived)});
  }
}

void render_history(const Json& record, App& app) {
  if (!record.contains("history")) return;
  std::vector<std::vector<Cell>> rows;
  for (const Json& day : record.at("history").at("all")) {
    std::vector<Cell> row = {day.at("day").get<std::string>()};
    for (const char* severity : kSeverities) {
      row.push_back(std::to_string(day.at("open").value(severity, 0)));
    }
    rows.push_back(std::move(row));
  }
  app.out.stream << '\n';
  print_table(app.out, {"DAY", "CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN"}, rows);
}

void render_ages(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& product : record.at("products")) {
    add_rows(product.at("product").get<std::string>(), product.at("severities"), rows);
  }
  if (rows.empty()) {
    app.err.stream << "no findings of active versions are known\n";
    return;
  }
  if (record.at("products").size() > 1) add_rows("all", record.at("all"), rows);
  print_table(app.out,
              {"PRODUCT", "SEVERITY", "OPEN", "MEDIAN AGE", "OLDEST", "FIXED", "MEAN TIME TO FIX",
               "MEDIAN", "WAIVED"},
              rows);
  render_history(record, app);
}

std::vector<std::string> severity_names() {
  std::vector<std::string> names;
  for (model::Severity each :
       {model::Severity::critical, model::Severity::high, model::Severity::medium,
        model::Severity::low, model::Severity::info, model::Severity::unknown}) {
    names.emplace_back(model::to_string(each));
  }
  return names;
}

Outcome findings(App& app, const Arguments& arguments) {
  pipeline::FindingQuery query{.products = arguments.values(kProduct),
                               .systems = arguments.values("--os"),
                               .page = page_of(arguments)};
  for (const std::string& name : arguments.values("--severity")) {
    query.severities.push_back(model::severity_from(name));
  }
  const pipeline::FindingPage page =
      pipeline::list_open_findings(app.workplace().context.database, query);
  Json rows = Json::array();
  for (const pipeline::FindingAge& finding : page.findings) {
    rows.push_back({{"product", finding.product},
                    {"os", finding.os},
                    {"finding_id", finding.finding_id},
                    {"package", finding.package},
                    {"severity", model::to_string(finding.severity)},
                    {"first_seen_at", to_rfc3339(finding.first_seen_at)}});
  }
  return {page_record("findings", std::move(rows), page.next)};
}

void render_findings(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& finding : record.at("findings")) {
    auto text = [&](const char* key) { return finding.at(key).get<std::string>(); };
    const bool bad = text("severity") == "critical";
    rows.push_back({text("finding_id"), text("package"),
                    Cell(text("severity"), bad ? Tone::bad : Tone::plain),
                    text("product") + "/" + text("os"), text("first_seen_at").substr(0, 10)});
  }
  if (rows.empty()) {
    app.err.stream << "no open findings of active versions are known\n";
    return;
  }
  print_table(app.out, {"FINDING", "PACKAGE", "SEVERITY", "PRODUCT", "SINCE"}, rows);
  render_next(record, app);
}

}  // namespace

std::vector<Command> image_ages_commands() {
  return {{.noun = "image",
           .verb = "ages",
           .summary = "Say how old findings are, and how long it took to fix those that are gone.",
           .examples = {{"hallmark image ages", "Per product and severity."},
                        {"hallmark image ages --since 365d --csv ages.csv",
                         "With all that was fixed within a year, as a file for spreadsheets."}},
           .options = {{"--since", "DURATION", "fixed within; default: 90d"},
                       {"--days", "N", "also how many were open on each of the last N days"},
                       {"--csv", "FILE", "write all rows to this file too"}},
           .description = "A finding is open from when it is first seen in the newest active "
                          "version of a product, and fixed when such a version is without it. What "
                          "a waiver covers now is counted apart.",
           .run = ages,
           .render = render_ages},
          {.noun = "image",
           .verb = "findings",
           .summary = "List open findings of the newest active versions, newest first.",
           .examples = {{"hallmark image findings --severity critical --limit 50",
                         "The newest 50 of these, of all products."},
                        {"hallmark image findings --product 'Web-*'", "All of these products."}},
           .options = {{"--severity", "SEVERITY", "of that severity", true, severity_names()},
                       product_option(),
                       {"--os", "PATTERN", "of that operating system, such as Debian-*", true},
                       page_options()[0],
                       page_options()[1]},
           .description = "Also those that a waiver covers; \"image ages\" counts these apart.",
           .run = findings,
           .render = render_findings}};
}

}  // namespace hallmark::cli
