/// The same promises on PostgreSQL. Needs an empty database:
/// HALLMARK_TEST_POSTGRESQL=postgresql://...

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "base/error.h"
#include "db/database.h"

namespace hallmark::db {
namespace {

TEST(Postgresql, OpensMigratesAndLosesNothing) {
  const char* url = std::getenv("HALLMARK_TEST_POSTGRESQL");
  if (!url) GTEST_SKIP() << "HALLMARK_TEST_POSTGRESQL names no database";
  std::unique_ptr<Database> first, second;
  {
    auto one = std::async(std::launch::async, [&] { return Database::open(url); });
    auto two = std::async(std::launch::async, [&] { return Database::open(url); });
    first = one.get();
    second = two.get();
  }
  first->transaction([](Connection& c) {
    c.execute("CREATE TABLE things (name TEXT PRIMARY KEY, count BIGINT, weight DOUBLE PRECISION)",
              {});
    c.execute(
        "INSERT INTO things (name, count, weight) VALUES (:name, :count, :weight)",
        {{"name", std::string("it's :odd")}, {"count", std::int64_t{0}}, {"weight", nullptr}});
  });
  constexpr int kTimes = 20;
  {
    std::vector<std::jthread> threads;
    for (Database* database : {first.get(), second.get()}) {
      threads.emplace_back([database] {
        for (int i = 0; i < kTimes; ++i) {
          database->transaction([](Connection& c) {
            auto count = c.query("SELECT count FROM things", {}).at(0).integer("count");
            c.execute("UPDATE things SET count = :count", {{"count", count + 1}});
          });
        }
      });
    }
  }
  second->read([](Connection& c) {
    auto rows = c.query("SELECT name, count, COUNT(*) AS n FROM things GROUP BY name, count", {});
    ASSERT_EQ(1u, rows.size());
    EXPECT_EQ("it's :odd", rows[0].text("name"));
    EXPECT_EQ(2 * kTimes, rows[0].integer("count"));
    EXPECT_EQ(1, rows[0].integer("n"));
  });
  try {
    first->transaction([](Connection& c) {
      c.execute("INSERT INTO things (name) VALUES (:name)", {{"name", std::string("it's :odd")}});
    });
    ADD_FAILURE() << "the same key twice";
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::conflict, error.kind());
  }
  first->transaction([](Connection& c) { c.execute("DROP TABLE things", {}); });
}

}  // namespace
}  // namespace hallmark::db
