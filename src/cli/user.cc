/// hallmark key and hallmark user: who may decide, and how they prove who they are.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "pipeline/users.h"

namespace hallmark::cli {

namespace {

Outcome create_key(App&, const Arguments& arguments) {
  const Path file = arguments.value_or("FILE", "");
  const Path public_file = file.string() + ".pub";
  SigningKey key = SigningKey::generate();
  create_file(file, key.pem(), 0600);
  write_file(public_file, key.public_key().pem());
  return {{{"file", file.string()},
           {"public_file", public_file.string()},
           {"key_id", key.public_key().id()}}};
}

void render_key(const Json& record, App& app) {
  app.out.stream << "key " << record.at("key_id").get<std::string>() << " in "
                 << record.at("file").get<std::string>() << " (yours alone)\n"
                 << "give an operator " << record.at("public_file").get<std::string>() << ": "
                 << app.command_prefix << " user add NAME --key "
                 << shell_quote(record.at("public_file").get<std::string>()) << '\n';
}

void tell(App& app, const std::string& action, const std::string& name, Json detail) {
  pipeline::Context& context = app.workplace().context;
  context.audit.append({.token = action + "/" + name + "/" + to_rfc3339(app.clock.now()),
                        .actor = app.user,
                        .action = action,
                        .subject = name,
                        .detail = std::move(detail)});
}

Outcome add(App& app, const Arguments& arguments) {
  const std::string file = arguments.value_or("--key", "");
  if (file.empty()) {
    throw Error(ErrorKind::usage, "a user needs a public key")
        .hint("make a pair: hallmark key create FILE; then: --key FILE.pub");
  }
  pipeline::User user{.name = arguments.value_or("NAME", ""),
                      .roles = arguments.values("--role"),
                      .public_key = public_key_from_pem(read_file(file), file),
                      .added_by = app.user,
                      .added_at = to_rfc3339(app.clock.now())};
  pipeline::add_user(app.workplace().context.database, user);
  tell(app, "user.added", user.name, {{"roles", user.roles}, {"key_id", user.public_key.id()}});
  return {{{"user", user}}};
}

Outcome remove(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("NAME", "");
  db::Database& database = app.workplace().context.database;
  if (!pipeline::find_user(database, name)) {
    throw Error(ErrorKind::not_found, "there is no user {}", name)
        .hint("see: " + app.command_prefix + " user list");
  }
  pipeline::remove_user(database, name);
  tell(app, "user.removed", name, Json::object());
  return {{{"name", name}}};
}

Outcome list(App& app, const Arguments&) {
  return {{{"users", pipeline::list_users(app.workplace().context.database)}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& user : record.at("users")) {
    auto text = [&](const char* key) { return user.at(key).get<std::string>(); };
    rows.push_back({text("name"), join(user.at("roles").get<std::vector<std::string>>(), ", "),
                    text("key_id"), text("added_by"), text("added_at")});
  }
  if (rows.empty()) {
    app.err.stream << "no users: whoever decides is taken at their word\n";
    return;
  }
  print_table(app.out, {"NAME", "ROLES", "KEY", "ADDED BY", "ADDED AT"}, rows);
}

}  // namespace

std::vector<Command> user_commands() {
  const ArgumentSpec name = {"NAME", "the user"};
  return {
      {.noun = "key",
       .verb = "create",
       .summary = "Make the pair of keys that proves your decisions.",
       .examples = {{"hallmark key create ~/.config/hallmark/key.pem",
                     "The private key stays with you; FILE.pub goes to an operator."}},
       .arguments = {{"FILE", "where the private key goes; must not exist"}},
       .exits = {{ErrorKind::conflict, "the file exists"}},
       .run = create_key,
       .render = render_key},
      {.noun = "user",
       .verb = "add",
       .summary = "Let somebody decide, with the key that proves it is them.",
       .examples = {{"hallmark user add ada --key ada.pub --role security",
                     "From the first user on a name without proof decides nothing."}},
       .arguments = {name},
       .options = {{"--key", "FILE", "their public key"},
                   {"--role", "ROLE", "what golden.yaml calls role:ROLE", true}},
       .exits = {{ErrorKind::conflict, "the name is taken"}},
       .run = add,
       .render =
           [](const Json& record, App& app) {
             app.out.stream << record.at("user").at("name").get<std::string>() << '\n';
           }},
      {.noun = "user",
       .verb = "remove",
       .summary = "Let somebody decide no more; what they decided stays.",
       .examples = {{"hallmark user remove ada", ""}},
       .arguments = {name},
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove,
       .render = [](const Json&, App&) {}},
      {.noun = "user",
       .verb = "list",
       .summary = "List who can decide.",
       .examples = {{"hallmark user list", ""}},
       .run = list,
       .render = render_list},
  };
}

}  // namespace hallmark::cli
