/// hallmark compliance check|show|trend|rule-template; prevent is in compliance_prevent.cc.

#include "pipeline/compliance.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/ids.h"
#include "base/text.h"
#include "cli/compliance_prevent.h"
#include "cli/compliance_view.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/table.h"
#include "model/pipeline_file.h"
#include "pipeline/compliance_history.h"
#include "pipeline/compliance_last.h"
#include "pipeline/compliance_verdicts.h"

namespace hallmark::cli {

namespace {

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
  const auto rule = arguments.value("--put-verdicts");
  if (rule) enforcement_of(app);  // before minutes are spent
  pipeline::ComplianceRules rules;
  rules.exemptions = exemptions_of(arguments);
  rules.accept_derived = arguments.has("--accept-derived");
  if (auto grace = arguments.value("--grace")) rules.grace = parse_duration(*grace);
  pipeline::Context& context = app.workplace().context;
  const pipeline::ComplianceReport report =
      pipeline::check_compliance(context, places_of(app, arguments), rules, app.stop);
  pipeline::record_check(context.database, report);
  if (auto file = arguments.value("--csv")) write_file(*file, pipeline::compliance_csv(report));
  Json record = report;
  bool is_fine = report.is_compliant();
  if (rule) {
    const auto put = pipeline::put_verdicts(enforcement_of(app), report, *rule, app.stop);
    record["verdicts"] = put;
    for (const pipeline::PutVerdict& one : put) is_fine = is_fine && one.problem.empty();
  }
  return {std::move(record), is_fine ? 0 : traits(ErrorKind::rejected).exit_code};
}

std::size_t count(const Json& counts, pipeline::Verdict verdict) {
  return counts.at(std::string(to_string(verdict))).get<std::size_t>();
}

Outcome show(App& app, const Arguments& arguments) {
  const auto account = arguments.value("--account"), region = arguments.value("--region");
  return {
      pipeline::last_compliance(app.workplace().context.database, [&](const cloud::Place& place) {
        return (!account || place.account_id == *account) && (!region || place.region == *region);
      })};
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

/// 64 bits: more than enough to tell builds apart.
constexpr std::size_t kDigestInName = 16;

Outcome rule_template(App& app, const Arguments& arguments) {
  AwsRuleRequest request;
  request.names = {.account_id = arguments.value_or("--parent-account", ""),
                   .prefix = arguments.value_or("--prefix", ""),
                   .cost_center = arguments.value_or("--cost-center", ""),
                   .profile = arguments.value_or("--profile", "")};
  request.rule = arguments.value_or("--rule", "");
  request.bucket = arguments.value_or("--bucket", "");
  request.central_check = arguments.has("--central-check");
  request.architecture = arguments.value_or("--architecture", "");
  if (auto package = arguments.value("--package")) {
    request.digest = sha256_hex(read_file(*package)).substr(0, kDigestInName);
  }
  return {parse_json(app.aws.rule_template(request, app.stop), "the template")};
}

void render_template(const Json& record, App& app) {
  app.out.stream << pretty(record) << '\n';
  auto value = [&](const char* name) {
    return record.at("Parameters").at(name).at("Default").get<std::string>();
  };
  if (const std::string digest = value("CodeDigest"); !digest.empty()) {
    app.err.stream << "before you deploy it, put the package at " << value("CodePrefix")
                   << "compliance-rule-" << value("Architecture") << '-' << digest << ".zip\n";
  }
}

std::vector<OptionSpec> check_options() {
  std::vector<OptionSpec> options = place_options();
  options.push_back({"--exemptions", "FILE", "YAML: what may run all the same, and until when"});
  options.push_back({"--accept-derived", "", "what was made from an active golden image is fine"});
  options.push_back({"--grace", "DURATION", "how long a superseded version is fine; default: 30d"});
  options.push_back({"--csv", "FILE", "write all rows to this file too"});
  options.push_back({"--put-verdicts", "RULE",
                     "tell AWS Config too: one verdict for each account and region, for its "
                     "process check of this name"});
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
                     "With what somebody answers for, and as a file for spreadsheets."},
                    {"hallmark compliance check --put-verdicts hallmark-golden-images-central",
                     "AWS Config then shows what was found in each account."}},
       .options = check_options(),
       .description =
           "Machines, launch templates and auto scaling groups are judged by their exact image id "
           "against /GoldenAMI/latest: non-compliant, unknown, superseded, derived, exempt or "
           "compliant. The first two, and a place that cannot be looked at, make the exit code 3.",
       .exits = {{ErrorKind::rejected, "something is non-compliant or unknown"}},
       .run = check,
       .render = render_compliance},
      {.noun = "compliance",
       .verb = "show",
       .summary = "Show what the last check of each place said, without asking the clouds.",
       .examples = {{"hallmark compliance show", "All places that were checked, the worst first."},
                    {"hallmark compliance show --account 111122223333 --json",
                     "One account, with when each place was checked."}},
       .options = place_options(),
       .run = show,
       .render =
           [](const Json& record, App& app) {
             if (!record.at("places").empty()) return render_compliance(record, app);
             app.err.stream
                 << "nothing was checked there yet; make a check with: hallmark compliance check\n";
           }},
      {.noun = "compliance",
       .verb = "trend",
       .summary = "Show how compliance went, day by day.",
       .examples = {{"hallmark compliance trend", "The last 30 days, the last check of each."},
                    {"hallmark compliance trend --days 365", "A year."}},
       .options = {{"--days", "N", "how many days, with today; default: 30"}},
       .run = trend,
       .render = render_trend},
      prevent_command(),
      remediate_command(),
      {.noun = "compliance",
       .verb = "rule-template",
       .summary = "Print the CloudFormation template of the AWS Config rule.",
       .examples = {{"hallmark compliance rule-template --package compliance-rule-x86_64.zip > "
                     "compliance-rule.json",
                     "Deploy it with StackSets, or by hand in each account and region."}},
       .options = {{"--parent-account", "ID",
                    "where images are built; default: config.yaml's, else ours"},
                   {"--rule", "NAME", "of the rule; default: hallmark-golden-images"},
                   {"--bucket", "NAME",
                    "where its package lies, below hallmark/compliance-rule/; default: the bucket "
                    "that setup made in the same region"},
                   {"--architecture",
                    "NAME",
                    "of the package: x86_64 (the default) or arm64",
                    false,
                    {"x86_64", "arm64"}},
                   {"--package", "FILE",
                    "the package: its digest is in the name under which it is to lie, so that the "
                    "function gets each new one"},
                   {"--central-check", "",
                    "also a process check, for: hallmark compliance check --put-verdicts"},
                   {"--prefix", "NAME", "that setup was given; default: hallmark"},
                   {"--cost-center", "NAME", "value of the tag Cost-Center"},
                   {"--profile", "NAME", "whose credentials and settings"}},
       .description =
           "The rule judges each machine by the exact id of its image against /GoldenAMI/latest of "
           "its own account and region: when it changes, every hour, and when the list changes.",
       .exits = {{ErrorKind::denied, ""}, {ErrorKind::unavailable, ""}},
       .run = rule_template,
       .render = render_template},
  };
}

}  // namespace hallmark::cli
