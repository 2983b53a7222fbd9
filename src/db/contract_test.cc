/// What every database promises: run with SQLite, and once more with PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "base/testing.h"
#include "db/database.h"
#include "db/testing.h"

namespace hallmark::db {
namespace {

using testing::HasSubstr;

void make_table(Database& database) {
  database.transaction([](Connection& c) {
    c.execute("CREATE TABLE things (name TEXT PRIMARY KEY, count BIGINT, weight DOUBLE PRECISION)",
              {});
  });
}

std::int64_t count_things(Database& database) {
  std::int64_t count = 0;
  database.read([&](Connection& c) {
    count = c.query("SELECT COUNT(*) AS n FROM things", {}).at(0).integer("n");
  });
  return count;
}

TEST(Database, ValuesComeBackAsTheyWent) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  const std::string odd = "it's \"odd\"; -- :name \xC3\xA9\n";
  database->transaction([&](Connection& c) {
    EXPECT_EQ(1,
              c.execute("INSERT INTO things (name, count, weight) VALUES (:name, :count, :weight)",
                        {{"name", odd}, {"count", std::int64_t{1} << 60}, {"weight", 2.5}}));
    EXPECT_EQ(1, c.execute("INSERT INTO things (name, count) VALUES (:name, :count)",
                           {{"name", std::string("")}, {"count", nullptr}}));
  });
  database->read([&](Connection& c) {
    auto rows = c.query(
        "SELECT name, count, CASE WHEN count IS NULL THEN 1 ELSE 0 END AS empty FROM things ORDER "
        "BY name",
        {});
    ASSERT_EQ(2u, rows.size());
    EXPECT_EQ("", rows[0].text("name"));
    EXPECT_EQ(std::nullopt, rows[0].optional_integer("count"));
    EXPECT_EQ(1, rows[0].integer("empty"));
    EXPECT_EQ(odd, rows[1].text("name"));
    EXPECT_EQ(std::int64_t{1} << 60, rows[1].integer("count"));
    EXPECT_EQ(ErrorKind::internal, error_of([&] { rows[0].text("colour"); }).kind());
    EXPECT_EQ(ErrorKind::corrupt, error_of([&] { rows[0].integer("count"); }).kind());
    EXPECT_EQ(ErrorKind::corrupt, error_of([&] { rows[0].integer("name"); }).kind());
  });
}

TEST(Database, OneStatementWithDifferentParametersAndNames) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  database->transaction([&](Connection& c) {
    for (int i = 0; i < 5; ++i) {
      c.execute("INSERT INTO things (name, count) VALUES (:name, :count)",
                {{"count", std::int64_t{i}}, {"name", "thing " + std::to_string(i)}});
    }
    for (int i = 0; i < 5; ++i) {
      auto rows = c.query("SELECT name FROM things WHERE count >= :least ORDER BY count",
                          {{"least", std::int64_t{i}}});
      ASSERT_EQ(static_cast<std::size_t>(5 - i), rows.size());
      EXPECT_EQ("thing " + std::to_string(i), rows[0].text("name"));
    }
    EXPECT_TRUE(c.query("SELECT name FROM things WHERE count > 99", {}).empty());
  });
}

TEST(Database, AThrowRollsBack) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  EXPECT_THROW(database->transaction([](Connection& c) {
    c.execute("INSERT INTO things (name) VALUES ('a')", {});
    throw Error(ErrorKind::failed, "no");
  }),
               Error);
  EXPECT_EQ(0, count_things(*database));
}

TEST(Database, ViolationsAreConflicts) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  auto insert = [](Connection& c) { c.execute("INSERT INTO things (name) VALUES ('a')", {}); };
  database->transaction(insert);
  EXPECT_EQ(ErrorKind::conflict, error_of([&] { database->transaction(insert); }).kind());
  Error orphan = error_of([&] {
    database->transaction([](Connection& c) {
      c.execute(
          "INSERT INTO signals (run_id, ordinal, name, payload, sent_at) VALUES ('no', 1, 'a', '', "
          "'')",
          {});
    });
  });
  EXPECT_EQ(ErrorKind::conflict, orphan.kind());
  EXPECT_EQ(1, count_things(*database));
}

TEST(Database, WrongStatementIsOurBugAndHarmsNothing) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  Error error = error_of([&] {
    database->transaction([](Connection& c) { c.execute("INSERT INTO nowhere VALUES (1)", {}); });
  });
  EXPECT_EQ(ErrorKind::internal, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("nowhere"));
  EXPECT_EQ(0, count_things(*database));
  Error nested =
      error_of([&] { database->transaction([&](Connection&) { count_things(*database); }); });
  EXPECT_EQ(ErrorKind::internal, nested.kind());
}

TEST(Database, WritersInThreadsAndObjectsLoseNothing) {
  TempDir dir;
  auto first = Database::open(test_database_url(dir.path() / "state.db"));
  auto second = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*first);
  first->transaction(
      [](Connection& c) { c.execute("INSERT INTO things (name, count) VALUES ('a', 0)", {}); });
  constexpr int kThreads = 4, kTimes = 25;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Database& database = t % 2 ? *first : *second;
        for (int i = 0; i < kTimes; ++i) {
          database.transaction([](Connection& c) {
            auto count = c.query("SELECT count FROM things", {}).at(0).integer("count");
            c.execute("UPDATE things SET count = :count", {{"count", count + 1}});
          });
        }
      });
    }
  }
  first->read([](Connection& c) {
    EXPECT_EQ(kThreads * kTimes, c.query("SELECT count FROM things", {}).at(0).integer("count"));
  });
}

TEST(Database, ReadersDoNotWaitForAWriter) {
  TempDir dir;
  auto database = Database::open(test_database_url(dir.path() / "state.db"));
  make_table(*database);
  database->transaction([&](Connection& c) {
    c.execute("INSERT INTO things (name) VALUES ('a')", {});
    std::int64_t seen = -1;
    std::jthread([&] { seen = count_things(*database); }).join();
    EXPECT_EQ(0, seen);
  });
  EXPECT_EQ(1, count_things(*database));
}

TEST(Database, ProcessesOpenAFreshFileAtOnce) {
  TempDir dir;
  const Path file = dir.path() / "deep" / "state.db";
  std::vector<pid_t> children;
  for (int i = 0; i < 24; ++i) {
    pid_t child = ::fork();
    if (child == 0) {
      int code = 1;
      try {
        Database::open(test_database_url(file));
        code = 0;
      } catch (const Error& error) {
        fprintf(stderr, "%s\n", error.full_text().c_str());
      }
      ::_exit(code);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    EXPECT_EQ(0, status);
  }
  auto database = Database::open(test_database_url(file));
  database->read([](Connection& c) {
    auto rows = c.query("SELECT number FROM migrations ORDER BY number", {});
    ASSERT_EQ(migrations().size(), rows.size());
    EXPECT_EQ(migrations().back().number, rows.back().integer("number"));
  });
}

TEST(Database, ANewerHallmarksFileIsRefused) {
  TempDir dir;
  const Path file = dir.path() / "state.db";
  Database::open(test_database_url(file))->transaction([](Connection& c) {
    c.execute(
        "INSERT INTO migrations (number, name, applied_at) VALUES (999, '999_future.sql', '')", {});
  });
  Error error = error_of([&] { Database::open(test_database_url(file)); });
  EXPECT_EQ(ErrorKind::conflict, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("newer Hallmark"));
}

TEST(Database, WhatWasCommittedSurvivesKill) {
  TempDir dir;
  const std::string url = test_database_url(dir.path() / "state.db");
  int ready[2];
  ASSERT_EQ(0, ::pipe(ready));
  pid_t child = ::fork();
  if (child == 0) {
    // Should the test die first, so does the child.
    ::alarm(30);
    auto database = Database::open(url);
    make_table(*database);
    database->transaction(
        [](Connection& c) { c.execute("INSERT INTO things (name) VALUES ('kept')", {}); });
    database->transaction([&](Connection& c) {
      c.execute("INSERT INTO things (name) VALUES ('lost')", {});
      if (::write(ready[1], "x", 1) == 1) ::pause();
    });
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte;
  ASSERT_EQ(1, ::read(ready[0], &byte, 1));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  auto database = Database::open(url);
  database->read([](Connection& c) {
    auto rows = c.query("SELECT name FROM things", {});
    ASSERT_EQ(1u, rows.size());
    EXPECT_EQ("kept", rows[0].text("name"));
  });
}

TEST(Database, WhoWaitsForNewsIsTold) {
  TempDir dir;
  const std::string url = test_database_url(dir.path() / "state.db");
  auto database = Database::open(url);
  const std::uint64_t before = database->news();
  std::jthread teller([&](std::stop_token stop) {
    // Told again, since the database may only be about to listen.
    for (std::uint64_t seen = before; seen == before && !stop.stop_requested();) {
      database->transaction([](Connection& c) { c.notify(); });
      database->wait_for_news(seen, Duration(50), stop);
      seen = database->news();
    }
  });
  database->wait_for_news(before, std::chrono::seconds(30), {});
  EXPECT_GT(database->news(), before);
}

TEST(Database, ShownUrlsHoldNoSecrets) {
  EXPECT_EQ("sqlite:///a/b.db", shown("sqlite:///a/b.db"));
  EXPECT_EQ("postgresql://db.example/state", shown("postgresql://me:pa%40ss@db.example/state"));
  EXPECT_EQ("postgres://h:5433/x",
            shown("postgres://u:p@ss@h:5433/x?password=secret&sslmode=require"));
  EXPECT_EQ("...", shown("postgresql:/u:secret@h"));
  for (const char* url :
       {"postgresql://me:s3cret@[bad/state", "postgresql://me:s3cret@h/x?nonsense=1",
        "postgres:/me:s3cret@h/x", "mysql://me:s3cret@h/x"}) {
    const Error error = error_of([&] { Database::open(url); });
    EXPECT_EQ(ErrorKind::usage, error.kind()) << error.full_text();
    EXPECT_THAT(error.full_text(), testing::Not(HasSubstr("s3cret")));
  }
}

}  // namespace
}  // namespace hallmark::db
