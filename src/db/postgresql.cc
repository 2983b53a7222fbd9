/// How a session to PostgreSQL is made.

#include <libpq-fe.h>

#include "base/log.h"
#include "base/text.h"
#include "db/copy.h"
#include "db/opening.h"

namespace hallmark::db {

namespace {

const std::string kName = "the PostgreSQL database";

/// What we want unless the URL says otherwise.
constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
    {"application_name", "hallmark"},
    // A server that is gone without a word is noticed within a minute.
    {"connect_timeout", "10"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "30000"},
};

std::string word(std::string_view key, std::string_view value) {
  return fmt::format("{}='{}' ", key,
                     replace_all(replace_all(std::string(value), "\\", "\\\\"), "'", "\\'"));
}

}  // namespace

std::string shown(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "...";
  if (url.starts_with("sqlite")) return std::string(url);
  std::string_view rest = url.substr(scheme + 3, url.find('?') - scheme - 3);
  // The last one: a password may hold an "@" that nobody escaped.
  if (std::size_t at = rest.rfind('@'); at != std::string_view::npos) rest = rest.substr(at + 1);
  return std::string(url.substr(0, scheme + 3)) + std::string(rest);
}

bool holds_password(const std::string& url) {
  if (!url.starts_with("postgres")) return false;
  // Also one that libpq would not understand.
  if (url.find("password=") != std::string::npos) return true;
  const std::size_t user = url.find("://");
  const std::size_t host = url.rfind('@');
  if (user == std::string::npos || host == std::string::npos) return false;
  return url.find(':', user + 3) < host;
}

std::string connection_words(const std::string& url) {
  // SOCI takes a URL for a key without a value and spoils it.
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  if (!options) {
    // What libpq says of it may hold the password.
    throw Error(ErrorKind::usage, "the database URL {} is not valid", shown(url))
        .hint("write postgresql://user@host/database; in a password write %XX for : / @ ? # %");
  }
  std::string words;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    std::string_view keyword = option->keyword;
    if (option->val) {
      if (keyword == "password") redact(option->val);
      words += word(keyword, option->val);
      continue;
    }
    for (const auto& [name, value] : kDefaults) {
      if (name == keyword) words += word(name, value);
    }
  }
  return words;
}

std::unique_ptr<Session> connect_postgresql(const std::string& url, Use use) {
  auto session = std::make_unique<Session>(Backend::postgresql, connection_words(url), kName);
  // Of us, who is frozen in the middle of a transaction must not hold up the others for ever, and
  // who waits for a lock tries again rather than waits for ever.
  session->execute("SET idle_in_transaction_session_timeout = '15s'", {});
  session->execute("SET lock_timeout = '10s'", {});
  // Under isolation `serializable` a table that is read from end to end conflicts with every
  // writer of it; small ones would always be.
  if (use == Use::writing) session->execute("SET enable_seqscan = off", {});
  // "2 rows were changed" and the like are nobody's news.
  session->execute("SET client_min_messages = 'warning'", {});
  return session;
}

void prepare_postgresql(const std::string& url) {
  // The number is ours and arbitrary: whoever migrates holds this lock to the end of the
  // transaction.
  const std::string lock =
      "SELECT COUNT(*) AS locked FROM (SELECT pg_advisory_xact_lock(1212236363)) AS l";
  while_busy(
      kName,
      [&] {
        std::unique_ptr<Session> session = connect_postgresql(url, Use::writing);
        session->execute("BEGIN", {});
        session->query(lock, {});
        session->execute(
            "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, "
            "applied_at TEXT NOT NULL)",
            {});
        session->execute("COMMIT", {});
        migrate(*session, kName, "BEGIN", lock);
      },
      Duration(0));
}

}  // namespace hallmark::db
