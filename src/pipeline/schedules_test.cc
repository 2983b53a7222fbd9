/// Schedules that fire: once for each due time, whoever looks, and whoever dies over it.

#include "pipeline/schedules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "base/sync.h"
#include "base/testing.h"
#include "cloud/memory/memory_enforcement.h"
#include "pipeline/compliance_history.h"
#include "pipeline/fixture.h"
#include "pipeline/rebuild.h"

namespace hallmark::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Longer than a claim is held for somebody who says nothing.
constexpr Duration kLongSilence = 6min;

/// What ends a process: no handler of ours knows it.
struct Crash {};

Schedule schedule_of(const std::string& name, const std::string& expression,
                     ScheduledWork work = ScheduledWork::reassess,
                     const std::string& zone = "UTC") {
  return {.name = name, .expression = schedule::parse(expression, zone), .work = {.starts = work}};
}

class Schedules : public testing::Test {
 protected:
  Context& context() { return *fixture_.product.context; }
  workflow::Engine& engine() { return *fixture_.product.engine; }
  void adopt() { adopt_schedules(context(), schedules_); }
  std::vector<Firing> fire() { return fire_due(engine(), context(), schedules_, {}); }
  std::vector<Firing> fire_after(Duration time) {
    fixture_.clock.advance(time);
    return fire();
  }
  std::vector<workflow::RunInfo> runs() { return engine().list({}); }
  /// A pipeline file; its one script is behind a URL.
  Path pipeline_file() {
    const Path file = fixture_.directory.path() / "golden.yaml";
    write_file(file,
               "product: Web-1.0\nos: Debian-12\nversion: \"1\"\nsource: {name: debian-source}\n"
               "build: {region: us-east-1}\n"
               "scripts: {pre_update: {url: 'https://example.com/x.sh'}}\n");
    return file;
  }
  /// As a process that died after the claim, or after the start but before it could say so.
  void forget_start() {
    context().database.transaction([](db::Connection& connection) {
      connection.execute("update firings set state = 'claimed', run_ids = '[]'", {});
    });
  }

  Fixture fixture_;
  TimePoint start_ = fixture_.clock.now();
  std::vector<Schedule> schedules_ = {schedule_of("hourly", "rate(1 hour)")};
};

TEST_F(Schedules, FireOnceWhenTheyAreDue) {
  adopt();
  EXPECT_THAT(fire_after(59min), IsEmpty());
  const auto fired = fire_after(1min);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].due_at, start_ + 1h);
  EXPECT_EQ(fired[0].missed, 0);
  EXPECT_EQ(fired[0].state, FiringState::started);
  ASSERT_THAT(runs(), SizeIs(1));
  EXPECT_EQ(runs()[0].workflow, "reassess");
  EXPECT_THAT(fired[0].run_ids, ElementsAre(runs()[0].run_id));
  EXPECT_THAT(fire(), IsEmpty());
  const auto standing = schedule_standing(context(), schedules_[0], 10);
  EXPECT_EQ(standing.next_due_at, start_ + 2h);
  EXPECT_THAT(standing.firings, SizeIs(1));
}

TEST_F(Schedules, WhatWasMissedIsCaughtUpOnce) {
  adopt();
  const auto fired = fire_after(5h + 30min);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].due_at, start_ + 5h);
  EXPECT_EQ(fired[0].missed, 4);
  EXPECT_THAT(runs(), SizeIs(1));
  // A process that starts again does not begin to count anew.
  adopt();
  EXPECT_THAT(fire(), IsEmpty());
  fixture_.product.drive(runs()[0].run_id);
  EXPECT_THAT(fire_after(30min), SizeIs(1));
}

TEST_F(Schedules, OfManyWhoLookOneFires) {
  adopt();
  fixture_.clock.advance(2h);
  constexpr int kProcesses = 4;
  std::vector<std::unique_ptr<Product>> products;
  for (int i = 0; i < kProcesses; ++i) {
    products.push_back(std::make_unique<Product>(
        fixture_.clock, fixture_.world, ProductOptions{.directory = fixture_.product.directory}));
  }
  Sync<std::vector<Firing>> all;
  {
    std::vector<std::jthread> threads;
    for (auto& product : products) {
      threads.emplace_back([&] {
        for (Firing& firing : fire_due(*product->engine, *product->context, schedules_, {})) {
          all.lock()->push_back(std::move(firing));
        }
      });
    }
  }
  // Another may make good on the claim too: that is the same run.
  EXPECT_THAT(runs(), SizeIs(1));
  auto fired = all.lock();
  ASSERT_THAT(*fired, testing::Not(IsEmpty()));
  for (const Firing& firing : *fired) {
    EXPECT_EQ(firing.due_at, start_ + 2h);
    EXPECT_THAT(firing.run_ids, ElementsAre(runs()[0].run_id));
  }
}

TEST_F(Schedules, AClaimWhoseProcessDiedIsMadeGoodOnce) {
  schedules_ = {schedule_of("weekly", "rate(7 days)", ScheduledWork::build)};
  schedules_[0].work.pipeline_file = pipeline_file();
  adopt();
  context().fetch = [](const std::string&, std::stop_token) -> std::string { throw Crash(); };
  EXPECT_THROW(fire_after(7 * 24h), Crash);
  EXPECT_THAT(runs(), IsEmpty());
  context().fetch = [](const std::string&, std::stop_token) { return std::string("#!/bin/sh\n"); };
  EXPECT_THAT(fire_after(1min), IsEmpty()) << "it may be alive";
  const auto fired = fire_after(kLongSilence);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].due_at, start_ + 7 * 24h);
  EXPECT_EQ(fired[0].state, FiringState::started);
  ASSERT_THAT(runs(), SizeIs(1));
  EXPECT_EQ(runs()[0].subject, "Web-1.0/Debian-12/1");
  EXPECT_EQ(runs()[0].input.at("requested_by"), "schedule weekly");

  forget_start();
  EXPECT_THAT(fire_after(kLongSilence),
              ElementsAre(testing::Field(&Firing::run_ids, fired[0].run_ids)));
  EXPECT_THAT(runs(), SizeIs(1));
  EXPECT_THAT(fire_after(kLongSilence), IsEmpty());
}

TEST_F(Schedules, WhatTheClaimItselfStartedKeepsItNotFromBeingMadeGood) {
  adopt();
  const auto fired = fire_after(1h);
  context().database.transaction([](db::Connection& connection) {
    connection.execute("update firings set state = 'claimed'", {});
  });
  const auto again = fire_after(kLongSilence);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].state, FiringState::started) << again[0].detail;
  EXPECT_EQ(again[0].run_ids, fired.at(0).run_ids);
}

TEST_F(Schedules, ASlowProcessThatStartsItAfterAllIsBelieved) {
  schedules_ = {schedule_of("weekly", "rate(7 days)", ScheduledWork::build)};
  schedules_[0].work.pipeline_file = pipeline_file();
  adopt();
  Product other(fixture_.clock, fixture_.world, {.directory = fixture_.product.directory});
  other.context->fetch = [](const std::string&, std::stop_token) -> std::string {
    throw Error(ErrorKind::unavailable, "no network here");
  };
  context().fetch = [&](const std::string&, std::stop_token) {
    fixture_.clock.advance(kLongSilence);
    const auto taken = fire_due(*other.engine, *other.context, schedules_, {});
    EXPECT_THAT(taken, ElementsAre(testing::Field(&Firing::state, FiringState::failed)));
    return std::string("#!/bin/sh\n");
  };
  fire_after(7 * 24h);
  const auto firings = schedule_standing(context(), schedules_[0], 10).firings;
  ASSERT_THAT(firings, SizeIs(1));
  EXPECT_EQ(firings[0].state, FiringState::started);
  EXPECT_THAT(firings[0].run_ids, ElementsAre(runs().at(0).run_id));
}

TEST_F(Schedules, AClaimThatIsLeftIsNotFiredOnceTheScheduleIsPausedOrOff) {
  for (const bool paused : {true, false}) {
    schedules_ = {schedule_of(paused ? "paused" : "off", "rate(7 days)", ScheduledWork::build)};
    schedules_[0].work.pipeline_file = pipeline_file();
    adopt();
    context().fetch = [](const std::string&, std::stop_token) -> std::string { throw Crash(); };
    EXPECT_THROW(fire_after(7 * 24h), Crash);
    if (paused) pause_schedule(context(), schedules_[0], "ada");
    schedules_[0].enabled = paused;
    adopt();
    const auto fired = fire_after(kLongSilence);
    ASSERT_THAT(fired, SizeIs(1));
    EXPECT_EQ(fired[0].state, FiringState::skipped);
    EXPECT_FALSE(fired[0].detail.empty());
    EXPECT_THAT(runs(), IsEmpty());
    EXPECT_THAT(fire_after(kLongSilence), IsEmpty());
  }
}

TEST_F(Schedules, NothingIsStartedWhileTheRunBeforeIsOpen) {
  adopt();
  fire_after(1h);
  const auto skipped = fire_after(1h);
  ASSERT_THAT(skipped, SizeIs(1));
  EXPECT_EQ(skipped[0].state, FiringState::skipped);
  EXPECT_THAT(skipped[0].detail, HasSubstr(runs()[0].run_id));
  EXPECT_THAT(runs(), SizeIs(1));
  fixture_.product.drive(runs()[0].run_id);
  const auto started = fire_after(1h);
  ASSERT_THAT(started, SizeIs(1));
  EXPECT_EQ(started[0].state, FiringState::started);
  EXPECT_THAT(runs(), SizeIs(2));
}

TEST_F(Schedules, AnOpenRunIsNotForgottenHoweverOftenItIsInTheWay) {
  adopt();
  const std::string run_id = fire_after(1h).at(0).run_ids.at(0);
  constexpr int kMany = 105;
  for (int i = 0; i < kMany; ++i) {
    ASSERT_THAT(fire_after(1h), ElementsAre(testing::Field(&Firing::state, FiringState::skipped)));
  }
  // Firings are kept for a quarter.
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(fire_after(93 * 24h),
                ElementsAre(testing::Field(&Firing::state, FiringState::skipped)));
  }
  EXPECT_THAT(runs(), SizeIs(1));
  EXPECT_THAT(open_runs_of(engine(), context(), "hourly"), ElementsAre(run_id));
  EXPECT_THAT(schedule_standing(context(), schedules_[0], 1000).firings, SizeIs(2));
  fixture_.product.drive(run_id);
  EXPECT_THAT(open_runs_of(engine(), context(), "hourly"), IsEmpty());
  EXPECT_EQ(fire_after(1h).at(0).state, FiringState::started);
}

TEST_F(Schedules, ARunThatIsNotThereAnyMoreIsNotInTheWay) {
  adopt();
  fire_after(1h);
  context().database.transaction([](db::Connection& connection) {
    connection.execute("update firings set run_ids = '[\"run-of-another-time\"]'", {});
  });
  EXPECT_THAT(open_runs_of(engine(), context(), "hourly"), IsEmpty());
  EXPECT_EQ(fire_after(1h).at(0).state, FiringState::started);
}

TEST_F(Schedules, OneThatCannotBeStartedKeepsNoOther) {
  schedules_.insert(schedules_.begin(),
                    schedule_of("broken", "rate(1 hour)", ScheduledWork::build));
  schedules_[0].work.pipeline_file = fixture_.directory.path() / "nowhere.yaml";
  adopt();
  const auto fired = fire_after(1h);
  ASSERT_THAT(fired, SizeIs(2));
  EXPECT_EQ(fired[0].state, FiringState::failed);
  EXPECT_THAT(fired[0].detail, HasSubstr("nowhere.yaml"));
  EXPECT_EQ(fired[1].state, FiringState::started);
  // It is tried again when it is due again.
  EXPECT_EQ(fire_after(1h)[0].state, FiringState::failed);
}

TEST_F(Schedules, APausedOneIsNotDueAndCatchesNothingUp) {
  adopt();
  pause_schedule(context(), schedules_[0], "ada");
  EXPECT_THAT(fire_after(3h), IsEmpty());
  EXPECT_TRUE(schedule_standing(context(), schedules_[0], 1).paused);
  EXPECT_EQ(schedule_standing(context(), schedules_[0], 1).next_due_at, std::nullopt);
  adopt();
  EXPECT_THAT(fire(), IsEmpty());
  resume_schedule(context(), schedules_[0], "ada");
  EXPECT_THAT(fire(), IsEmpty());
  EXPECT_THAT(fire_after(1h), SizeIs(1));
}

TEST_F(Schedules, OneThatIsOffIsNotDue) {
  schedules_[0].enabled = false;
  adopt();
  EXPECT_THAT(fire_after(3h), IsEmpty());
  schedules_[0].enabled = true;
  adopt();
  EXPECT_THAT(fire(), IsEmpty());
  EXPECT_THAT(fire_after(1h), SizeIs(1));
}

TEST_F(Schedules, AChangedOneCountsFromNow) {
  adopt();
  schedules_[0].expression = schedule::parse("rate(2 hours)");
  fixture_.clock.advance(90min);
  // Until somebody adopts it, nobody fires what is not as it was.
  EXPECT_THAT(fire(), IsEmpty());
  adopt();
  EXPECT_THAT(fire_after(119min), IsEmpty());
  EXPECT_THAT(fire_after(1min), SizeIs(1));
}

TEST_F(Schedules, OneThatIsNeverDueAgainIsOverAndKeepsNoOther) {
  schedules_.insert(schedules_.begin(), schedule_of("past", "at(2026-01-01T00:00:00)"));
  adopt();
  EXPECT_TRUE(schedule_standing(context(), schedules_[0], 1).known);
  EXPECT_EQ(schedule_standing(context(), schedules_[0], 1).next_due_at, std::nullopt);
  EXPECT_THAT(fire_after(1h), ElementsAre(testing::Field(&Firing::schedule, "hourly")));
  schedules_ = {schedule_of("once", "at(2026-11-22T14:00:00)")};
  adopt();
  EXPECT_THAT(fire_after(2h), SizeIs(1));
  adopt();
  EXPECT_EQ(schedule_standing(context(), schedules_[0], 1).next_due_at, std::nullopt);
}

TEST_F(Schedules, WallClocksOfATimeZoneCount) {
  schedules_ = {
      schedule_of("nightly", "cron(30 2 * * ? *)", ScheduledWork::reassess, "Europe/Berlin")};
  const TimePoint spring = from_rfc3339("2027-03-26T12:00:00Z");
  fixture_.clock.advance(spring - fixture_.clock.now());
  adopt();
  std::vector<std::string> due;
  for (int hour = 0; hour < 4 * 24; ++hour) {
    for (const Firing& firing : fire_after(1h)) {
      due.push_back(to_rfc3339(firing.due_at));
      fixture_.product.drive(firing.run_ids.at(0));
    }
  }
  // On the 28th the clock jumps from 2 to 3.
  EXPECT_THAT(due, ElementsAre("2027-03-27T01:30:00.000Z", "2027-03-29T00:30:00.000Z",
                               "2027-03-30T00:30:00.000Z"));
  const TimePoint autumn = from_rfc3339("2027-10-30T12:00:00Z");
  fixture_.clock.advance(autumn - fixture_.clock.now());
  EXPECT_THAT(fire(), SizeIs(1));
  fixture_.product.drive(runs()[0].run_id);
  due.clear();
  for (int hour = 0; hour < 24; ++hour) {
    for (const Firing& firing : fire_after(1h)) due.push_back(to_rfc3339(firing.due_at));
  }
  // 2:30 comes twice.
  EXPECT_THAT(due, ElementsAre("2027-10-31T00:30:00.000Z"));
}

TEST_F(Schedules, ABuildTakesTheNextFreeVersion) {
  context().fetch = [](const std::string&, std::stop_token) { return std::string("#!/bin/sh\n"); };
  schedules_ = {schedule_of("weekly", "rate(7 days)", ScheduledWork::build)};
  schedules_[0].work.pipeline_file = pipeline_file();
  adopt();
  for (const char* version : {"1", "2"}) {
    const auto fired = fire_after(7 * 24h);
    ASSERT_THAT(fired, SizeIs(1));
    ASSERT_THAT(fired[0].run_ids, SizeIs(1)) << fired[0].detail;
    const std::string run_id = fired[0].run_ids[0];
    fixture_.product.drive(run_id);
    fixture_.product.decide(run_id, true);
    EXPECT_EQ(fixture_.product.drive(run_id).state, workflow::RunState::succeeded);
    EXPECT_EQ(fixture_.product.image(run_id).version, version);
  }
}

TEST_F(Schedules, ComplianceIsCheckedAndKept) {
  schedules_ = {schedule_of("daily", "rate(1 day)", ScheduledWork::compliance)};
  adopt();
  const auto fired = fire_after(24h);
  ASSERT_THAT(fired, SizeIs(1));
  const auto run = fixture_.product.drive(fired[0].run_ids.at(0));
  EXPECT_EQ(run.state, workflow::RunState::succeeded);
  EXPECT_EQ(run.result.at("compliant"), true);
  EXPECT_THAT(compliance_trend(context().database, 1, fixture_.clock.now()), SizeIs(1));
}

TEST_F(Schedules, MachinesAreDealtWithAsAPolicySays) {
  schedules_ = {schedule_of("hourly", "rate(1 hour)", ScheduledWork::remediate)};
  schedules_[0].work.policy_file = fixture_.directory.path() / "remediation.yaml";
  adopt();
  auto fired = fire_after(1h);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].state, FiringState::failed);
  EXPECT_THAT(fired[0].detail, HasSubstr("remediation.yaml"));
  write_file(schedules_[0].work.policy_file, "tag: golden-since\n");
  const std::string machine = context().cloud.launch_machine(
      kHome, {.image_id = fixture_.product.import_source(), .name = "raw"}, "raw", {});
  fired = fire_after(1h);
  ASSERT_THAT(fired, SizeIs(1));
  const auto run = fixture_.product.drive(fired[0].run_ids.at(0));
  EXPECT_EQ(run.state, workflow::RunState::succeeded);
  EXPECT_TRUE(context().cloud.find_machine(kHome, machine)->tags.contains("golden-since"));
}

TEST_F(Schedules, WhatIsDueByRetentionIsRetired) {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.retention.keep_versions = 1;
  fixture_.product.golden(pipeline);
  fixture_.clock.advance(1h);
  pipeline.version = "2";
  fixture_.product.golden(pipeline);
  schedules_ = {schedule_of("daily", "rate(1 day)", ScheduledWork::retire)};
  adopt();
  const auto fired = fire_after(24h);
  ASSERT_THAT(fired, SizeIs(1));
  ASSERT_THAT(fired[0].run_ids, SizeIs(1)) << fired[0].detail;
  forget_start();
  EXPECT_THAT(fire_after(kLongSilence),
              ElementsAre(testing::Field(&Firing::run_ids, fired[0].run_ids)));
  fixture_.product.drive(fired[0].run_ids[0]);
  EXPECT_EQ(fixture_.product.image("Web-1.0/Debian-12/1").state, GoldenState::deprecated);
  // Nothing is due the next day, and that is no failure.
  EXPECT_THAT(fire_after(24h), ElementsAre(testing::Field(&Firing::state, FiringState::started)));
}

TEST_F(Schedules, AreLookedAfterUntilStopped) {
  schedules_.push_back(schedule_of("odd", "cron(10 * * * ? *)"));
  std::stop_source stop;
  std::vector<std::string> told;
  keep_schedules(
      engine(), context(), schedules_,
      [&](const Firing& firing) {
        told.push_back(firing.schedule + " " + to_rfc3339(firing.due_at).substr(11, 5));
        for (const std::string& run_id : firing.run_ids) fixture_.product.drive(run_id);
        if (told.size() == 4) stop.request_stop();
      },
      stop.get_token());
  EXPECT_THAT(told, ElementsAre("odd 12:10", "hourly 13:00", "odd 13:10", "hourly 14:00"));
}

TEST(NextPatch, CountsTheLastNumber) {
  for (const auto& [version, next] :
       std::map<std::string, std::string>{{"1", "2"},
                                          {"1.0.9", "1.0.10"},
                                          {"2026-11-a", "2026-11-a.1"},
                                          {"7-007", "7-008"},
                                          {"v999", "v1000"}}) {
    EXPECT_EQ(next_patch(version), next);
  }
}

TEST_F(Schedules, PausesAndResumesAreInTheAuditLog) {
  adopt();
  pause_schedule(context(), schedules_[0], "ada");
  pause_schedule(context(), schedules_[0], "ada");
  resume_schedule(context(), schedules_[0], "grace");
  resume_schedule(context(), schedules_[0], "grace");
  std::vector<std::string> told;
  for (const audit::Entry& entry : context().audit.read(0, 100)) {
    const Json event = parse_json(entry.text, "entry");
    if (event.at("subject") != "hourly") continue;
    told.push_back(event.at("actor").get<std::string>() + " " +
                   event.at("action").get<std::string>());
  }
  EXPECT_THAT(told, ElementsAre("ada schedule.paused", "grace schedule.resumed"));
}

TEST_F(Schedules, KeepWhatPlacesMayLaunchInStep) {
  cloud::MemoryEnforcement enforcement;
  model::Pipeline pipeline = sample_pipeline();
  const GoldenImage image = fixture_.product.golden(pipeline);
  fixture_.product.drive(start_distribute(engine(), context(), image, {}));
  enforcement.settings[to_string(kChildWest)].mode = cloud::LaunchMode::audit;
  schedules_ = {schedule_of("hourly", "rate(1 hour)", ScheduledWork::prevent)};
  adopt();
  const auto refused = fire_after(1h);
  EXPECT_EQ(refused.at(0).state, FiringState::failed);
  EXPECT_THAT(refused.at(0).detail, HasSubstr("refuses no launches"));
  context().enforcement = &enforcement;
  const auto fired = fire_after(1h);
  ASSERT_EQ(fired.at(0).state, FiringState::started) << fired.at(0).detail;
  const auto run = fixture_.product.drive(fired.at(0).run_ids.at(0));
  ASSERT_EQ(run.state, workflow::RunState::succeeded) << run.error->full_text();
  EXPECT_THAT(enforcement.done, ElementsAre("rules " + to_string(kChildWest)));
  enforcement.refused = kChildAccount;
  const auto failed = fixture_.product.drive(fire_after(1h).at(0).run_ids.at(0));
  EXPECT_EQ(failed.state, workflow::RunState::failed);
}

}  // namespace
}  // namespace hallmark::pipeline
