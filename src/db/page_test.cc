/// Lists by pages: with SQLite, and once more with PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "db/page.h"
#include "db/testing.h"

namespace hallmark::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Paging : public testing::Test {
 protected:
  Paging() {
    database_->transaction([](Connection& c) {
      c.execute(
          "create table things (thing_id text primary key, created_at text not null,"
          " state text not null, name text not null)",
          {});
    });
  }

  void add(const std::string& id, const std::string& at, const std::string& state = "old",
           const std::string& name = "") {
    database_->transaction([&](Connection& c) {
      c.execute(
          "insert into things (thing_id, created_at, state, name) values (:id, :at, :state, "
          ":name)",
          {{"id", id}, {"at", at}, {"state", state}, {"name", name}});
    });
  }

  std::vector<std::string> ids(const Listing& listing, const Page& page = {},
                               std::string* next = nullptr) {
    std::vector<std::string> ids;
    database_->read([&](Connection& c) {
      ids.clear();
      const Listed listed = list_newest(c, listing, page);
      for (const Row& row : listed.rows) ids.push_back(row.text("thing_id"));
      if (next) *next = listed.next;
    });
    return ids;
  }

  TempDir dir_;
  std::unique_ptr<Database> database_ = Database::open(test_database_url(dir_.path() / "db"));
  Listing things_{.table = "things", .keys = {"created_at", "thing_id"}};
};

TEST_F(Paging, GoesOnAfterARowWhateverIsMadeMeanwhile) {
  for (const char* id : {"a", "b", "c"}) add(id, "2026-01-01");
  add("d", "2026-01-02");
  std::string next;
  EXPECT_THAT(ids(things_, {.limit = 2, .after = ""}, &next), ElementsAre("d", "c"));
  add("e", "2026-01-03");
  EXPECT_THAT(ids(things_, {.limit = 2, .after = next}, &next), ElementsAre("b", "a"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(ids(things_), ElementsAre("e", "d", "c", "b", "a"));
}

TEST_F(Paging, StatesAreMerged) {
  add("a", "2026-01-01", "new");
  add("b", "2026-01-02", "old");
  add("c", "2026-01-03", "gone");
  add("d", "2026-01-04", "new");
  things_.states = {"new", "old"};
  std::string next;
  EXPECT_THAT(ids(things_, {.limit = 2, .after = ""}, &next), ElementsAre("d", "b"));
  EXPECT_THAT(ids(things_, {.limit = 2, .after = next}), ElementsAre("a"));
  EXPECT_THAT(ids(things_), ElementsAre("d", "b", "a"));
}

TEST_F(Paging, RowsMayBeSmall) {
  for (const char* id : {"a", "b", "c"}) add(id, "2026-01-01", id, "x");
  Listing listing{.table = "things",
                  .keys = {"created_at", "name", "thing_id"},
                  .columns = "thing_id, created_at, name",
                  .look_up = false,
                  .states = {"a", "c", "d"}};
  std::string next;
  EXPECT_THAT(ids(listing, {.limit = 1, .after = ""}, &next), ElementsAre("c"));
  EXPECT_THAT(ids(listing, {.limit = 1, .after = next}, &next), ElementsAre("a"));
  EXPECT_EQ(next, "");
}

TEST_F(Paging, PatternsMeanWhatTheySay) {
  add("a", "2026-01-01", "old", "Web-1.0/Debian-12/1");
  add("b", "2026-01-02", "old", "web-1.0/x");
  add("c", "2026-01-03", "old", "Web-1_0/x");
  add("d", "2026-01-04", "old", "Web-1.0");
  add("e", "2026-01-05", "old", "a!b%/x");
  auto begins = [&](const std::vector<std::string>& patterns) {
    Listing listing = things_;
    require_begin(listing, "name", patterns);
    const auto all = ids(listing);
    EXPECT_EQ(all, ids(listing, {.limit = 10, .after = ""}));
    return all;
  };
  EXPECT_THAT(begins({}), ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(begins({"Web-1.0"}), ElementsAre("d", "a"));
  EXPECT_THAT(begins({"Web-?_0", "web-*"}), ElementsAre("c", "b"));
  EXPECT_THAT(begins({"a!b%"}), ElementsAre("e"));
  EXPECT_THAT(begins({"a!b*", "We"}), ElementsAre("e"));
  Listing exact = things_;
  require_fit(exact, "name", {"Web-1.0", "*/x"});
  EXPECT_THAT(ids(exact, {.limit = 10, .after = ""}), ElementsAre("e", "d", "c", "b"));
  require_fit(exact, "state", {"new"});
  EXPECT_THAT(ids(exact), IsEmpty());
}

TEST_F(Paging, AnythingButACursorIsRefused) {
  for (const std::string& wrong :
       {std::string("1"), std::string("%"), cursor_of({"one"}), cursor_of({"1", "2", "3"}),
        std::string(1000, 'A'), std::string("e30"), std::string("WzEsMl0")}) {
    EXPECT_EQ(ErrorKind::usage,
              error_of([&] { ids(things_, {.limit = 1, .after = wrong}); }).kind())
        << wrong;
  }
}

}  // namespace
}  // namespace hallmark::db
