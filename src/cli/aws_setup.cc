/// hallmark aws setup, child-template and policy.

#include "cli/nouns.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

const OptionSpec kProfile = {"--profile", "NAME", "whose credentials and settings"};
const OptionSpec kEndpoint = {"--endpoint-url", "URL", "go there instead of to AWS"};
const OptionSpec kPrefix = {"--prefix", "NAME",
                            "begins the names of all that is made; default: hallmark"};
const OptionSpec kChildRole = {"--child-role", "NAME",
                               "role in other accounts; default: goldenAMICrossAccountRole"};
const OptionSpec kExternalId = {"--external-id", "ID",
                                "of that role; default: config.yaml's, else hallmark-ACCOUNT"};
const OptionSpec kCostCenter = {"--cost-center", "NAME", "value of the tag Cost-Center"};

Outcome set_up(App& app, const Arguments& arguments) {
  if (arguments.has("--plan") == arguments.has("--apply")) {
    throw Error(ErrorKind::usage, "say either --plan or --apply")
        .hint("--plan changes nothing and says what --apply would do");
  }
  AwsSetupRequest request{.apply = arguments.has("--apply"),
                          .write_config = arguments.has("--write-config"),
                          .regions = arguments.values("--region"),
                          .accounts = arguments.values("--account"),
                          .organization_id = arguments.value_or("--organization", ""),
                          .prefix = arguments.value_or("--prefix", ""),
                          .network = !arguments.has("--no-network"),
                          .way_out = arguments.value_or("--way-out", ""),
                          .email = arguments.value_or("--email", ""),
                          .product_tag = arguments.value_or("--product-tag", ""),
                          .cost_center = arguments.value_or("--cost-center", ""),
                          .child_role = arguments.value_or("--child-role", ""),
                          .external_id = arguments.value_or("--external-id", ""),
                          .profile = arguments.value_or("--profile", ""),
                          .endpoint_url = arguments.value_or("--endpoint-url", "")};
  if (request.write_config && !request.apply) {
    throw Error(ErrorKind::usage, "--write-config goes with --apply");
  }
  Json record = app.aws.set_up(
      request, [&](const std::string& line) { app.err.stream << line << std::endl; }, app.stop);
  record["applied"] = request.apply;
  return {record};
}

void render_setup(const Json& record, App& app) {
  bool applied = record.at("applied");
  std::vector<std::vector<Cell>> rows;
  std::size_t changes = 0;
  for (const Json& stack : record.at("stacks")) {
    const std::string action = stack.at("action");
    std::string name = stack.at("stack");
    std::string region = stack.at("region");
    if (action == "none") {
      rows.push_back({region, name, "nothing to change", ""});
      continue;
    }
    for (const Json& resource : stack.at("resources")) {
      ++changes;
      std::string what = resource.at("action");
      if (resource.at("replaces").get<bool>()) what += ", anew";
      rows.push_back({region, name, what + " " + resource.at("name").get<std::string>(),
                      resource.at("type").get<std::string>()});
    }
  }
  print_table(app.out, {"REGION", "STACK", applied ? "CHANGED" : "WOULD CHANGE", "TYPE"}, rows);
  app.out.stream << '\n'
                 << (changes == 0 ? "nothing to change"
                     : applied    ? "done"
                                  : "nothing was changed; --apply makes it so")
                 << " in account " << record.at("account_id").get<std::string>() << '\n';
  if (!record.at("written").is_null()) {
    app.out.stream << "\nwritten to " << record.at("written").get<std::string>() << ":\n\n";
  } else {
    app.out.stream << "\nconfig.yaml:\n\n";
  }
  app.out.stream << record.at("config").get<std::string>();
}

AwsNames names_from(const Arguments& arguments) {
  return {.account_id = arguments.value_or("--parent-account", ""),
          .child_role = arguments.value_or("--child-role", ""),
          .profile = arguments.value_or("--profile", ""),
          .endpoint_url = arguments.value_or("--endpoint-url", "")};
}

Outcome child_template(App& app, const Arguments& arguments) {
  AwsNames names = names_from(arguments);
  names.parent_principal = arguments.value_or("--parent-principal", "");
  names.external_id = arguments.value_or("--external-id", "");
  names.cost_center = arguments.value_or("--cost-center", "");
  names.may_prevent = arguments.has("--may-prevent");
  names.may_remediate = arguments.has("--may-remediate");
  return {parse_json(app.aws.child_template(names, app.stop), "the template")};
}

Outcome policy(App& app, const Arguments& arguments) {
  AwsNames names = names_from(arguments);
  names.prefix = arguments.value_or("--prefix", "");
  names.catalog = arguments.has("--catalog");
  names.images = arguments.has("--images");
  names.targets = arguments.has("--targets");
  return {parse_json(app.aws.policy(names, app.stop), "the policy")};
}

void render_json(const Json& record, App& app) { app.out.stream << pretty(record) << '\n'; }

const OptionSpec kParent = {"--parent-account", "ID",
                            "where images are built; default: config.yaml's, else ours"};

}  // namespace

std::vector<Command> aws_setup_commands() {
  const std::vector<std::pair<ErrorKind, std::string>> exits = {{ErrorKind::denied, ""},
                                                                {ErrorKind::unavailable, ""}};
  return {
      {.noun = "aws",
       .verb = "setup",
       .summary = "Set up an AWS account: network, roles, bucket, topic and key.",
       .examples = {{"hallmark aws setup --plan --region us-east-1",
                     "What would be made, and the section of config.yaml."},
                    {"hallmark aws setup --apply --region us-east-1 --region eu-west-1 "
                     "--account 444455556666 --write-config",
                     "Makes it in two regions, for one other account."}},
       .options = {{"--plan", "", "change nothing, say what --apply would do"},
                   {"--apply", "", "create or update the stacks, and wait for them"},
                   {"--region", "REGION",
                    "the first one builds images; default: config.yaml's, else the profile's",
                    true},
                   {"--account", "ID", "another account that gets images", true},
                   {"--organization", "ID", "all accounts of this organization get images"},
                   kPrefix,
                   {"--no-network", "", "machines stand in subnets that exist already"},
                   {"--way-out",
                    "WAY",
                    "of machines: nat, or endpoints of AWS only",
                    false,
                    {"nat", "endpoints"}},
                   {"--email", "ADDRESS", "gets notices"},
                   {"--product-tag", "NAME", "value of the tag Product; default: Hallmark"},
                   kCostCenter,
                   kChildRole,
                   kExternalId,
                   {"--write-config", "", "write the section into config.yaml if it has none"},
                   kProfile,
                   kEndpoint},
       .description =
           "Uses CloudFormation: two stacks per region, PREFIX-foundation and "
           "PREFIX-network. It can be repeated; what is not said stays as it is. Accounts "
           "are said all together: one that is left out loses the key.",
       .exits = {{ErrorKind::denied, ""},
                 {ErrorKind::conflict,
                  "something else works on a stack, or config.yaml has a "
                  "cloud section"},
                 {ErrorKind::unavailable, ""},
                 {ErrorKind::timeout, ""},
                 {ErrorKind::failed, "a stack failed; its first reason is said"}},
       .run = set_up,
       .render = render_setup},
      {.noun = "aws",
       .verb = "child-template",
       .summary = "Print the CloudFormation template of the role in other accounts.",
       .examples = {{"hallmark aws child-template > child-role.json",
                     "Deploy it with StackSets, or by hand in each account."}},
       .options =
           {kParent,
            {"--parent-principal", "WHO",
             "who there may take the role: root (the default), or role/NAME"},
            kExternalId,
            kChildRole,
            {"--may-remediate", "",
             "the role may tag and stop machines; for: hallmark compliance remediate"},
            {"--may-prevent", "",
             "the role may say which images can be launched; for: hallmark compliance prevent"},
            kCostCenter,
            kProfile,
            kEndpoint},
       .exits = exits,
       .run = child_template,
       .render = render_json},
      {.noun = "aws",
       .verb = "policy",
       .summary = "Print the IAM policy that whoever runs Hallmark needs.",
       .examples = {{"hallmark aws policy > hallmark-policy.json", "The least that works."},
                    {"hallmark aws policy --catalog > catalog-policy.json",
                     "What products in Service Catalog need besides."},
                    {"hallmark aws policy --images > images-policy.json",
                     "What archives, fast launch, watermarks and checks of keys need besides."}},
       .options = {{"--catalog", "", "the policy for the catalog instead"},
                   {"--images", "", "the policy for archives, fast launch and watermarks instead"},
                   {"--targets", "",
                    "the policy for targets that are units or name launch templates instead"},
                   kParent,
                   kPrefix,
                   kChildRole,
                   kProfile,
                   kEndpoint},
       .exits = exits,
       .run = policy,
       .render = render_json},
  };
}

}  // namespace hallmark::cli
