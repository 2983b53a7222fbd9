/// Triggers that fire: once for each event, whoever sees it, and whoever dies over it.

#include "pipeline/triggers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/testing.h"
#include "base/text.h"
#include "pipeline/fixture.h"

namespace hallmark::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Longer than a claim is held for somebody who says nothing.
constexpr Duration kLongSilence = 6min;
constexpr const char* kKey = "a key of 32 bytes, or about that";

class TriggersTest : public testing::Test {
 protected:
  Context& context() { return *fixture_.product.context; }
  workflow::Engine& engine() { return *fixture_.product.engine; }
  Trigger& trigger() { return triggers_.all.front(); }
  void look() { look_at_triggers(context(), engine(), triggers_, {}); }
  std::vector<TriggerFiring> start() { return start_waiting(engine(), context(), trigger(), {}); }
  std::vector<TriggerFiring> look_after(Duration time) {
    fixture_.clock.advance(time);
    look();
    return start();
  }
  std::vector<workflow::RunInfo> runs() { return engine().list({}); }
  TriggerStanding standing() { return trigger_standing(context(), trigger(), 10); }
  void put_parameter(const std::string& value) {
    version_ = context().cloud.put_parameter(kHome, "/base", value, version_);
  }
  Trigger on_parameter() {
    return {.name = "base",
            .event = TriggerEvent::parameter,
            .every = 5min,
            .parameter = "/base",
            .region = "us-east-1"};
  }
  Trigger on_webhook() {
    return {.name = "ci", .event = TriggerEvent::webhook, .secret = "env:CI_KEY"};
  }
  WebhookCall call_at(TimePoint at, const std::string& body) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    const std::string time = std::to_string(seconds);
    return {time, "v1=" + to_hex(hmac_sha256(kKey, time + "." + body)), body};
  }
  WebhookCall call(const std::string& body = "") { return call_at(fixture_.clock.now(), body); }
  TriggerFiring take(const WebhookCall& call) {
    return take_webhook(context(), trigger(), kKey, call).firing;
  }
  std::vector<std::string> audited() {
    std::vector<std::string> actions;
    for (const audit::Entry& entry : context().audit.read(0, 1000)) {
      const Json json = parse_json(entry.text, "entry");
      const std::string action = json.at("action");
      if (action.starts_with("trigger.")) actions.push_back(action);
    }
    return actions;
  }

  Fixture fixture_;
  std::int64_t version_ = 0;
  Triggers triggers_ = {.all = {on_parameter()}};
};

TEST_F(TriggersTest, AParameterThatMovedFiresOnce) {
  put_parameter("ami-1");
  EXPECT_THAT(look_after(0min), IsEmpty()) << "what is seen first is how it is";
  EXPECT_THAT(look_after(6min), IsEmpty());
  put_parameter("ami-2");
  EXPECT_THAT(look_after(1min), IsEmpty()) << "it is looked every five minutes";
  const auto fired = look_after(5min);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].state, TriggerFiringState::started);
  ASSERT_THAT(runs(), SizeIs(1));
  EXPECT_EQ(runs()[0].workflow, "reassess");
  EXPECT_THAT(fired[0].run_ids, ElementsAre(runs()[0].run_id));
  EXPECT_THAT(look_after(6min), IsEmpty());
  EXPECT_THAT(audited(), ElementsAre("trigger.fired"));
}

TEST_F(TriggersTest, WhatCannotBeSeenIsSaidAndFiresNothing) {
  EXPECT_THAT(look_after(0min), IsEmpty());
  EXPECT_THAT(standing().problem, HasSubstr("there is no parameter /base"));
  put_parameter("ami-1");
  EXPECT_THAT(look_after(6min), IsEmpty()) << "it is seen for the first time";
  EXPECT_EQ(standing().problem, "");
  put_parameter("ami-2");
  EXPECT_THAT(look_after(6min), SizeIs(1));
}

TEST_F(TriggersTest, APausedOneSeesNothing) {
  put_parameter("ami-1");
  look();
  pause_trigger(context(), trigger(), "ada");
  put_parameter("ami-2");
  EXPECT_THAT(look_after(6min), IsEmpty());
  resume_trigger(context(), trigger(), "ada");
  EXPECT_THAT(look_after(6min), IsEmpty()) << "what happened meanwhile is not made up for";
  put_parameter("ami-3");
  EXPECT_THAT(look_after(6min), SizeIs(1));
  EXPECT_THAT(audited(), ElementsAre("trigger.paused", "trigger.resumed", "trigger.fired"));
}

TEST_F(TriggersTest, WhileARunIsOpenTheNewestWaits) {
  put_parameter("ami-1");
  look();
  put_parameter("ami-2");
  ASSERT_THAT(look_after(6min), SizeIs(1));
  put_parameter("ami-3");
  EXPECT_THAT(look_after(6min), IsEmpty());
  put_parameter("ami-4");
  EXPECT_THAT(look_after(6min), IsEmpty());
  fixture_.product.drive(runs()[0].run_id);
  const auto fired = start();
  ASSERT_THAT(fired, SizeIs(2));
  EXPECT_THAT(fired[0].event, HasSubstr("version 4"));
  EXPECT_EQ(fired[0].state, TriggerFiringState::started);
  EXPECT_EQ(fired[1].state, TriggerFiringState::skipped);
  EXPECT_THAT(runs(), SizeIs(2));
}

TEST_F(TriggersTest, OfManyWhoLookOneStarts) {
  put_parameter("ami-1");
  look();
  put_parameter("ami-2");
  fixture_.clock.advance(6min);
  constexpr int kProcesses = 4;
  std::vector<std::unique_ptr<Product>> products;
  for (int i = 0; i < kProcesses; ++i) {
    products.push_back(std::make_unique<Product>(
        fixture_.clock, fixture_.world, ProductOptions{.directory = fixture_.product.directory}));
  }
  Sync<std::vector<TriggerFiring>> all;
  {
    std::vector<std::jthread> threads;
    for (auto& product : products) {
      threads.emplace_back([&] {
        look_at_triggers(*product->context, *product->engine, triggers_, {});
        for (auto& firing : start_waiting(*product->engine, *product->context, trigger(), {})) {
          all.lock()->push_back(std::move(firing));
        }
      });
    }
  }
  EXPECT_THAT(*all.lock(), SizeIs(1));
  EXPECT_THAT(runs(), SizeIs(1));
}

TEST_F(TriggersTest, WhoDiesOverItIsMadeGoodOnce) {
  put_parameter("ami-1");
  look();
  put_parameter("ami-2");
  ASSERT_THAT(look_after(6min), SizeIs(1));
  const std::string run_id = runs()[0].run_id;
  // Dead after the start, before it could say so; meanwhile another event came.
  context().database.transaction([&](db::Connection& connection) {
    connection.execute(
        "update trigger_firings set state = 'waiting', run_ids = '[]', claimed_at = :now"
        " where state = 'started'",
        {{"now", to_rfc3339(fixture_.clock.now())}});
  });
  put_parameter("ami-3");
  EXPECT_THAT(look_after(1min), IsEmpty()) << "somebody may be about to start it";
  const auto fired = look_after(kLongSilence);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_THAT(fired[0].run_ids, ElementsAre(run_id));
  EXPECT_THAT(runs(), SizeIs(1));
  fixture_.product.drive(run_id);
  EXPECT_THAT(start(), SizeIs(1)) << "and then the other one";
  EXPECT_THAT(runs(), SizeIs(2));
}

TEST_F(TriggersTest, WhatCannotBeStartedSaysWhy) {
  trigger().work = {.starts = ScheduledWork::build,
                    .pipeline_file = fixture_.directory.path() / "nowhere.yaml"};
  put_parameter("ami-1");
  look();
  put_parameter("ami-2");
  const auto fired = look_after(6min);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].state, TriggerFiringState::failed);
  EXPECT_THAT(fired[0].detail, HasSubstr("nowhere.yaml"));
  EXPECT_THAT(audited(), ElementsAre("trigger.fired", "trigger.failed"));
}

TEST_F(TriggersTest, ASourceThatMovedBuildsTheNextVersion) {
  const Path file = fixture_.directory.path() / "golden.yaml";
  write_file(file,
             "product: Web-1.0\nos: Debian-12\nversion: \"1\"\nsource: {parameter: /base}\n"
             "build: {region: us-east-1}\n");
  trigger() = {.name = "web",
               .event = TriggerEvent::source,
               .work = {.starts = ScheduledWork::build, .pipeline_file = file}};
  put_parameter(fixture_.product.import_source());
  EXPECT_THAT(look_after(0min), IsEmpty());
  // The same image under another version of the parameter is no news.
  put_parameter(fixture_.product.import_source());
  EXPECT_THAT(look_after(1min), IsEmpty());
  put_parameter(fixture_.product.golden(sample_pipeline()).image_id);
  const auto fired = look_after(1min);
  ASSERT_THAT(fired, SizeIs(1));
  ASSERT_THAT(fired[0].run_ids, SizeIs(1)) << fired[0].detail;
  EXPECT_EQ(engine().show(fired[0].run_ids[0]).subject, "Web-1.0/Debian-12/2");
}

TEST_F(TriggersTest, ANewParentRebuildsWhatIsBuiltOnIt) {
  model::Pipeline parent = sample_pipeline();
  parent.product = "Base-1.0";
  parent.targets.clear();
  fixture_.product.golden(parent);
  model::Pipeline child = sample_pipeline();
  child.source = {.golden_image = "Base-1.0/Debian-12"};
  const GoldenImage first = fixture_.product.golden(child);
  trigger() = {.name = "cascade",
               .event = TriggerEvent::golden_image,
               .work = {.starts = ScheduledWork::rebuild, .golden_image = "Base-1.0/Debian-12"},
               .golden_image = "Base-1.0/Debian-12"};
  EXPECT_THAT(look_after(0min), IsEmpty());
  fixture_.clock.advance(1h);
  parent.version = "2";
  const GoldenImage base = fixture_.product.golden(parent);
  const auto fired = look_after(1min);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].event, "Base-1.0/Debian-12/2");
  ASSERT_THAT(fired[0].run_ids, SizeIs(1)) << fired[0].detail;
  const workflow::RunInfo run = fixture_.product.drive(fired[0].run_ids[0]);
  EXPECT_EQ(run.subject, "Web-1.0/Debian-12/2");
  EXPECT_EQ(run.state, workflow::RunState::waiting) << "it goes through approval";
  fixture_.product.decide(run.run_id, true);
  fixture_.product.drive(run.run_id);
  EXPECT_EQ(fixture_.product.image("Web-1.0/Debian-12").source_image_id, base.image_id);
  // Rebuilt already, whatever says so again.
  const auto again = start_work(engine(), context(), trigger().work, "ada", "again", {});
  EXPECT_THAT(again.run_ids, IsEmpty());
  EXPECT_THAT(again.problems, IsEmpty());
}

TEST_F(TriggersTest, OtherAdvisoriesFire) {
  std::string digest = "one";
  triggers_.advisories = [&] { return digest; };
  trigger() = {.name = "advisories", .event = TriggerEvent::advisories};
  EXPECT_THAT(look_after(0min), IsEmpty());
  digest = "two";
  EXPECT_THAT(look_after(1min), SizeIs(1));
  fixture_.product.drive(runs()[0].run_id);
  digest = "one";
  EXPECT_THAT(look_after(1min), IsEmpty()) << "seen before";
}

class WebhookTest : public TriggersTest {
 protected:
  WebhookTest() { trigger() = on_webhook(); }
};

TEST_F(WebhookTest, ASignedRequestFiresOnce) {
  const TriggerFiring taken = take(call(R"({"event": "commit-1"})"));
  EXPECT_EQ(taken.event, "commit-1");
  EXPECT_EQ(taken.state, TriggerFiringState::waiting);
  ASSERT_THAT(start(), SizeIs(1));
  fixture_.clock.advance(2s);
  // Signed anew, of the same event: what came of it.
  const TriggerFiring again = take(call(R"({"event": "commit-1"})"));
  EXPECT_EQ(again.state, TriggerFiringState::started);
  EXPECT_THAT(again.run_ids, ElementsAre(runs()[0].run_id));
  EXPECT_THAT(start(), IsEmpty());
  EXPECT_THAT(runs(), SizeIs(1));
}

TEST_F(WebhookTest, AReplayIsRefused) {
  const WebhookCall signed_once = call();
  take(signed_once);
  EXPECT_EQ(error_of([&] { take(signed_once); }).kind(), ErrorKind::conflict);
  fixture_.clock.advance(4min);
  EXPECT_EQ(error_of([&] { take(signed_once); }).kind(), ErrorKind::conflict);
  fixture_.clock.advance(2min);
  EXPECT_EQ(error_of([&] { take(signed_once); }).kind(), ErrorKind::denied) << "too old";
  // Signed for the future it is good for longer, and remembered for longer.
  const WebhookCall early = call_at(fixture_.clock.now() + 290s, "");
  take(early);
  fixture_.clock.advance(9min);
  EXPECT_EQ(error_of([&] { take(early); }).kind(), ErrorKind::conflict);
  EXPECT_EQ(error_of([&] { take(call_at(fixture_.clock.now() + 301s, "")); }).kind(),
            ErrorKind::denied);
}

TEST_F(WebhookTest, WhatIsNotSignedIsRefused) {
  WebhookCall wrong = call("{}");
  wrong.body = "{ }";
  EXPECT_EQ(error_of([&] { take(wrong); }).kind(), ErrorKind::denied);
  wrong = call();
  wrong.timestamp += "0";
  EXPECT_EQ(error_of([&] { take(wrong); }).kind(), ErrorKind::denied);
  wrong = call();
  wrong.signature.pop_back();
  EXPECT_EQ(error_of([&] { take(wrong); }).kind(), ErrorKind::denied);
  EXPECT_EQ(error_of([&] { take_webhook(context(), trigger(), "", call()); }).kind(),
            ErrorKind::denied);
  EXPECT_THAT(standing().firings, IsEmpty());
}

TEST_F(WebhookTest, ABodyThatIsNoneIsRefused) {
  for (const char* body : {"[1]", "{", R"({"event": ""})", R"({"event": 7})", R"({"event": "a b"})",
                           "{\"event\": \"a\\nb\"}"}) {
    EXPECT_EQ(error_of([&] { take(call(body)); }).kind(), ErrorKind::usage) << body;
  }
  EXPECT_EQ(error_of([&] {
              take(call(compact(Json{{"event", std::string(201, 'x')}})));
            }).kind(),
            ErrorKind::usage);
  EXPECT_THAT(standing().firings, IsEmpty());
}

TEST_F(WebhookTest, APausedOneTakesNothing) {
  pause_trigger(context(), trigger(), "ada");
  const WebhookCall later = call();
  EXPECT_EQ(error_of([&] { take(later); }).kind(), ErrorKind::conflict);
  resume_trigger(context(), trigger(), "ada");
  EXPECT_EQ(take(later).state, TriggerFiringState::waiting) << "it was not taken before";
}

}  // namespace
}  // namespace hallmark::pipeline
