#include "workflow/ledger.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "db/testing.h"

namespace hallmark::workflow {
namespace {

TEST(Ledger, HoldsWhatIsNotReleased) {
  TempDir dir;
  auto database = db::Database::open(db::test_database_url(dir.path() / "state.db"));
  ManualClock clock(from_rfc3339("2026-01-01T00:00:00Z"));
  Ledger ledger(*database, clock);
  LedgerEntry machine{.entry_id = "token-1", .run_id = "run-1", .kind = "machine"};
  machine.where = {{"region", "local-1"}};
  machine.deadline = clock.now() + Duration(1000);
  ledger.plan(machine);
  ledger.plan(machine);
  clock.advance(Duration(5));
  ledger.plan({.entry_id = "token-2", .run_id = "run-2", .kind = "image"});
  ASSERT_EQ(2u, ledger.open().size());
  EXPECT_EQ(LedgerState::planned, ledger.open()[0].state);
  EXPECT_EQ(machine.where, ledger.open()[0].where);
  EXPECT_EQ(machine.deadline, ledger.open()[0].deadline);
  EXPECT_EQ("token-2", ledger.open("run-2").at(0).entry_id);

  ledger.created("token-1", "i-1");
  EXPECT_EQ("i-1", ledger.open("run-1").at(0).external_id);
  EXPECT_EQ(LedgerState::created, ledger.open("run-1").at(0).state);
  ledger.plan(machine);
  EXPECT_EQ(LedgerState::created, ledger.open("run-1").at(0).state);

  // An empty id names nothing: the entry that is only planned must stay.
  ledger.released_external("");
  ledger.released_external("i-1");
  ledger.released_external("i-1");
  ledger.created("token-1", "i-1");
  ASSERT_EQ(1u, ledger.open().size());
  ledger.released("token-2");
  ledger.released("token-2");
  EXPECT_TRUE(ledger.open().empty());
  try {
    ledger.created("token-3", "i-3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::not_found, error.kind());
  }
}

TEST(Ledger, WhoLostARunThatHasEndedMakesNothingMore) {
  TempDir dir;
  auto database = db::Database::open(db::test_database_url(dir.path() / "state.db"));
  ManualClock clock(from_rfc3339("2026-01-01T00:00:00Z"));
  Ledger ledger(*database, clock);
  const LedgerEntry machine{.entry_id = "token-1", .run_id = "run-1", .kind = "machine"};
  auto run_is = [&](const std::string& state) {
    database->transaction([&](db::Connection& c) {
      c.execute(
          "INSERT INTO runs (run_id, workflow, workflow_version, round, subject, state, input,"
          " waiting_for, waits_on, cancel_requested, created_at, updated_at)"
          " VALUES ('run-1', 'w', 1, 1, '', :state, '{}', '', 'time', 0, '', '')"
          " ON CONFLICT (run_id) DO UPDATE SET state = excluded.state",
          {{"state", state}});
    });
  };
  run_is("running");
  ledger.plan(machine);
  ledger.released("token-1");
  run_is("failed");
  // As who was frozen between the plan and the making: the reaper is to find it.
  ledger.created("token-1", "i-1");
  EXPECT_EQ("i-1", ledger.open().at(0).external_id);
  EXPECT_EQ(ErrorKind::conflict, kind_of([&] { ledger.plan(machine); }));
}

}  // namespace
}  // namespace hallmark::workflow
