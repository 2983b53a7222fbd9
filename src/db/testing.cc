#include "db/testing.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/text.h"
#include "db/database.h"

namespace hallmark::db {

namespace {

constexpr const char* kTemplate = "hallmark_template";

/// Statements that no transaction may hold: CREATE DATABASE and the like.
class Server {
 public:
  Server() : connection_(PQconnectdb(test_server_url("postgres").c_str()), &PQfinish) {
    // Databases are copied from one that nobody may be connected to meanwhile.
    run("SELECT pg_advisory_lock(1)");
  }
  void run(const std::string& sql) { ask(sql); }
  bool has(const std::string& database) {
    return ask("SELECT 1 FROM pg_database WHERE datname = '" + database + "'") > 0;
  }

 private:
  int ask(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection_.get(), sql.c_str()),
                                                         &PQclear);
    const ExecStatusType status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw Error(ErrorKind::failed, "{}: {}", sql, PQerrorMessage(connection_.get()));
    }
    return PQntuples(answer.get());
  }
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// Directory -> database, of this process.
Sync<std::map<Path, std::string>>& made() {
  static Sync<std::map<Path, std::string>> databases;
  return databases;
}

}  // namespace

std::string test_server_url(const std::string& database) {
  const char* value = std::getenv("HALLMARK_TEST_POSTGRESQL");
  if (value == nullptr || *value == '\0') return {};
  // No file: the server is not installed on this machine.
  std::string url =
      *value == '/' ? std::string(trim(read_file_if_exists(value).value_or(""))) : value;
  if (url.empty()) return {};
  const std::size_t query = url.find('?');
  std::string parameters = query == std::string::npos ? "" : url.substr(query);
  url.resize(std::min(query, url.size()));
  const std::size_t authority = url.find("://") + 3;
  url.resize(std::min(url.find('/', authority), url.size()));
  return url + "/" + database + parameters;
}

std::string test_database_url(const Path& file) {
  if (test_server_url("").empty()) return "sqlite://" + file.string() + "?synchronous=off";
  const std::string name = "h" + sha256_hex(file.string()).substr(0, 24);
  auto databases = made().lock();
  for (auto it = databases->begin(); it != databases->end();) {
    if (std::filesystem::exists(it->first)) {
      ++it;
      continue;
    }
    Server().run("DROP DATABASE IF EXISTS " + it->second + " WITH (FORCE)");
    it = databases->erase(it);
  }
  Server server;
  if (!server.has(kTemplate)) {
    server.run(std::string("CREATE DATABASE ") + kTemplate);
    Database::open(test_server_url(kTemplate));
  }
  if (!server.has(name)) {
    server.run("CREATE DATABASE " + name + " TEMPLATE " + kTemplate + " STRATEGY FILE_COPY");
    databases->emplace(file.parent_path(), name);
  }
  return test_server_url(name);
}

}  // namespace hallmark::db
