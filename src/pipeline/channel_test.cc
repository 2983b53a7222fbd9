#include "pipeline/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/leftovers.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using workflow::RunState;

const Channel kProd{"Web-1.0", "Debian-12", "prod"};
constexpr const char* kProdParameter = "/GoldenAMI/Debian-12/Web-1.0/channel/prod";

TEST(ChannelName, IsCheckedBeforeItIsAPath) {
  for (const char* name : {"prod", "dev-2", "0", "a"}) EXPECT_NO_THROW(check_channel_name(name));
  check_channel_name(std::string(32, 'a'));
  for (const std::string& name :
       {std::string(), std::string("latest"), std::string("Prod"), std::string("-a"),
        std::string("a/b"), std::string("a b"), std::string("a_b"), std::string("pröd"),
        std::string("a\n"), std::string("a\0b", 3), std::string(33, 'a')}) {
    EXPECT_EQ(kind_of([&] { check_channel_name(name); }), ErrorKind::usage) << name;
  }
  EXPECT_EQ(channel_from("Web-1.0/Debian-12/prod"), kProd);
  EXPECT_EQ(to_string(kProd), "Web-1.0/Debian-12/prod");
  for (const char* reference : {"", "prod", "Web-1.0/prod", "/Debian-12/prod", "Web-1.0//prod",
                                "Web-1.0/Debian-12/", "Web-1.0/Debian-12/prod/1"}) {
    EXPECT_EQ(kind_of([&] { channel_from(reference); }), ErrorKind::usage) << reference;
  }
}

ChannelMove move(ChannelAction action, const std::string& to) {
  return {.channel = kProd, .action = action, .to_run_id = to};
}

TEST(ChannelMoves, SayWhatItHoldsAndWhatItHeld) {
  using enum ChannelAction;
  std::vector<ChannelMove> moves;
  EXPECT_EQ(held_by(moves), "");
  EXPECT_THAT(earlier_in(moves), IsEmpty());
  moves = {move(promote, "1"), move(promote, "2"), move(promote, "3")};
  EXPECT_EQ(held_by(moves), "3");
  EXPECT_THAT(earlier_in(moves), ElementsAre("2", "1"));
  moves.push_back(move(rollback, "2"));
  EXPECT_EQ(held_by(moves), "2");
  EXPECT_THAT(earlier_in(moves), ElementsAre("1")) << "not back to what was rolled back";
  moves.push_back(move(promote, "4"));
  EXPECT_THAT(earlier_in(moves), ElementsAre("2", "1"));
  moves.push_back(move(leave, ""));
  EXPECT_EQ(held_by(moves), "");
  EXPECT_THAT(earlier_in(moves), ElementsAre("4", "2", "1")) << "the one that left is not active";
}

class Channels : public testing::Test {
 protected:
  /// Called before and after each cloud call.
  std::function<void(const std::string&)> at_cloud_ = [](const std::string&) {};
  Fixture fixture_{{.cloud_point = [this](const std::string& point) { at_cloud_(point); }}};
  Product& product_ = fixture_.product;
  cloud::Cloud& cloud_ = *product_.cloud;
  Context& context_ = *product_.context;
  GoldenImage first_ = version("1");

  /// Built and brought to all five places.
  GoldenImage version(const std::string& number) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.version = number;
    const GoldenImage image = product_.golden(pipeline);
    const auto run = product_.drive(start_distribute(*product_.engine, context_, image, {}));
    EXPECT_EQ(run.state, RunState::succeeded);
    return image;
  }
  workflow::RunInfo promote_to_prod(const GoldenImage& image, bool force = false) {
    return product_.drive(start_promote(*product_.engine, context_, image, "prod", "grace", force));
  }
  workflow::RunInfo roll_back(bool force = false) {
    return product_.drive(start_rollback(*product_.engine, context_, kProd, "ada", force));
  }
  std::string value(const cloud::Place& place) {
    const auto parameter = cloud_.get_parameter(place, kProdParameter);
    return parameter ? parameter->value : "(none)";
  }
  void expect_everywhere(const GoldenImage& image) {
    const auto targets = list_targets(*product_.database, image.run_id);
    ASSERT_THAT(targets, SizeIs(5));
    for (const ImageTarget& target : targets) {
      EXPECT_EQ(value(target.place), target.image_id) << cloud::to_string(target.place);
    }
    for (const ChannelCheck& check : check_channel(context_, kProd)) {
      EXPECT_EQ(to_string(check.presence), "correct") << check.problem;
    }
  }
  void edit(const cloud::Place& place, const std::string& text) {
    const auto present = cloud_.get_parameter(place, kProdParameter);
    cloud_.put_parameter(place, kProdParameter, text, present ? present->version : 0);
  }
  ChannelCheck check_of(const cloud::Place& place) {
    for (const ChannelCheck& check : check_channel(context_, kProd)) {
      if (check.place == place) return check;
    }
    return {};
  }
  std::vector<std::string> audited() {
    std::vector<std::string> told;
    for (const audit::Entry& entry : product_.audit->read(0, 10'000)) {
      const Json text = Json::parse(entry.text);
      if (text.at("action").get<std::string>().starts_with("channel.")) {
        told.push_back(text.at("actor").get<std::string>() + " " +
                       text.at("action").get<std::string>() + " " +
                       text.at("subject").get<std::string>());
      }
    }
    return told;
  }
};

TEST_F(Channels, HoldEachPlacesOwnId) {
  ASSERT_EQ(promote_to_prod(first_).state, RunState::succeeded);
  expect_everywhere(first_);
  EXPECT_NE(value(kHome), value(kWest));
  const auto moves = list_moves(*product_.database, kProd);
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_EQ(moves[0].to_key, first_.image_key);
  EXPECT_EQ(moves[0].from_key, "");
  EXPECT_EQ(moves[0].moved_by, "grace");
  EXPECT_THAT(audited(), ElementsAre("grace channel.promote Web-1.0/Debian-12/prod"));
  EXPECT_THAT(channels_of(*product_.database, first_.run_id), ElementsAre(kProd));
}

TEST_F(Channels, MoveOnAndBackThroughWhatIsStillActive) {
  const GoldenImage second = version("2");
  const GoldenImage third = version("3");
  const GoldenImage fourth = version("4");
  for (const GoldenImage& image : {first_, second, third, fourth}) {
    ASSERT_EQ(promote_to_prod(image).state, RunState::succeeded);
    expect_everywhere(image);
  }
  ASSERT_EQ(roll_back().state, RunState::succeeded);
  expect_everywhere(third);
  EXPECT_THAT(channels_of(*product_.database, fourth.run_id), IsEmpty());
  const auto gone = product_.drive(start_decommission(*product_.engine, context_, second, false));
  ASSERT_EQ(gone.state, RunState::succeeded) << gone.error->full_text();
  ASSERT_EQ(roll_back().state, RunState::succeeded);
  expect_everywhere(first_);
  const Error error = error_of([&] { roll_back(); });
  EXPECT_EQ(error.kind(), ErrorKind::conflict);
  EXPECT_THAT(error.full_text(), HasSubstr("no earlier version"));
  const auto moves = list_moves(*product_.database, kProd);
  ASSERT_THAT(moves, SizeIs(6));
  EXPECT_EQ(moves[5].from_key, third.image_key);
  EXPECT_EQ(moves[5].to_key, first_.image_key);
  EXPECT_EQ(moves[5].moved_by, "ada");
}

TEST_F(Channels, TakeOnlyWhatIsActiveAndNamesThatAreNames) {
  EXPECT_EQ(
      kind_of([&] { start_promote(*product_.engine, context_, first_, "latest", "x", false); }),
      ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { roll_back(); }), ErrorKind::not_found);
  GoldenImage building = first_;
  building.state = GoldenState::awaiting_approval;
  EXPECT_EQ(kind_of([&] { promote_to_prod(building); }), ErrorKind::conflict);
  // And when it stopped being active after the run was recorded.
  const std::string run_id =
      start_promote(*product_.engine, context_, first_, "prod", "grace", false);
  change_image(context_, first_.run_id, {.state = GoldenState::decommissioning});
  EXPECT_EQ(product_.drive(run_id).state, RunState::failed);
  EXPECT_THAT(list_moves(*product_.database, kProd), IsEmpty());
  EXPECT_EQ(value(kHome), "(none)");
}

TEST_F(Channels, LeaveWhatSomebodyEditedUnlessForced) {
  promote_to_prod(first_);
  const GoldenImage second = version("2");
  edit(kWest, "ami-0000000000000dead");
  EXPECT_EQ(check_of(kWest).problem, "it was edited by hand");
  const auto run = promote_to_prod(second);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_EQ(run.error->kind(), ErrorKind::conflict);
  EXPECT_THAT(run.error->full_text(), HasSubstr("111122223333/us-west-2: "));
  EXPECT_THAT(run.error->full_text(), HasSubstr("ami-0000000000000dead"));
  EXPECT_THAT(run.error->full_text(), HasSubstr("--force"));
  EXPECT_EQ(value(kWest), "ami-0000000000000dead");
  EXPECT_EQ(value(kHome), second.image_id) << "the others are set";
  ASSERT_EQ(promote_to_prod(second, true).state, RunState::succeeded);
  expect_everywhere(second);
  EXPECT_THAT(list_moves(*product_.database, kProd), SizeIs(2)) << "mending is no move";
}

TEST_F(Channels, LeaveAParameterThatWasThereBefore) {
  edit(kHome, first_.source_image_id);
  EXPECT_EQ(promote_to_prod(first_).state, RunState::failed);
  EXPECT_EQ(value(kHome), first_.source_image_id);
  EXPECT_EQ(promote_to_prod(first_, true).state, RunState::succeeded);
}

TEST_F(Channels, TakeBackAnEarlierIdThatSomebodyPutThere) {
  const GoldenImage second = version("2");
  promote_to_prod(first_);
  promote_to_prod(second);
  edit(kHome, first_.image_id);
  EXPECT_EQ(check_of(kHome).problem, "it was edited by hand");
  EXPECT_EQ(promote_to_prod(second).state, RunState::failed);
  EXPECT_EQ(value(kHome), first_.image_id);
}

TEST_F(Channels, NameAPlaceThatCannotBeReachedAndSetTheOthers) {
  fixture_.world->fail("put_parameter", 1, Error(ErrorKind::denied, "no such role"));
  const auto run = promote_to_prod(first_);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("1 of 5 places"));
  EXPECT_THAT(run.error->full_text(), HasSubstr("no such role"));
  std::size_t set = 0;
  for (const ChannelCheck& check : check_channel(context_, kProd)) {
    set += check.presence == Presence::correct;
  }
  EXPECT_EQ(set, 4u);
  ASSERT_EQ(promote_to_prod(first_).state, RunState::succeeded) << "repeating mends";
  expect_everywhere(first_);
}

TEST_F(Channels, ReadAgainWhenSomebodyWritesInBetween) {
  std::atomic<bool> done = false;
  at_cloud_ = [&](const std::string& point) {
    if (!point.starts_with("put_parameter") || !point.ends_with("before")) return;
    if (done.exchange(true)) return;
    for (const ImageTarget& target : list_targets(*product_.database, first_.run_id)) {
      edit(target.place, "ami-0000000000000dead");
    }
  };
  const auto run = promote_to_prod(first_);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_TRUE(done);
  EXPECT_THAT(run.error->full_text(), HasSubstr("which Hallmark did not write"));
}

TEST_F(Channels, RefuseASecondMoveBesideTheFirst) {
  start_promote(*product_.engine, context_, first_, "prod", "grace", false);
  EXPECT_EQ(kind_of([&] { promote_to_prod(first_); }), ErrorKind::conflict);
  start_promote(*product_.engine, context_, first_, "dev", "grace", false);
}

/// As another process would that did not see ours: past the check for runs beside it.
TEST_F(Channels, AnOvertakenPromotionStops) {
  const GoldenImage second = version("2");
  std::atomic<bool> done = false;
  at_cloud_ = [&](const std::string& point) {
    if (!point.starts_with("get_parameter") || !point.ends_with("after")) return;
    if (done.exchange(true)) return;
    const Json input = {{"channel", to_string(kProd)},
                        {"rollback", false},
                        {"image_run_id", second.run_id},
                        {"image_key", second.image_key},
                        {"from_run_id", ""},
                        {"requested_by", "ada"},
                        {"force", false}};
    product_.drive(product_.engine->start("promote", "beside", input));
  };
  const auto run = promote_to_prod(first_);
  ASSERT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("does not hold Web-1.0/Debian-12/1 any more"));
  expect_everywhere(second);
}

TEST_F(Channels, ARollbackStartsFromWhatWasSeen) {
  const GoldenImage second = version("2");
  promote_to_prod(first_);
  promote_to_prod(second);
  const std::string run_id = start_rollback(*product_.engine, context_, kProd, "ada", false);
  const GoldenImage third = version("3");
  const Json input = {{"channel", to_string(kProd)},
                      {"rollback", false},
                      {"image_run_id", third.run_id},
                      {"image_key", third.image_key},
                      {"from_run_id", ""},
                      {"requested_by", "ada"},
                      {"force", false}};
  product_.drive(product_.engine->start("promote", "beside", input));
  EXPECT_EQ(product_.drive(run_id).state, RunState::failed);
  expect_everywhere(third);
}

TEST_F(Channels, KeepTheVersionBeforeWhereTheNextIsNot) {
  promote_to_prod(first_);
  model::Pipeline pipeline = sample_pipeline();
  pipeline.version = "2";
  const GoldenImage second = product_.golden(pipeline);
  ASSERT_EQ(promote_to_prod(second).state, RunState::succeeded);
  EXPECT_EQ(value(kHome), second.image_id);
  EXPECT_EQ(check_of(kWest).presence, Presence::extra);
  EXPECT_THAT(check_of(kWest).problem, HasSubstr("it still has Web-1.0/Debian-12/1"));
  EXPECT_THAT(channels_of(*product_.database, first_.run_id), ElementsAre(kProd))
      << "machines there still launch it";
}

TEST_F(Channels, ArePrunedWithThePlace) {
  promote_to_prod(first_);
  const auto run = product_.drive(start_distribute(
      *product_.engine, context_, first_,
      std::vector<model::Target>{{.account_id = kHomeAccount, .regions = {"us-east-1"}}},
      {.prune = true}));
  ASSERT_EQ(run.state, RunState::succeeded) << run.error->full_text();
  EXPECT_EQ(value(kHome), first_.image_id);
  EXPECT_EQ(value(kWest), "(none)");
  EXPECT_EQ(value(kChildWest), "(none)");
  EXPECT_THAT(check_channel(context_, kProd), SizeIs(1));
}

class LeavingChannels : public Channels {
 protected:
  /// What decommission does of it.
  std::vector<std::string> leave(const GoldenImage& image) {
    std::vector<std::string> failures;
    workflow::Engine engine(*product_.database, fixture_.clock,
                            {{"leave", 1,
                              [&](workflow::Run& run) {
                                failures = leave_channels(context_, image, run);
                                return Json();
                              }}},
                            {.log_directory = product_.directory / "runs"});
    const auto run = engine.drive(engine.start("leave", "x", {}), Duration{48 * 3600'000}, {});
    EXPECT_EQ(run.state, RunState::succeeded) << (run.error ? run.error->full_text() : "");
    return failures;
  }
};

TEST_F(LeavingChannels, RemovesTheParametersAndHoldsNothing) {
  const GoldenImage second = version("2");
  promote_to_prod(first_);
  promote_to_prod(second);
  EXPECT_THAT(find_leftovers(context_, second), testing::Contains(HasSubstr("channel/prod")));
  EXPECT_THAT(leave(second), IsEmpty());
  for (const ImageTarget& target : list_targets(*product_.database, second.run_id)) {
    EXPECT_EQ(value(target.place), "(none)");
  }
  EXPECT_THAT(channels_of(*product_.database, second.run_id), IsEmpty());
  const auto moves = list_moves(*product_.database, kProd);
  EXPECT_EQ(moves.back().from_key, second.image_key);
  EXPECT_EQ(moves.back().to_key, "");
  EXPECT_THAT(leave(second), IsEmpty()) << "repeating changes nothing";
  EXPECT_THAT(list_moves(*product_.database, kProd), SizeIs(3));
  change_image(context_, second.run_id, {.state = GoldenState::decommissioned});
  ASSERT_EQ(roll_back().state, RunState::succeeded);
  expect_everywhere(first_);
}

TEST_F(LeavingChannels, LeavesAloneWhatIsNotItsOwn) {
  promote_to_prod(first_);
  edit(kHome, "ami-0000000000000dead");
  EXPECT_THAT(leave(first_), IsEmpty());
  EXPECT_EQ(value(kHome), "ami-0000000000000dead");
  EXPECT_EQ(value(kWest), "(none)");
}

TEST_F(LeavingChannels, NamesWhatItCouldNotReach) {
  promote_to_prod(first_);
  fixture_.world->fail("remove_parameter", 1, Error(ErrorKind::denied, "no such role"));
  EXPECT_THAT(leave(first_), ElementsAre(HasSubstr("no such role")));
  EXPECT_THAT(channels_of(*product_.database, first_.run_id), ElementsAre(kProd));
  EXPECT_THAT(leave(first_), IsEmpty());
  EXPECT_THAT(channels_of(*product_.database, first_.run_id), IsEmpty());
}

TEST_F(LeavingChannels, DecommissioningIsRefusedWhileAChannelHoldsIt) {
  promote_to_prod(first_);
  const Error error =
      error_of([&] { start_decommission(*product_.engine, context_, first_, false); });
  EXPECT_EQ(error.kind(), ErrorKind::conflict);
  EXPECT_THAT(error.full_text(), HasSubstr("Web-1.0/Debian-12/prod"));
}

}  // namespace
}  // namespace hallmark::pipeline
