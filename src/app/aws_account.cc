#include "app/aws_account.h"

#include <memory>

#include "app/aws_access.h"
#include "aws/caller_identity.h"
#include "base/error.h"
#include "cloud/aws/preflight.h"
#include "cloud/aws/setup.h"
#include "cloud/aws/templates.h"

namespace hallmark::app {

namespace {

constexpr const char* kPrefix = "hallmark";

std::string either(const std::string& first, const std::string& otherwise) {
  return first.empty() ? otherwise : first;
}

/// config.yaml with what the command line says.
template <typename Request>
CloudConfig configured(const Path& state, const Request& request) {
  CloudConfig config = load_config(state).cloud;
  config.aws.profile = either(request.profile, config.aws.profile);
  config.aws.endpoint_url = either(request.endpoint_url, config.aws.endpoint_url);
  config.aws.child_role = either(request.child_role, config.aws.child_role);
  config.aws.external_id = either(request.external_id, config.aws.external_id);
  if (config.kind != "aws") {
    // Of the local cloud.
    config.regions.clear();
    config.account_id.clear();
  }
  return config;
}

std::string home_region(const CloudConfig& config, Clock& clock) {
  if (!config.regions.empty()) return config.regions.front();
  return AwsAccess(config.aws, "", clock).client.default_region();
}

std::string quoted(const std::string& text) { return compact(Json(text)); }

std::string config_text(const CloudConfig& config, const cloud::AwsCloudConfig& made) {
  std::string text = fmt::format("cloud:\n  kind: aws\n  account_id: \"{}\"\n", made.account_id);
  std::string names;
  for (const cloud::AwsRegion& region : made.regions) {
    names += (names.empty() ? "" : ", ") + region.name;
  }
  text += fmt::format("  regions: [{}]\n  aws:\n", names);
  auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("    {}: {}\n", name, quoted(value));
  };
  line("profile", config.aws.profile);
  line("endpoint_url", config.aws.endpoint_url);
  line("child_role", config.aws.child_role);
  line("external_id", config.aws.external_id);
  line("instance_profile", made.instance_profile);
  if (!config.aws.instance_types.empty()) {
    text += "    instance_types: " + compact(Json(config.aws.instance_types)) + "\n";
  }
  text += "    regions:\n";
  for (const cloud::AwsRegion& region : made.regions) {
    bool empty = region.subnet_ids.empty() && region.security_group_ids.empty() &&
                 region.bucket.empty() && region.kms_key_id.empty();
    text += fmt::format("      {}:{}\n", region.name, empty ? " {}  # known after --apply" : "");
    auto list = [&](const char* name, const std::vector<std::string>& values) {
      if (!values.empty()) text += fmt::format("        {}: {}\n", name, compact(Json(values)));
    };
    list("subnets", region.subnet_ids);
    list("security_groups", region.security_group_ids);
    if (!region.bucket.empty()) text += fmt::format("        bucket: {}\n", region.bucket);
    if (!region.kms_key_id.empty()) text += fmt::format("        kms_key: {}\n", region.kms_key_id);
  }
  return text;
}

Json stacks_record(const std::vector<cloud::StackChange>& stacks) {
  Json record = Json::array();
  for (const cloud::StackChange& stack : stacks) {
    Json resources = Json::array();
    for (const cloud::ResourceChange& resource : stack.resources) {
      resources.push_back({{"action", resource.action},
                           {"name", resource.name},
                           {"type", resource.type},
                           {"replaces", resource.replaces}});
    }
    record.push_back({{"stack", stack.stack},
                      {"region", stack.region},
                      {"action", stack.action},
                      {"resources", resources}});
  }
  return record;
}

Json set_up(const Path& state, Clock& clock, const cli::AwsSetupRequest& request,
            const cloud::Progress& progress, std::stop_token stop) {
  CloudConfig config = configured(state, request);
  // Before anything is made.
  if (request.write_config && has_cloud_section(state)) {
    throw Error(ErrorKind::conflict, "config.yaml has a section cloud already")
        .hint("leave --write-config out; the section is printed");
  }
  cloud::SetupSpec spec{.regions = request.regions,
                        .prefix = either(request.prefix, kPrefix),
                        .network = request.network,
                        .way_out = request.way_out,
                        .child_accounts = request.accounts,
                        .organization_id = request.organization_id,
                        .email = request.email,
                        .product_tag = request.product_tag,
                        .cost_center = request.cost_center};
  if (spec.regions.empty()) spec.regions = config.regions;
  if (spec.regions.empty()) spec.regions = {home_region(config, clock)};
  AwsAccess access(config.aws, spec.regions.front(), clock);
  cloud::SetupResult result = request.apply
                                  ? apply_setup(access.client, clock, spec, progress, stop)
                                  : plan_setup(access.client, clock, spec, stop);
  config.aws.external_id =
      either(config.aws.external_id, cloud::default_external_id(result.account_id));
  // What stands in subnets of its own keeps them.
  for (cloud::AwsRegion& region : result.config.regions) {
    const AwsRegionConfig& known = config.aws.regions[region.name];
    if (region.subnet_ids.empty()) region.subnet_ids = known.subnets;
    if (region.security_group_ids.empty()) region.security_group_ids = known.security_groups;
  }
  const std::string section = config_text(config, result.config);
  Json record = {{"account_id", result.account_id},
                 {"stacks", stacks_record(result.stacks)},
                 {"config", section},
                 {"written", nullptr}};
  if (request.write_config) record["written"] = add_cloud_section(state, section).string();
  return record;
}

Json preflight(const Path& state, Clock& clock, const std::vector<std::string>& accounts,
               const cli::AwsNames& names, std::stop_token stop) {
  CloudConfig config = configured(state, names);
  if (config.regions.empty()) {
    throw Error(ErrorKind::usage, "{} does not say that the cloud is AWS",
                (state / "config.yaml").string())
        .hint("make one with: hallmark aws setup --apply --write-config");
  }
  auto access = std::make_shared<AwsAccess>(config.aws, config.regions.front(), clock);
  cloud::PreflightSpec spec{.config = aws_cloud_config(config),
                            .prefix = either(names.prefix, kPrefix),
                            .child_role = config.aws.child_role,
                            .external_id = config.aws.external_id,
                            .child_accounts = accounts};
  Json checks = Json::array();
  for (const cloud::Finding& finding : cloud::preflight(
           access->client, child_credentials(access, config.aws, config.regions.front()), spec,
           stop)) {
    checks.push_back(
        {{"where", finding.where},
         {"what", finding.what},
         {"state", to_string(finding.state)},
         {"found", finding.found},
         {"way_out", finding.way_out},
         {"kind", finding.state == cloud::Finding::State::missing ? Json(traits(finding.kind).name)
                                                                  : Json(nullptr)}});
  }
  return {{"checks", checks}};
}

/// The account that builds images: the one named, the one configured, or that of the credentials.
std::string parent_account(const CloudConfig& config, const cli::AwsNames& names, Clock& clock,
                           std::stop_token stop) {
  std::string known = either(names.account_id, config.account_id);
  if (!known.empty()) return known;
  const std::string region = home_region(config, clock);
  AwsAccess access(config.aws, region, clock);
  return cloud::account_of(access.client, region, stop);
}

}  // namespace

cli::AwsAccount aws_account(const Path& state, Clock& clock) {
  return {
      .set_up = [state, &clock](
                    const cli::AwsSetupRequest& request, const cloud::Progress& progress,
                    std::stop_token stop) { return set_up(state, clock, request, progress, stop); },
      .preflight =
          [state, &clock](const std::vector<std::string>& accounts, const cli::AwsNames& names,
                          std::stop_token stop) {
            return preflight(state, clock, accounts, names, stop);
          },
      .child_template =
          [state, &clock](const cli::AwsNames& names, std::stop_token stop) {
            CloudConfig config = configured(state, names);
            const std::string account = parent_account(config, names, clock, stop);
            return cloud::child_role_template(
                {.parent_account_id = account,
                 .parent_principal = either(names.parent_principal, "root"),
                 .external_id = either(config.aws.external_id, cloud::default_external_id(account)),
                 .role = config.aws.child_role,
                 .may_prevent = names.may_prevent,
                 .may_remediate = names.may_remediate,
                 .cost_center = either(names.cost_center, "none")});
          },
      .rule_template =
          [state, &clock](const cli::AwsRuleRequest& request, std::stop_token stop) {
            CloudConfig config = configured(state, request.names);
            cloud::RuleSpec spec;
            spec.parent_account_id = parent_account(config, request.names, clock, stop);
            spec.prefix = either(request.names.prefix, spec.prefix);
            spec.rule = either(request.rule, spec.rule);
            spec.bucket = request.bucket;
            spec.digest = request.digest;
            spec.central_check = request.central_check;
            spec.architecture = either(request.architecture, spec.architecture);
            spec.cost_center = either(request.names.cost_center, spec.cost_center);
            return cloud::compliance_rule_template(spec);
          },
      .prove =
          [state, &clock](const std::string& profile,
                          const std::function<std::string(const std::string&)>& statement_digest,
                          std::stop_token stop) {
            CloudConfig config = configured(state, cli::AwsNames{.profile = profile});
            AwsAccess access(config.aws, home_region(config, clock), clock);
            const std::string arn = aws::caller_arn(access.client, stop);
            aws::Value proof =
                aws::identity_proof(access.client, statement_digest(arn), clock, stop);
            return Json(proof);
          },
      .policy =
          [state, &clock](const cli::AwsNames& names, std::stop_token stop) {
            CloudConfig config = configured(state, names);
            const std::string account = parent_account(config, names, clock, stop);
            const std::string region =
                config.regions.empty() ? std::string("us-east-1") : config.regions.front();
            const cloud::on_aws::PolicyNames filled{
                .partition = std::string(aws::partition_of(region).name),
                .account_id = account,
                .prefix = either(names.prefix, kPrefix),
                .child_role = config.aws.child_role};
            if (names.images) return cloud::on_aws::images_policy(filled);
            if (names.targets) return cloud::on_aws::targets_policy(filled);
            return names.catalog ? cloud::on_aws::catalog_policy(filled)
                                 : cloud::on_aws::hallmark_policy(filled);
          }};
}

}  // namespace hallmark::app
