#include "cli/access.h"

#include <algorithm>

#include "base/text.h"

namespace hallmark::cli {

namespace {

using enum Reach;
using enum About;
using enum Role;

/// In the order of the nouns in the help.
const std::vector<Access>& rows_of_table() {
  static const std::vector<Access> table = {
      {"source", "create", write, builder},
      {"source", "import", local},
      {"source", "list", read, viewer},
      {"source", "remove", write, operate},
      {"pipeline", "validate", local},
      {"pipeline", "show", local},
      {"pipeline", "schema", local},
      {.noun = "image",
       .verb = "build",
       .reach = write,
       .role = builder,
       .about = pipeline,
       .argument = "FILE",
       .files_in = {"FILE"},
       .actors = {"--requested-by"}},
      {.noun = "image",
       .verb = "rebuild",
       .reach = write,
       .role = builder,
       .about = image,
       .argument = "REF",
       .actors = {"--requested-by"}},
      {.noun = "image",
       .verb = "approve",
       .reach = write,
       .role = approver,
       .about = image,
       .argument = "REF",
       .stays = {"--key", "--aws", "--profile"}},
      {.noun = "image",
       .verb = "reject",
       .reach = write,
       .role = approver,
       .about = image,
       .argument = "REF",
       .stays = {"--key", "--aws", "--profile"}},
      {"image", "list", read, viewer, rows, "images", "image_key"},
      {"image", "show", read, viewer, image, "REF"},
      {"image", "report", read, viewer, image, "REF"},
      {.noun = "image",
       .verb = "evidence",
       .reach = read,
       .about = image,
       .argument = "REF",
       .files_out = {"-o"}},
      {.noun = "ci",
       .verb = "report",
       .reach = read,
       .about = image,
       .argument = "REF",
       .files_out = {"--summary", "--junit", "--code-quality", "--dotenv"}},
      {"image", "verify", local},
      {"image", "distribute", write, operate, image, "REF"},
      {"image", "decommission", write, operate, image, "REF"},
      {"image", "reassess", write, operate},
      {.noun = "image",
       .verb = "tree",
       .reach = read,
       .about = image,
       .argument = "REF",
       .files_out = {"--svg"}},
      {"image", "assess", read, viewer, image, "IMAGE"},
      {.noun = "image", .verb = "ages", .reach = read, .files_out = {"--csv"}},
      {"image", "findings", read, viewer, rows, "findings", "product"},
      {"image", "deprecate", write, operate, image, "REF"},
      {"image", "disable", write, operate, image, "REF"},
      {"image", "restore", write, operate, image, "REF"},
      {"image", "retire", write, operate},
      {"image", "archive", write, operate, image, "REF"},
      {"image", "unarchive", write, operate, image, "REF"},
      {"catalog", "list", read, viewer},
      {"catalog", "launch", write, operate, key, "PRODUCT/OS"},
      {"catalog", "terminate", write, operate},
      {"catalog", "publish", write, operate, image, "REF"},
      {"channel", "promote", write, operate, image, "REF"},
      {"channel", "list", read, viewer, key, "PRODUCT/OS"},
      {"channel", "rollback", write, operate, key, "CHANNEL"},
      {"notice", "list", read, viewer, rows, "notices", "subject"},
      {"notice", "retry", write, operate},
      {"notice", "send", local},
      {"machine", "launch", write, operate},
      {"machine", "list", read, viewer},
      {"machine", "remove", write, operate},
      {.noun = "compliance",
       .verb = "check",
       .reach = write,
       .role = operate,
       .files_in = {"--exemptions"},
       .files_out = {"--csv"}},
      {"compliance", "show", read, viewer},
      {"compliance", "trend", read, viewer},
      {"compliance", "prevent", write, admin},
      {.noun = "compliance",
       .verb = "remediate",
       .reach = write,
       .role = operate,
       .files_in = {"--policy", "--exemptions"}},
      {"compliance", "rule-template", local},
      {"parameter", "list", read, viewer},
      {"parameter", "get", read, viewer},
      {"run", "list", read, viewer, rows, "runs", "subject"},
      {"run", "show", read, viewer, run, "ID"},
      {"run", "log", read, viewer, run, "ID"},
      {"run", "watch", read, viewer, run, "ID"},
      {"run", "resume", write, operate, run, "ID"},
      {"run", "retry", write, operate, run, "ID"},
      {"run", "cancel", write, operate, run, "ID"},
      {"run", "drive", local},
      {"schedule", "list", read, viewer},
      {"schedule", "show", read, viewer},
      {"schedule", "pause", write, operate},
      {"schedule", "resume", write, operate},
      {"schedule", "run", local},
      {"schedule", "next", local},
      {"trigger", "list", read, viewer},
      {"trigger", "show", read, viewer},
      {"trigger", "pause", write, operate},
      {"trigger", "resume", write, operate},
      {"key", "create", local},
      {.noun = "user", .verb = "add", .reach = write, .role = admin, .files_in = {"--key"}},
      {"user", "remove", write, admin},
      {"user", "list", read, viewer},
      {"account", "let-go", write, admin},
      {"account", "take-back", write, admin},
      {"account", "list", read, viewer},
      {"audit", "list", read, operate},
      {.noun = "audit",
       .verb = "verify",
       .reach = write,
       .role = operate,
       .files_in = {"FILE", "--key"}},
      {.noun = "audit", .verb = "export", .reach = read, .role = operate, .files_out = {"FILE"}},
      {"audit", "rotate-key", write, admin},
      {"reaper", "find", read, operate},
      {"reaper", "remove", write, operate},
      {"disk", "scan", local},
      {"disk", "ls", local},
      {"disk", "cat", local},
      {"disk", "inventory", local},
      {.noun = "scan", .verb = "match", .reach = write, .files_in = {"SBOM", "--vex"}},
      {"advisory", "update", write, operate},
      {"advisory", "import", local},
      {"advisory", "list", read, viewer},
      {"advisory", "remove", write, operate},
      {"aws", "setup", local},
      {"aws", "child-template", local},
      {"aws", "policy", local},
      {"aws", "preflight", local},
      {"aws", "call", local},
      {"aws", "parse", local},
      {"db", "migrate", local},
      {"doctor", "", local},
      {"server", "start", local},
      {"token", "create", write, admin},
      {"token", "list", read, admin},
      {"token", "remove", write, admin},
      {.noun = "login",
       .verb = "create",
       .reach = write,
       .role = admin,
       .files_in = {"--password-file"}},
      {"login", "list", read, admin},
      {"login", "remove", write, admin},
      {"completion", "", local},
      {"internal", "docs", local},
      {"internal", "man", local},
      {"internal", "openapi", local},
  };
  return table;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case viewer:
      return "viewer";
    case builder:
      return "builder";
    case approver:
      return "approver";
    case operate:
      return "operator";
    case admin:
      return "admin";
  }
  return "";
}

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> names = {"viewer", "builder", "approver", "operator",
                                                 "admin"};
  return names;
}

Role role_named(const std::string& name) {
  for (Role role : {viewer, builder, approver, operate, admin}) {
    if (to_string(role) == name) return role;
  }
  auto close = suggestion(name, role_names());
  throw Error(ErrorKind::usage, "\"{}\" is no role", name)
      .hint(close ? "did you mean \"" + *close + "\"?" : "one of: " + join(role_names(), ", "));
}

bool includes(Role role, Role needed) {
  return role == admin || needed == viewer || role == needed;
}

const std::vector<Access>& access_table() { return rows_of_table(); }

const Access* find_access(const std::string& noun, const std::string& verb) {
  const auto& table = access_table();
  auto found = std::find_if(table.begin(), table.end(), [&](const Access& access) {
    return access.noun == noun && access.verb == verb;
  });
  return found == table.end() ? nullptr : &*found;
}

bool is_remote(const Command& command) {
  const Access* access = find_access(command.noun, command.verb);
  return access != nullptr && access->reach != local;
}

std::string route_of(const Command& command) {
  std::string route = std::string(kApiRoot) + "/" + command.noun;
  if (!command.verb.empty()) route += "/" + command.verb;
  return route;
}

}  // namespace hallmark::cli
