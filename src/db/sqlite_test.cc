/// Files: whose they are, what is in them, and who may write them.

#include "db/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(SqliteFile, AnotherFileIsRefusedAndLeftAlone) {
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

TEST(SqliteFile, AForeignSqliteFileIsRefusedAndLeftAlone) {
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

TEST(SqliteFile, ADamagedFileIsRefusedAndLeftAlone) {
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

TEST(SqliteFile, ReadOnlyPlacesAreDenied) {
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

TEST(SqliteFile, UrlsThatNameNothingAreUsageErrors) {
  for (const char* url : {"", "state.db", "sqlite:state.db", "sqlite://state.db", "mysql://x/y",
                          "sqlite:///tmp/a\"b", "sqlite:///tmp/x?synchronous=maybe"}) {
    EXPECT_EQ(ErrorKind::usage, error_of([&] { Database::open(url); }).kind()) << url;
  }
}

TEST(SqliteFile, AFullDiskIsSaidAndChangesNothing) {
  TempDir dir;
  auto database = Database::open(url_of(dir.path() / "state.db"));
  make_table(*database);
  const Error error = error_of([&] {
    database->transaction([](Connection& c) {
      c.query("PRAGMA max_page_count = 1", {});  // As many as there are.
      c.execute("INSERT INTO things (name) VALUES (:name)", {{"name", std::string(1 << 20, 'x')}});
    });
  });
  EXPECT_EQ(ErrorKind::unavailable, error.kind());
  EXPECT_THAT(error.message(), HasSubstr("full"));
  EXPECT_THAT(error.hint(), HasSubstr("free some space"));
  database->read(
      [](Connection& c) { EXPECT_TRUE(c.query("SELECT name FROM things", {}).empty()); });
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
