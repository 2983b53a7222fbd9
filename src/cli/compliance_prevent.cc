#include "cli/compliance_prevent.h"

#include "base/text.h"
#include "cli/places.h"
#include "cli/table.h"
#include "pipeline/prevention.h"

namespace hallmark::cli {

namespace {

using cloud::LaunchMode;

/// More names than anybody reads; --json has them all.
constexpr std::size_t kNamesShown = 20;

std::optional<LaunchMode> mode_of(const Arguments& arguments) {
  auto word = arguments.value("--mode");
  if (!word) return std::nullopt;
  for (LaunchMode mode : {LaunchMode::disabled, LaunchMode::audit, LaunchMode::enabled}) {
    if (to_string(mode) == *word) return mode;
  }
  throw Error(ErrorKind::internal, "--mode is {}", *word);
}

/// Not the account that builds: its sources are not golden, and no build would begin any more.
std::vector<cloud::Place> places_to_prevent(App& app, const Arguments& arguments) {
  std::vector<cloud::Place> places = places_of(app, arguments);
  if (arguments.has("--account")) return places;
  const std::string home = app.workplace().context.cloud.properties().account_id;
  std::erase_if(places, [&](const cloud::Place& place) { return place.account_id == home; });
  return places;
}

/// All that any place's list allows: a policy is the same in all regions.
std::vector<cloud::LaunchRule> rules_everywhere(const std::vector<pipeline::PlacePrevention>& plan,
                                                const std::vector<std::string>& also) {
  std::vector<pipeline::AllowedImage> images;
  for (const pipeline::PlacePrevention& one : plan) {
    for (const cloud::LaunchRule& rule : one.then.rules) {
      for (const std::string& name : rule.names) images.push_back({rule.owners.front(), name, {}});
    }
  }
  return pipeline::launch_rules(images, also);
}

/// A place that could not be looked at would be missing from the policy: nothing is put then.
void require_all(const std::vector<pipeline::PlacePrevention>& plan) {
  for (const pipeline::PlacePrevention& one : plan) {
    if (one.problem.empty()) continue;
    throw Error(ErrorKind::unavailable, "{} could not be looked at: {}", to_string(one.place),
                one.problem)
        .hint(
            "a policy without its images would forbid them; leave the place out with --account "
            "and --region, or mend it");
  }
}

Outcome prevent_by_policy(App& app, const Arguments& arguments, const std::string& policy_id,
                          pipeline::PreventionRequest request) {
  if (request.derived) {
    throw Error(ErrorKind::usage, "--derived does not go with --policy");
  }
  if (!request.mode) {
    throw Error(ErrorKind::usage, "say which --mode the policy is to have")
        .hint("begin with: --mode audit");
  }
  cloud::Enforcement& enforcement = enforcement_of(app);
  const LaunchMode mode = *request.mode;
  // What a place has set of its own does not matter here; its list does, in whatever mode.
  request.mode = LaunchMode::audit;
  request.by_policy = true;
  auto plan = pipeline::plan_prevention(app.workplace().context, enforcement,
                                        places_to_prevent(app, arguments), request, app.stop);
  require_all(plan);
  const std::string before = enforcement.organization_policy(policy_id, app.stop);
  const std::string after =
      pipeline::declarative_policy(before, mode, rules_everywhere(plan, request.also));
  const bool changes = parse_json(before.empty() ? "{}" : before, "the policy") !=
                       parse_json(after, "the new policy");
  const bool dry = arguments.has("--dry-run");
  if (changes && !dry) enforcement.put_organization_policy(policy_id, after, app.stop);
  Json record = {{"dry_run", dry},
                 {"places", Json::array()},
                 {"policy",
                  {{"id", policy_id},
                   {"changes", changes},
                   {"done", changes && !dry},
                   {"document", parse_json(after, "the new policy")}}}};
  return {std::move(record)};
}

Outcome prevent(App& app, const Arguments& arguments) {
  const bool dry = arguments.has("--dry-run");
  pipeline::PreventionRequest request{.mode = mode_of(arguments),
                                      .also = arguments.values("--also"),
                                      .derived = arguments.has("--derived"),
                                      .skip_audit = arguments.has("--skip-audit")};
  cloud::Enforcement& enforcement = enforcement_of(app);
  if (auto policy = arguments.value("--policy")) {
    return prevent_by_policy(app, arguments, *policy, std::move(request));
  }
  auto plan = pipeline::plan_prevention(app.workplace().context, enforcement,
                                        places_to_prevent(app, arguments), request, app.stop);
  if (!dry) pipeline::apply_prevention(enforcement, plan, app.stop);
  bool has_problem = false;
  for (const pipeline::PlacePrevention& one : plan) has_problem |= !one.problem.empty();
  return {{{"dry_run", dry}, {"places", plan}, {"policy", nullptr}},
          has_problem ? traits(ErrorKind::failed).exit_code : 0};
}

void render_names(const Json& names, const char* sign, App& app) {
  std::size_t shown = 0;
  for (const Json& name : names) {
    if (shown++ == kNamesShown) break;
    app.out.stream << "  " << sign << ' ' << name.get<std::string>() << '\n';
  }
  if (names.size() > kNamesShown) {
    app.out.stream << "  " << sign << " and " << names.size() - kNamesShown << " more\n";
  }
}

void render_policy(const Json& record, App& app) {
  const Json& policy = record.at("policy");
  app.out.stream << pretty(policy.at("document")) << '\n';
  app.err.stream << "policy " << policy.at("id").get<std::string>() << ": "
                 << (policy.at("done").get<bool>()      ? "changed"
                     : policy.at("changes").get<bool>() ? "would be changed"
                                                        : "nothing to change")
                 << '\n';
}

void render(const Json& record, App& app) {
  if (!record.at("policy").is_null()) return render_policy(record, app);
  if (record.at("places").empty()) {
    app.err.stream << "no account but ours has an image; name one with --account\n";
    return;
  }
  const bool dry = record.at("dry_run");
  for (const Json& place : record.at("places")) {
    auto text = [&](const char* key) { return place.at(key).get<std::string>(); };
    app.out.stream << text("account_id") << '/' << text("region") << "  " << text("mode_now");
    if (text("mode") != text("mode_now")) app.out.stream << " -> " << text("mode");
    const std::string problem = text("problem");
    if (!problem.empty()) {
      app.out.stream << "  " << paint(app.out, Tone::bad, "not changed") << ": "
                     << one_line(problem);
    } else if (!place.at("changes").get<bool>()) {
      app.out.stream << "  nothing to change";
    } else {
      app.out.stream << (dry ? "  would be changed" : "  changed");
    }
    app.out.stream << '\n';
    if (place.at("changes").get<bool>()) {
      render_names(place.at("added"), "+", app);
      render_names(place.at("removed"), "-", app);
    }
    for (const Json& warning : place.at("warnings")) {
      app.err.stream << "warning: " << text("account_id") << '/' << text("region") << ": "
                     << one_line(warning.get<std::string>()) << '\n';
    }
  }
}

}  // namespace

cloud::Enforcement& enforcement_of(App& app) {
  if (cloud::Enforcement* enforcement = app.workplace().enforcement) return *enforcement;
  throw Error(ErrorKind::usage, "the {} cloud neither keeps verdicts nor refuses launches",
              app.workplace().context.cloud.properties().name)
      .hint("this works on AWS; see: docs/compliance.md");
}

Command prevent_command() {
  std::vector<OptionSpec> options = place_options();
  options.push_back(
      {"--mode",
       "MODE",
       "audit marks images that are not allowed, enabled refuses them; default: as it "
       "is",
       false,
       {"audit", "enabled", "disabled"}});
  options.push_back({"--also", "OWNER",
                     "allow all images of this account, or of amazon, aws-marketplace or "
                     "aws-backup-vault",
                     true});
  options.push_back(
      {"--derived", "", "allow what is made from them too, where they carry watermarks"});
  options.push_back({"--policy", "ID",
                     "change this declarative policy of the organization instead of each account"});
  options.push_back({"--skip-audit", "", "enable it where it never was in mode audit"});
  options.push_back({"--dry-run", "", "change nothing, say what would be changed"});
  return {
      .noun = "compliance",
      .verb = "prevent",
      .summary = "Let accounts launch golden images only.",
      .examples = {{"hallmark compliance prevent --mode audit --dry-run",
                    "Which images EC2 would allow where."},
                   {"hallmark compliance prevent --mode audit",
                    "Nothing is refused; EC2 marks images that would be."},
                   {"hallmark compliance prevent --mode enabled --also amazon",
                    "Everything else is refused, but for Amazon's own images."},
                   {"hallmark compliance prevent", "After the lists have changed: in step again."},
                   {"hallmark compliance prevent --policy p-0123456789 --mode audit --dry-run",
                    "The same as a declarative policy, printed."}},
      .options = std::move(options),
      .description =
          "EC2's Allowed AMIs, kept in step with /GoldenAMI/latest of each account and region: "
          "by owner and exact name. What an account owns itself is always allowed. Our own "
          "account is left out unless --account names it, because builds start from images "
          "that are not golden.",
      .exits = {{ErrorKind::failed, "a place could not be changed; all others were"},
                {ErrorKind::denied, ""},
                {ErrorKind::unavailable, ""}},
      .run = prevent,
      .render = render};
}

}  // namespace hallmark::cli
