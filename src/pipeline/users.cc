#include "pipeline/users.h"

#include <algorithm>

#include "base/error.h"

namespace hallmark::pipeline {

namespace {

void check_name(const std::string& what, const std::string& name) {
  constexpr std::size_t kLongest = 64;
  auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && name.size() <= kLongest && is_plain(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return is_plain(c) || c == '.' || c == '_' || c == '-';
                    });
  if (good) return;
  throw Error(ErrorKind::usage, "\"{}\" is no name of a {}", name, what)
      .hint("use up to 64 of a-z 0-9 . _ - and begin with a letter or digit");
}

User user_from(const db::Row& row) {
  return {.name = row.text("name"),
          .roles = parse_json(row.text("roles"), "users.roles").get<std::vector<std::string>>(),
          .public_key = public_key_from_pem(row.text("public_key"), "users.public_key"),
          .added_by = row.text("added_by"),
          .added_at = row.text("added_at")};
}

std::vector<User> select(db::Database& database, const std::string& rest,
                         const std::vector<db::Parameter>& parameters) {
  std::vector<User> users;
  database.read([&](db::Connection& connection) {
    users.clear();
    for (const db::Row& row : connection.query("select * from users " + rest, parameters)) {
      users.push_back(user_from(row));
    }
  });
  return users;
}

}  // namespace

void add_user(db::Database& database, const User& user) {
  check_name("user", user.name);
  for (const std::string& role : user.roles) check_name("role", role);
  if (find_user(database, user.name)) {
    throw Error(ErrorKind::conflict, "there is a user {} already", user.name)
        .hint("a new key needs a new entry: hallmark user remove " + user.name);
  }
  for (const User& known : list_users(database)) {
    if (known.public_key.id() != user.public_key.id()) continue;
    throw Error(ErrorKind::conflict, "{} has this key already", known.name)
        .hint("whoever holds one key is one approver: make a key for " + user.name +
              " with hallmark key create");
  }
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "insert into users (name, roles, public_key, added_by, added_at)"
        " values (:name, :roles, :public_key, :added_by, :added_at)",
        {{"name", user.name},
         {"roles", compact(user.roles)},
         {"public_key", user.public_key.pem()},
         {"added_by", user.added_by},
         {"added_at", user.added_at}});
  });
}

void remove_user(db::Database& database, const std::string& name) {
  database.transaction([&](db::Connection& connection) {
    connection.execute("delete from users where name = :name", {{"name", name}});
  });
}

std::optional<User> find_user(db::Database& database, const std::string& name) {
  std::vector<User> users = select(database, "where name = :name", {{"name", name}});
  if (users.empty()) return std::nullopt;
  return users.front();
}

std::vector<User> list_users(db::Database& database) {
  return select(database, "order by name", {});
}

void to_json(Json& json, const User& value) {
  json = {{"name", value.name},
          {"roles", value.roles},
          {"key_id", value.public_key.id()},
          {"added_by", value.added_by},
          {"added_at", value.added_at}};
}

}  // namespace hallmark::pipeline
