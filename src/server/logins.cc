#include "server/logins.h"

#include <algorithm>

#include "base/ids.h"
#include "base/random.h"
#include "server/password.h"

namespace hallmark::server {

namespace {

constexpr std::size_t kCookieBytes = 32;
/// What a session is called where others see it: enough of the digest to find it, and no secret.
constexpr std::size_t kIdDigits = 16;
/// In the place of a hash, of somebody whom another party knows.
constexpr const char* kNoPassword = "none";
constexpr int kFreeTries = 5;
constexpr Duration kFirstWait{1'000};
constexpr Duration kLongestWait{15 * 60'000};
/// Names that nobody has fill no memory: the oldest waits are forgotten.
constexpr std::size_t kMostThrottled = 10'000;

Login login_from(const db::Row& row) {
  return {.name = row.text("name"),
          .rights = parse_json(row.text("rights"), "logins.rights").get<std::vector<Right>>(),
          .created_by = row.text("created_by"),
          .created_at = row.text("created_at")};
}

/// Keeps it, and throws those away that have ended.
NewSession new_session(db::Database& database, const Login& login, TimePoint now) {
  NewSession made{.session = {.caller = {login.name, login.rights},
                              .csrf = base64url_encode(random_bytes(kCookieBytes))},
                  .cookie = base64url_encode(random_bytes(kCookieBytes))};
  database.transaction([&](db::Connection& connection) {
    connection.execute("delete from sessions where expires_at < :now", {{"now", to_rfc3339(now)}});
    connection.execute(
        "insert into sessions (session_sha256, name, csrf, created_at, expires_at)"
        " values (:session, :name, :csrf, :now, :expires)",
        {{"session", sha256_hex(made.cookie)},
         {"name", login.name},
         {"csrf", made.session.csrf},
         {"now", to_rfc3339(now)},
         {"expires", to_rfc3339(now + kSessionLife)}});
  });
  return made;
}

}  // namespace

void to_json(Json& json, const Login& value) {
  json = {{"name", value.name},
          {"rights", value.rights},
          {"created_by", value.created_by},
          {"created_at", value.created_at}};
}

void create_login(db::Database& database, const Login& login, const std::string& password) {
  require_caller_name(login.name);
  const std::string hash = hash_password(password);
  database.transaction([&](db::Connection& connection) {
    if (!connection.query("select name from logins where name = :name", {{"name", login.name}})
             .empty()) {
      throw Error(ErrorKind::conflict, "there is a login {} already", login.name)
          .hint("a new password needs a new entry: hallmark login remove " + login.name);
    }
    connection.execute(
        "insert into logins (name, password_hash, rights, created_by, created_at)"
        " values (:name, :hash, :rights, :by, :at)",
        {{"name", login.name},
         {"hash", hash},
         {"rights", compact(login.rights)},
         {"by", login.created_by},
         {"at", login.created_at}});
  });
}

void remove_login(db::Database& database, const std::string& name) {
  std::int64_t removed = 0;
  database.transaction([&](db::Connection& connection) {
    connection.execute("delete from sessions where name = :name", {{"name", name}});
    removed = connection.execute("delete from logins where name = :name", {{"name", name}});
  });
  if (removed == 0) {
    throw Error(ErrorKind::not_found, "there is no login {}", name)
        .hint("see: hallmark login list");
  }
}

std::vector<Login> list_logins(db::Database& database) {
  std::vector<Login> logins;
  database.read([&](db::Connection& connection) {
    logins.clear();
    for (const db::Row& row : connection.query("select * from logins order by name", {})) {
      logins.push_back(login_from(row));
    }
  });
  return logins;
}

std::optional<NewSession> begin_session(db::Database& database, const std::string& name,
                                        const std::string& password, TimePoint now) {
  // Of nobody: so that a name that there is not takes as long.
  static const std::string nobody = hash_password(base64url_encode(random_bytes(kCookieBytes)));
  std::string hash = nobody;
  std::optional<Login> login;
  database.read([&](db::Connection& connection) {
    login.reset();
    for (const db::Row& row :
         connection.query("select * from logins where name = :name", {{"name", name}})) {
      login = login_from(row);
      // No password fits it; that must take as long to find out.
      if (row.text("password_hash") != kNoPassword) hash = row.text("password_hash");
    }
  });
  if (!fits_password(hash, password) || !login) return std::nullopt;
  return new_session(database, *login, now);
}

NewSession begin_outside_session(db::Database& database, const Login& login, TimePoint now) {
  require_caller_name(login.name);
  database.transaction([&](db::Connection& connection) {
    const auto rows = connection.query(
        "select password_hash, created_by from logins where name = :name", {{"name", login.name}});
    if (!rows.empty() && rows.front().text("password_hash") != kNoPassword) {
      throw Error(ErrorKind::denied, "{} is a login with a password of Hallmark's own", login.name)
          .hint("log in with it, or have it removed: hallmark login remove " + login.name);
    }
    if (!rows.empty() && rows.front().text("created_by") != login.created_by) {
      throw Error(ErrorKind::denied, "{} is somebody else's login", login.name)
          .hint("if it is the same person, an admin can make room: hallmark login remove " +
                login.name);
    }
    // Else one person could ask for an image by one name and approve it by another.
    for (const db::Row& row :
         connection.query("select name from logins where created_by = :by and name <> :name",
                          {{"by", login.created_by}, {"name", login.name}})) {
      throw Error(ErrorKind::denied, "{} is known here as {}", login.name, row.text("name"))
          .hint("an admin can forget the old name: hallmark login remove " + row.text("name"));
    }
    connection.execute(
        rows.empty() ? "insert into logins (name, password_hash, rights, created_by, created_at)"
                       " values (:name, :hash, :rights, :by, :at)"
                     : "update logins set password_hash = :hash, rights = :rights,"
                       " created_by = :by, created_at = :at where name = :name",
        {{"name", login.name},
         {"hash", kNoPassword},
         {"rights", compact(login.rights)},
         {"by", login.created_by},
         {"at", to_rfc3339(now)}});
  });
  return new_session(database, login, now);
}

void end_outside_sessions(db::Database& database, const std::string& name,
                          const std::string& created_by) {
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "delete from sessions where name in (select name from logins"
        " where name = :name and password_hash = :hash and created_by = :by)",
        {{"name", name}, {"hash", kNoPassword}, {"by", created_by}});
  });
}

std::optional<Session> find_session(db::Database& database, const std::string& cookie,
                                    TimePoint now) {
  std::optional<Session> session;
  database.read([&](db::Connection& connection) {
    session.reset();
    // What is looked for is a digest: how long it takes says nothing of the cookie.
    for (const db::Row& row :
         connection.query("select sessions.csrf, logins.* from sessions"
                          " join logins on logins.name = sessions.name"
                          " where session_sha256 = :session and expires_at > :now",
                          {{"session", sha256_hex(cookie)}, {"now", to_rfc3339(now)}})) {
      const Login login = login_from(row);
      session = Session{
          .caller = {login.name, login.rights, "session", sha256_hex(cookie).substr(0, kIdDigits)},
          .csrf = row.text("csrf")};
    }
  });
  return session;
}

void end_session(db::Database& database, const std::string& cookie) {
  database.transaction([&](db::Connection& connection) {
    connection.execute("delete from sessions where session_sha256 = :session",
                       {{"session", sha256_hex(cookie)}});
  });
}

void LoginThrottle::check(const std::string& who, TimePoint now) {
  auto failures = failures_.lock();
  auto found = failures->find(who);
  if (found == failures->end() || found->second.until <= now) return;
  throw Error(ErrorKind::throttled, "too many passwords did not fit")
      .hint("try again in " + format_duration(found->second.until - now));
}

void LoginThrottle::failed(const std::string& who, TimePoint now) {
  auto failures = failures_.lock();
  if (failures->size() >= kMostThrottled && !failures->contains(who)) {
    failures->erase(std::min_element(failures->begin(), failures->end(), [](auto& a, auto& b) {
      return a.second.until < b.second.until;
    }));
  }
  Failures& of = (*failures)[who];
  if (++of.count < kFreeTries) return;
  const int doubled = std::min(of.count - kFreeTries, 10);
  of.until = now + std::min(kFirstWait * (1 << doubled), kLongestWait);
}

void LoginThrottle::succeeded(const std::string& who) { failures_.lock()->erase(who); }

}  // namespace hallmark::server
