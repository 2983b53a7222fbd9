/// What only PostgreSQL can do to us.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <future>
#include <thread>

#include "base/error.h"
#include "base/process.h"
#include "base/testing.h"
#include "db/copy.h"
#include "db/database.h"
#include "db/session.h"
#include "db/testing.h"

namespace hallmark::db {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// As the administrator does.
void administer(const std::string& sql) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectdb(test_server_url("postgres").c_str()), &PQfinish);
  std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection.get(), sql.c_str()),
                                                       &PQclear);
  const ExecStatusType status = PQresultStatus(answer.get());
  ASSERT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
      << PQerrorMessage(connection.get());
}

class Postgresql : public testing::Test {
 protected:
  void SetUp() override {
    if (test_server_url("").empty()) GTEST_SKIP() << "HALLMARK_TEST_POSTGRESQL names no server";
    url_ = test_database_url(dir_.path() / "state.db");
    name_ = url_.substr(0, url_.find('?'));
    name_ = name_.substr(name_.rfind('/') + 1);
    database_ = Database::open(url_);
    database_->transaction([](Connection& c) {
      c.execute("CREATE TABLE things (name TEXT PRIMARY KEY, count BIGINT)", {});
      c.execute("INSERT INTO things (name, count) VALUES ('a', 0)", {});
    });
  }
  void disconnect_all(const std::string& but_not = "false") {
    administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name_ +
               "' AND NOT (" + but_not + ")");
  }
  std::int64_t count() {
    std::int64_t count = 0;
    database_->read([&](Connection& c) {
      count = c.query("SELECT count FROM things", {}).at(0).integer("count");
    });
    return count;
  }

  TempDir dir_;
  std::string url_, name_;
  std::unique_ptr<Database> database_;
};

TEST_F(Postgresql, SeveralOpenAFreshDatabaseAtOnce) {
  administer("CREATE DATABASE " + name_ + "_fresh");
  const std::string url = test_server_url(name_ + "_fresh");
  auto one = std::async(std::launch::async, [&] { return Database::open(url); });
  auto two = std::async(std::launch::async, [&] { return Database::open(url); });
  auto first = one.get(), second = two.get();
  first->read([](Connection& c) {
    EXPECT_EQ(migrations().size(), c.query("SELECT number FROM migrations", {}).size());
  });
}

TEST_F(Postgresql, ATransactionWhoseConnectionBreaksIsRepeated) {
  int tries = 0;
  database_->transaction([&](Connection& c) {
    c.execute("UPDATE things SET count = count + 1", {});
    if (++tries == 1) disconnect_all();
    c.execute("UPDATE things SET count = count + 10", {});
  });
  EXPECT_EQ(2, tries);
  EXPECT_EQ(11, count());
}

TEST_F(Postgresql, ConnectionsThatBrokeWhileIdleAreNotNoticed) {
  Patience none(0ms);
  EXPECT_EQ(0, count());
  disconnect_all();
  EXPECT_EQ(0, count());
}

TEST_F(Postgresql, ALostAnswerToACommitIsAskedFor) {
  // Connections break wherever a transaction just is, also after it came to pass and before we are
  // told; what is counted must be counted once.
  constexpr int kTimes = 100;
  std::jthread disturber([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      // Not while it is made: SOCI leaks one that breaks there.
      disconnect_all("backend_xid IS NULL AND query NOT LIKE 'COMMIT%'");
      std::this_thread::sleep_for(150ms);
    }
  });
  for (int i = 0; i < kTimes; ++i) {
    database_->transaction(
        [&](Connection& c) { c.execute("UPDATE things SET count = count + 1", {}); });
  }
  disturber.request_stop();
  disturber.join();
  EXPECT_EQ(kTimes, count());
}

TEST_F(Postgresql, AServerThatCannotBeReachedIsSaidAtOnce) {
  const Error error = error_of([&] {
    Database::open("postgresql://me:s3cret@/x?host=" + (dir_.path() / "nowhere").string());
  });
  EXPECT_EQ(ErrorKind::unavailable, error.kind()) << error.full_text();
  EXPECT_THAT(error.full_text(), testing::Not(HasSubstr("s3cret")));
  const Error unknown = error_of([&] { Database::open(test_server_url("no_such_database")); });
  EXPECT_EQ(ErrorKind::denied, unknown.kind()) << unknown.full_text();
  EXPECT_THAT(unknown.message(), HasSubstr("no_such_database"));
}

TEST_F(Postgresql, ASwallowedErrorDoesNotRollBackUnnoticed) {
  const Error error = error_of([&] {
    database_->transaction([](Connection& c) {
      c.execute("UPDATE things SET count = 5", {});
      error_of([&] { c.execute("INSERT INTO things (name) VALUES ('a')", {}); });
    });
  });
  EXPECT_EQ(ErrorKind::internal, error.kind());
  EXPECT_EQ(0, count());
}

TEST_F(Postgresql, ReaderAndWriterSeeTheServersTime) {
  database_->read([](Connection& c) {
    const auto time = c.server_time();
    ASSERT_TRUE(time);
    EXPECT_LT(time->started_at, time->now);
    const Duration off = time->now - SystemClock().now();
    EXPECT_LT(std::chrono::abs(off), 1min);
  });
}

/// Some of everything that refers to something.
void fill(Database& database) {
  database.transaction([](Connection& c) {
    c.execute(
        "INSERT INTO runs (run_id, workflow, workflow_version, round, subject, state, input,"
        " waiting_for, waits_on, cancel_requested, created_at, updated_at)"
        " VALUES ('run-1', 'w', 1, 1, :odd, 'pending', '{}', '', 'time', 0, '', '')",
        {{"odd", std::string("it's \"odd\": \xC3\xA9 \\ :name\n")}});
    for (int i = 1; i <= 1200; ++i) {
      c.execute(
          "INSERT INTO signals (run_id, ordinal, name, payload, sent_at) VALUES ('run-1', :i, 'a',"
          " '', '')",
          {{"i", std::int64_t{i}}});
    }
    c.execute("UPDATE audit_head SET sequence = 7, digest = 'd'", {});
  });
}

std::int64_t rows_of(Database& database, const std::string& table) {
  std::int64_t rows = 0;
  database.read([&](Connection& c) {
    rows = c.query("SELECT COUNT(*) AS n FROM " + table, {}).at(0).integer("n");
  });
  return rows;
}

TEST_F(Postgresql, AllOfAnSqliteDatabaseIsMovedHere) {
  const std::string from = "sqlite://" + (dir_.path() / "old.db").string() + "?synchronous=off";
  fill(*Database::open(from));
  administer("CREATE DATABASE " + name_ + "_moved");
  const std::string to = test_server_url(name_ + "_moved");
  const Error refused = error_of([&] {
    copy_database(from, to, [](Connection&) { throw Error(ErrorKind::conflict, "not now"); });
  });
  EXPECT_EQ("not now", refused.message());
  const auto copied = copy_database(from, to, [](Connection&) {});
  auto moved = Database::open(to);
  EXPECT_EQ(1200, rows_of(*moved, "signals"));
  EXPECT_EQ(1, rows_of(*moved, "runs"));
  EXPECT_EQ(1, rows_of(*moved, "audit_head"));
  std::int64_t all = 0;
  for (const CopiedTable& table : copied) all += table.rows;
  EXPECT_EQ(1202, all);
  const Error full = error_of([&] { copy_database(from, to, [](Connection&) {}); });
  EXPECT_EQ(ErrorKind::conflict, full.kind());
  EXPECT_THAT(full.message(), HasSubstr("not empty"));
  EXPECT_EQ(1200, rows_of(*moved, "signals"));
  EXPECT_EQ(ErrorKind::usage, kind_of([&] { copy_database(to, from, [](Connection&) {}); }));
}

TEST_F(Postgresql, WhatDoesNotArriveAsItWasIsRefusedWhole) {
  const std::string from = "sqlite://" + (dir_.path() / "old.db").string() + "?synchronous=off";
  fill(*Database::open(from));
  // Bytes that are no UTF-8, as PostgreSQL wants all text to be.
  Session(Backend::sqlite, "db=" + (dir_.path() / "old.db").string(), "old")
      .execute("UPDATE runs SET waiting_for = CAST(x'ff41' AS TEXT)", {});
  administer("CREATE DATABASE " + name_ + "_moved");
  const std::string to = test_server_url(name_ + "_moved");
  error_of([&] { copy_database(from, to, [](Connection&) {}); });
  auto moved = Database::open(to);
  EXPECT_EQ(0, rows_of(*moved, "runs"));
  EXPECT_EQ(1, rows_of(*moved, "audit_head"));
}

TEST_F(Postgresql, BackupsAreRestoredWithTheDatabasesOwnTools) {
  fill(*database_);
  const std::string file = (dir_.path() / "backup").string();
  check_process({.argv = {"pg_dump", "--format=custom", "--file=" + file, url_}});
  administer("CREATE DATABASE " + name_ + "_restored");
  const std::string restored = test_server_url(name_ + "_restored");
  check_process({.argv = {"pg_restore", "--exit-on-error", "--dbname=" + restored, file}});
  EXPECT_EQ(1200, rows_of(*Database::open(restored), "signals"));

  const Path old = dir_.path() / "old.db", copy = dir_.path() / "copy.db";
  auto sqlite = Database::open("sqlite://" + old.string());
  fill(*sqlite);
  check_process({.argv = {"sqlite3", old.string(), ".backup '" + copy.string() + "'"}});
  EXPECT_EQ(1200, rows_of(*Database::open("sqlite://" + copy.string()), "signals"));
}

TEST_F(Postgresql, AFullDiskIsSaidAndNotWaitedOut) {
  const Error error = error_of([&] {
    database_->transaction([](Connection& c) {
      c.execute("DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$", {});
    });
  });
  EXPECT_EQ(ErrorKind::unavailable, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("no space left"));
  EXPECT_THAT(error.hint(), HasSubstr("free some space"));
  EXPECT_EQ(0, count());
}

TEST_F(Postgresql, RowsThatSomebodyChangesAreLeftOut) {
  auto other = Database::open(url_);
  auto free_rows = [&] {
    std::size_t rows = 0;
    other->transaction(
        [&](Connection& c) {
          rows = c.query("SELECT name FROM things" + std::string(c.skip_locked()), {}).size();
        },
        Isolation::committed);
    return rows;
  };
  EXPECT_EQ(1u, free_rows());
  database_->transaction([&](Connection& c) {
    c.execute("UPDATE things SET count = 1", {});
    // Of another thread: transactions are not nested.
    EXPECT_EQ(0u, std::async(std::launch::async, free_rows).get());
  });
}

}  // namespace
}  // namespace hallmark::db
