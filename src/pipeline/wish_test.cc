#include "pipeline/wish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"
#include "pipeline/fixture.h"
#include "pipeline/placement.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using workflow::RunState;

constexpr const char* kThird = "777788889999";

std::vector<std::string> places(const std::vector<model::Target>& targets) {
  std::vector<std::string> found;
  for (const model::Target& target : targets) {
    for (const std::string& region : target.regions) {
      found.push_back(cloud::to_string(cloud::Place{target.account_id, region}) + " " +
                      std::string(model::to_string(target.delivery)));
    }
  }
  return found;
}

model::Target target(const std::string& account, const std::vector<std::string>& regions,
                     model::Delivery delivery = model::Delivery::share) {
  return {.account_id = account, .regions = regions, .delivery = delivery};
}

TEST(Targets, AreAddedOnceEach) {
  const auto both = with_targets(
      {target(kChildAccount, {"us-west-2", "eu-west-1"})},
      {target(kChildAccount, {"us-west-2"}, model::Delivery::copy), target(kThird, {"us-west-2"})});
  EXPECT_THAT(places(both),
              UnorderedElementsAre("444455556666/eu-west-1 share", "444455556666/us-west-2 copy",
                                   "777788889999/us-west-2 share"));
}

TEST(Targets, AreTakenOut) {
  const std::vector<model::Target> all = {target(kChildAccount, {"us-west-2", "eu-west-1"}),
                                          target(kThird, {"us-west-2", "eu-west-1"})};
  EXPECT_THAT(
      places(without_targets(all, {target(kChildAccount, {"us-west-2"}), target(kThird, {})})),
      ElementsAre("444455556666/eu-west-1 share"));
  EXPECT_THAT(without_targets(all, {target(kChildAccount, {}), target(kThird, {})}), IsEmpty());
  for (const model::Target& none : {target("999999999999", {}), target(kThird, {"us-east-1"})}) {
    EXPECT_EQ(error_of([&] { without_targets(all, {none}); }).kind(), ErrorKind::not_found);
  }
}

TEST(Targets, ThatCanNeverBeAreRefused) {
  auto message = [](const std::vector<model::Target>& targets) {
    const Error error = error_of([&] { check_targets(targets); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message();
  };
  EXPECT_THAT(message({target("1234", {"us-west-2"})}), HasSubstr("1234"));
  EXPECT_THAT(message({target(kThird, {})}), HasSubstr("names no region"));
  EXPECT_THAT(message({target(kThird, {"us west"})}), HasSubstr("us west"));
  EXPECT_THAT(message({target(kThird, {"us-west-2", "us-west-2"})}),
              HasSubstr("777788889999/us-west-2 is there twice"));
  EXPECT_THAT(message({target(kThird, {"us-west-2"}),
                       target(kThird, {"us-west-2"}, model::Delivery::copy)}),
              HasSubstr("777788889999/us-west-2 is there twice"));
}

class Wished : public testing::Test {
 protected:
  Fixture fixture_;
  Product& product_ = fixture_.product;
  GoldenImage image_ = product_.golden(sample_pipeline());
  const std::vector<model::Target> one_ = {target(kChildAccount, {"us-west-2"})};

  workflow::RunInfo distribute(const std::optional<std::vector<model::Target>>& targets,
                               const DistributeOptions& options = {}) {
    return product_.drive(
        start_distribute(*product_.engine, *product_.context, image_, targets, options));
  }
  std::map<std::string, std::string> presences() {
    const Wish wish = wish_of(*product_.database, image_);
    std::map<std::string, std::string> found;
    for (const PlaceCheck& check :
         check_placements(*product_.context, image_, placements(image_, wish.targets))) {
      found[cloud::to_string(check.place)] = to_string(check.presence);
    }
    return found;
  }
};

TEST_F(Wished, IsGoldenYamlUntilSomebodySaysOtherwise) {
  EXPECT_EQ(places(wish_of(*product_.database, image_).targets), places(sample_pipeline().targets));
  distribute(std::nullopt);
  EXPECT_EQ(wish_of(*product_.database, image_).wished_by, "");
  distribute(one_, {.requested_by = "grace"});
  const Wish wish = wish_of(*product_.database, image_);
  EXPECT_EQ(places(wish.targets), places(one_));
  EXPECT_EQ(wish.wished_by, "grace");
}

TEST_F(Wished, IsWhatLaterDistributionsWorkOn) {
  ASSERT_EQ(distribute(one_).state, RunState::succeeded);
  product_.cloud->unshare_image(kWest, list_targets(*product_.database, image_.run_id)[1].image_id,
                                kChildAccount);
  const int copies = fixture_.world->effects("copy_image");
  ASSERT_EQ(distribute(std::nullopt).state, RunState::succeeded);
  EXPECT_THAT(presences(), ElementsAre(Pair(cloud::to_string(kHome), "correct"),
                                       Pair(cloud::to_string(kWest), "correct"),
                                       Pair(cloud::to_string(kChildWest), "correct")));
  EXPECT_EQ(fixture_.world->effects("copy_image"), copies) << "eu-west-1 is wished no more";
}

TEST_F(Wished, LeavesAsExtraWhatIsWishedNoMoreUntilItIsPruned) {
  distribute(std::nullopt);
  distribute(without_targets(sample_pipeline().targets, {target(kChildAccount, {"eu-west-1"})}));
  EXPECT_EQ(presences().at("444455556666/eu-west-1"), "extra");
  EXPECT_EQ(presences().at("111122223333/eu-west-1"), "extra");
  EXPECT_EQ(presences().at("444455556666/us-west-2"), "correct");
  ASSERT_EQ(distribute(std::nullopt, {.prune = true}).state, RunState::succeeded);
  EXPECT_FALSE(presences().contains("444455556666/eu-west-1"));
}

TEST_F(Wished, MayBeNothing) {
  distribute(std::nullopt);
  ASSERT_EQ(distribute(std::vector<model::Target>{}, {.prune = true}).state, RunState::succeeded);
  EXPECT_THAT(presences(), ElementsAre(Pair(cloud::to_string(kHome), "correct")));
}

TEST_F(Wished, IsNotChangedByWhatIsRefused) {
  EXPECT_THROW(distribute(std::vector<model::Target>{target("12", {"us-west-2"})}), Error);
  EXPECT_EQ(wish_of(*product_.database, image_).wished_by, "");
  EXPECT_EQ(places(wish_of(*product_.database, image_).targets), places(sample_pipeline().targets));
}

class WishedForAChannel : public Wished {
 protected:
  static constexpr const char* kProd = "/GoldenAMI/Debian-12/Web-1.0/channel/prod";
  void SetUp() override {
    ASSERT_EQ(distribute(std::vector<model::Target>{target(kHomeAccount, {"us-west-2"})}).state,
              RunState::succeeded);
    ASSERT_EQ(product_
                  .drive(start_promote(*product_.engine, *product_.context, image_, "prod", "grace",
                                       false))
                  .state,
              RunState::succeeded);
  }
  std::string prod(const cloud::Place& place) {
    const auto parameter = product_.cloud->get_parameter(place, kProd);
    return parameter ? parameter->value : "";
  }
};

TEST_F(WishedForAChannel, BringsTheChannelToTheNewPlaceToo) {
  EXPECT_EQ(prod(kChildWest), "");
  ASSERT_EQ(distribute(one_).state, RunState::succeeded);
  EXPECT_EQ(prod(kChildWest), prod(kWest));
  EXPECT_NE(prod(kChildWest), "");
}

TEST_F(WishedForAChannel, MendsTheChannelsParameterButNotOverAnEdit) {
  ASSERT_EQ(distribute(one_).state, RunState::succeeded);
  product_.cloud->remove_parameter(kChildWest, kProd, 1);
  EXPECT_EQ(presences().at(cloud::to_string(kChildWest)), "incorrect");
  ASSERT_EQ(distribute(std::nullopt).state, RunState::succeeded);
  EXPECT_EQ(prod(kChildWest), prod(kWest));
  product_.cloud->put_parameter(kChildWest, kProd, "ami-0000000000000dead", 1);
  EXPECT_EQ(presences().at(cloud::to_string(kChildWest)), "incorrect");
  const workflow::RunInfo run = distribute(std::nullopt);
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("ami-0000000000000dead"));
  EXPECT_EQ(prod(kChildWest), "ami-0000000000000dead");
  ASSERT_EQ(distribute(std::nullopt, {.force = true}).state, RunState::succeeded);
  EXPECT_EQ(prod(kChildWest), prod(kWest));
}

}  // namespace
}  // namespace hallmark::pipeline
