#include "db/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/testing.h"
#include "db/session.h"

namespace hallmark::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string url_of(const Path& file) { return "sqlite://" + file.string() + "?synchronous=off"; }

void make_table(Database& database) {
  database.transaction([](Connection& c) {
    c.execute("CREATE TABLE things (name TEXT PRIMARY KEY, count BIGINT, weight REAL)", {});
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
    auto rows = c.query("SELECT name, count, count IS NULL AS empty FROM things ORDER BY name", {});
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
  auto first = Database::open(url_of(dir.path() / "state.db"));
  auto second = Database::open(url_of(dir.path() / "state.db"));
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
  auto database = Database::open(url_of(dir.path() / "state.db"));
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
        Database::open(url_of(file));
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
  auto database = Database::open(url_of(file));
  database->read([](Connection& c) {
    auto rows = c.query("SELECT number FROM migrations ORDER BY number", {});
    ASSERT_EQ(migrations().size(), rows.size());
    EXPECT_EQ(migrations().back().number, rows.back().integer("number"));
  });
}

TEST(Database, AnotherFileIsRefusedAndLeftAlone) {
  TempDir dir;
  const Path file = dir.path() / "notes.txt";
  for (const std::string& content : {std::string("milk, eggs, bread and a fair bit more\n"),
                                     std::string("x"), std::string(5000, '\0')}) {
    write_file(file, content);
    Error error = error_of([&] { Database::open(url_of(file)); });
    EXPECT_EQ(ErrorKind::corrupt, error.kind()) << error.full_text();
    EXPECT_THAT(error.message(), HasSubstr("notes.txt is not a Hallmark database"));
    EXPECT_NE("", error.hint());
    EXPECT_EQ(content, read_file(file));
  }
  EXPECT_EQ(ErrorKind::corrupt, error_of([&] { Database::open(url_of(dir.path())); }).kind());
}

TEST(Database, AForeignSqliteFileIsRefusedAndLeftAlone) {
  TempDir dir;
  const Path file = dir.path() / "other.db";
  Session(Backend::sqlite, "db=" + file.string(), "other")
      .execute("CREATE TABLE mine (a BIGINT)", {});
  const std::string before = read_file(file);
  Error error = error_of([&] { Database::open(url_of(file)); });
  EXPECT_EQ(ErrorKind::corrupt, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("another program"));
  EXPECT_EQ(before, read_file(file));
}

TEST(Database, ADamagedFileIsRefusedAndLeftAlone) {
  TempDir dir;
  const Path file = dir.path() / "state.db";
  {
    auto database = Database::open(url_of(file));
    make_table(*database);
    database->transaction([](Connection& c) {
      for (int i = 0; i < 500; ++i) {
        c.execute("INSERT INTO things (name) VALUES (:name)",
                  {{"name", std::to_string(i) + std::string(100, 'x')}});
      }
    });
  }
  const std::string whole = read_file(file);
  std::string scribbled = whole;
  for (std::size_t page = 4096; page < scribbled.size(); page += 2 * 4096) {
    scribbled.replace(page, 512, std::string(512, '\xA5'));
  }
  for (const std::string& content : {whole.substr(0, whole.size() / 2), scribbled}) {
    write_file(file, content);
    Error error = error_of([&] { Database::open(url_of(file)); });
    EXPECT_EQ(ErrorKind::corrupt, error.kind()) << error.full_text();
    EXPECT_THAT(error.message(), HasSubstr("damaged"));
    EXPECT_NE("", error.hint());
    EXPECT_TRUE(content == read_file(file)) << "the damaged file was changed";
  }
}

TEST(Database, ANewerHallmarksFileIsRefused) {
  TempDir dir;
  const Path file = dir.path() / "state.db";
  Database::open(url_of(file))->transaction([](Connection& c) {
    c.execute(
        "INSERT INTO migrations (number, name, applied_at) VALUES (999, '999_future.sql', '')", {});
  });
  Error error = error_of([&] { Database::open(url_of(file)); });
  EXPECT_EQ(ErrorKind::conflict, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("newer Hallmark"));
}

/// As somebody who is not root, since root may write anywhere.
class AsNobody {
 public:
  AsNobody() {
    if (::geteuid() == 0) changed_ = ::seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool changed_ = false;
};

TEST(Database, ReadOnlyPlacesAreDenied) {
  TempDir dir;
  const Path file = dir.path() / "state.db";
  Database::open(url_of(file));
  ::chmod(file.c_str(), 0444);
  ::chmod(dir.path().c_str(), 0555);
  Error file_error(ErrorKind::internal, ""), directory_error = file_error,
                                             parent_error = file_error;
  {
    AsNobody nobody;
    file_error = error_of([&] { Database::open(url_of(file)); });
    directory_error = error_of([&] { Database::open(url_of(dir.path() / "new.db")); });
    parent_error = error_of([&] { Database::open(url_of(dir.path() / "sub" / "new.db")); });
  }
  ::chmod(dir.path().c_str(), 0755);
  for (const Error& error : {file_error, directory_error, parent_error}) {
    EXPECT_EQ(ErrorKind::denied, error.kind()) << error.full_text();
    EXPECT_THAT(error.message(), HasSubstr(dir.path().string()));
  }
}

TEST(Database, UrlsThatNameNothingAreUsageErrors) {
  for (const char* url : {"", "state.db", "sqlite:state.db", "sqlite://state.db", "mysql://x/y",
                          "sqlite:///tmp/a\"b", "sqlite:///tmp/x?synchronous=maybe"}) {
    EXPECT_EQ(ErrorKind::usage, error_of([&] { Database::open(url); }).kind()) << url;
  }
}

TEST(Database, WhatWasCommittedSurvivesKill) {
  TempDir dir;
  const std::string url = "sqlite://" + (dir.path() / "state.db").string();
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

TEST(SplitStatements, CommentsQuotesAndSeparators) {
  EXPECT_THAT(split_statements("-- it's; a comment\nCREATE TABLE a (b TEXT); -- more\n\n"
                               "INSERT INTO a VALUES ('x;--''y');\n  ;\n"),
              ElementsAre("CREATE TABLE a (b TEXT)", "INSERT INTO a VALUES ('x;--''y')"));
  EXPECT_THAT(split_statements(""), ElementsAre());
  EXPECT_THAT(split_statements("SELECT 1 -- end"), ElementsAre("SELECT 1"));
}

}  // namespace
}  // namespace hallmark::db
