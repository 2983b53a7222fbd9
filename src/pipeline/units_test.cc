/// Targets that are organizations and units of them, and accounts that cannot be used.

#include "pipeline/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "model/product_template.h"
#include "pipeline/accounts_let_go.h"
#include "pipeline/catalog.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/image_users.h"
#include "pipeline/names.h"
#include "pipeline/placement.h"
#include "pipeline/wish.h"

namespace hallmark::pipeline {
namespace {

using cloud::AccountState;
using cloud::Place;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kOrganization =
    "arn:aws:organizations::111122223333:organization/o-exampleorgid";
constexpr const char* kWebUnit =
    "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-webteams1";
constexpr const char* kDataUnit =
    "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-datateams";
constexpr const char* kOne = "444455556666";
constexpr const char* kTwo = "555566667777";
constexpr const char* kThree = "666677778888";

class UnitsTest : public ::testing::Test {
 protected:
  UnitsTest() : UnitsTest(ProductOptions{}) {}
  explicit UnitsTest(ProductOptions options) : fixture_(std::move(options)) {
    fixture_.world->change_units([](cloud::UnitList& units) {
      units.accounts = {{kWebUnit, {kOne, kTwo}}, {kDataUnit, {kThree}}};
    });
  }

  static model::Target unit(const char* arn, std::vector<std::string> regions = {"us-west-2"},
                            model::Delivery delivery = model::Delivery::share) {
    model::Target target{.account_id = "", .regions = std::move(regions), .delivery = delivery};
    target.unit = arn;
    return target;
  }
  static model::Pipeline pipeline_to(std::vector<model::Target> targets) {
    model::Pipeline pipeline = sample_pipeline();
    pipeline.targets = std::move(targets);
    return pipeline;
  }
  /// Built and distributed. Throws what distributing ends with.
  GoldenImage golden(const model::Pipeline& pipeline) {
    GoldenImage image = fixture_.product.golden(pipeline);
    const workflow::RunInfo run = distribute(image);
    if (run.error) throw *run.error;
    return image;
  }
  workflow::RunInfo distribute(const GoldenImage& image,
                               std::optional<std::vector<model::Target>> targets = {},
                               bool prune = false) {
    return fixture_.product.drive(start_distribute(
        *fixture_.product.engine, *fixture_.product.context, image, targets, {.prune = prune}));
  }
  workflow::RunInfo decommission(const GoldenImage& image) {
    return fixture_.product.drive(
        start_decommission(*fixture_.product.engine, *fixture_.product.context, image, false));
  }
  std::vector<std::string> shares() {
    return fixture_.product.cloud->list_shares(kWest, published(kWest));
  }
  std::string published(const Place& place) {
    auto parameter = fixture_.product.cloud->get_parameter(place, kVersionParameter);
    return parameter ? parameter->value : "";
  }
  void set_state(const char* account, AccountState state) {
    fixture_.world->change_units([&](cloud::UnitList& units) { units.states[account] = state; });
  }
  std::map<std::string, Presence> unit_checks(const GoldenImage& image) {
    std::map<std::string, Presence> found;
    const auto wish = wish_of(*fixture_.product.database, image);
    for (const PlaceCheck& check :
         check_unit_shares(*fixture_.product.context, image, unit_shares(wish.targets), {})) {
      found[cloud::to_string(check.place)] = check.presence;
    }
    return found;
  }
  std::string where(const char* arn) { return std::string(arn) + "/us-west-2"; }

  Fixture fixture_;
};

TEST_F(UnitsTest, AUnitIsOneShareAndEachOfItsAccountsGetsItsParameters) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  EXPECT_THAT(shares(), ElementsAre(kWebUnit));
  EXPECT_EQ(published({kOne, "us-west-2"}), published(kWest));
  EXPECT_EQ(published({kTwo, "us-west-2"}), published(kWest));
  EXPECT_EQ(published({kThree, "us-west-2"}), "");
  EXPECT_EQ(find_target(*fixture_.product.database, image.run_id, {kOne, "us-west-2"})->unit,
            kWebUnit);
  EXPECT_TRUE(fixture_.product.cloud->find_image({kTwo, "us-west-2"}, published(kWest)));

  EXPECT_FALSE(decommission(image).error);
  EXPECT_THAT(fixture_.world->leftovers(), Not(Contains(HasSubstr("Web-1.0"))));
}

TEST_F(UnitsTest, AnOrganizationHasTheAccountsOfAllItsUnits) {
  golden(pipeline_to({unit(kOrganization)}));
  EXPECT_THAT(shares(), ElementsAre(kOrganization));
  for (const char* account : {kOne, kTwo, kThree}) {
    EXPECT_EQ(published({account, "us-west-2"}), published(kWest)) << account;
  }
}

TEST_F(UnitsTest, CopiesAreMadeByEachAccountFromAShareOfItsOwn) {
  golden(pipeline_to({unit(kWebUnit, {"us-west-2"}, model::Delivery::copy)}));
  EXPECT_THAT(shares(), IsEmpty());
  const std::string copy = published({kOne, "us-west-2"});
  EXPECT_NE(copy, published(kWest));
  EXPECT_EQ(fixture_.product.cloud->find_image({kOne, "us-west-2"}, copy)->owner_id, kOne);
}

TEST_F(UnitsTest, WhoJoinsGetsTheImageAndWhoLeavesLosesIt) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  fixture_.world->change_units([](cloud::UnitList& units) {
    units.accounts[kWebUnit] = {kTwo, kThree};
  });
  const workflow::RunInfo run = distribute(image);
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_EQ(published({kThree, "us-west-2"}), published(kWest));
  EXPECT_EQ(published({kTwo, "us-west-2"}), published(kWest));
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  EXPECT_THAT(read_latest(*fixture_.product.cloud, {kOne, "us-west-2"}), IsEmpty());
  EXPECT_EQ(find_target(*fixture_.product.database, image.run_id, {kOne, "us-west-2"})->state,
            TargetState::removed);
}

TEST_F(UnitsTest, ReassessingSeesWhoJoinedAndLeftAndDistributesAnew) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  auto reassessed = [&] {
    const workflow::RunInfo run =
        fixture_.product.drive(start_reassess(*fixture_.product.engine, *fixture_.product.context));
    EXPECT_FALSE(run.error);
    return run.result.at("images").at(0).at("members");
  };
  EXPECT_FALSE(reassessed().contains("run_id"));
  fixture_.world->change_units([](cloud::UnitList& units) {
    units.accounts[kWebUnit] = {kTwo, kThree};
  });
  const Json members = reassessed();
  EXPECT_EQ(members.at("joined"), Json::array({std::string(kThree) + "/us-west-2"}));
  EXPECT_EQ(members.at("left"), Json::array({std::string(kOne) + "/us-west-2"}));
  EXPECT_FALSE(fixture_.product.drive(members.at("run_id")).error);
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  EXPECT_EQ(published({kThree, "us-west-2"}), published(kWest));
}

TEST_F(UnitsTest, WhatIsNamedItselfStaysWhenItLeavesTheUnit) {
  const GoldenImage image =
      golden(pipeline_to({unit(kWebUnit), {.account_id = kOne, .regions = {"us-west-2"}}}));
  EXPECT_THAT(shares(), ElementsAre(kOne, kWebUnit));
  fixture_.world->change_units([](cloud::UnitList& units) { units.accounts[kWebUnit] = {kTwo}; });
  EXPECT_FALSE(distribute(image).error);
  EXPECT_EQ(published({kOne, "us-west-2"}), published(kWest));
}

TEST_F(UnitsTest, ACopyInUseStaysWithTheAccountThatLeft) {
  const GoldenImage image =
      golden(pipeline_to({unit(kWebUnit, {"us-west-2"}, model::Delivery::copy)}));
  const Place one{kOne, "us-west-2"};
  const std::string copy = published(one);
  const std::string machine =
      fixture_.product.cloud->launch_machine(one, {.image_id = copy, .name = "web"}, "m", {});
  fixture_.world->change_units([](cloud::UnitList& units) { units.accounts[kWebUnit] = {kTwo}; });
  const workflow::RunInfo run = distribute(image);
  ASSERT_TRUE(run.error);
  EXPECT_THAT(run.error->full_text(), HasSubstr("in use by machine " + machine));
  EXPECT_TRUE(fixture_.product.cloud->find_image(one, copy));

  fixture_.product.cloud->remove_machine(one, machine);
  EXPECT_FALSE(distribute(image).error);
  EXPECT_FALSE(fixture_.product.cloud->find_image(one, copy));
}

TEST_F(UnitsTest, SuspendedAndClosedAccountsAreLeftOutAndSaid) {
  set_state(kOne, AccountState::suspended);
  set_state(kTwo, AccountState::closed);
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  const workflow::RunInfo run = distribute(image);
  EXPECT_FALSE(run.error);
  EXPECT_EQ(run.result.at("left_out").size(), 2u);
  EXPECT_EQ(run.result.at("left_out").at(0).at("why"), "is suspended");
  EXPECT_EQ(run.result.at("left_out").at(1).at("why"), "is closed");
}

TEST_F(UnitsTest, WhoIsSuspendedKeepsWhatItHas) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  set_state(kOne, AccountState::suspended);
  EXPECT_FALSE(distribute(image, {}, true).error);
  EXPECT_EQ(published({kOne, "us-west-2"}), published(kWest));
}

TEST_F(UnitsTest, NobodyLosesWhatIsThereWhileTheUnitCannotBeRead) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  fixture_.world->fail("list_members", 1, Error(ErrorKind::denied, "not for you"));
  fixture_.world->fail("list_members", 1, Error(ErrorKind::denied, "not for you"));
  const workflow::RunInfo run = distribute(image, {}, true);
  ASSERT_TRUE(run.error);
  EXPECT_THAT(run.error->full_text(), HasSubstr("its accounts are unknown: not for you"));
  EXPECT_EQ(published({kOne, "us-west-2"}), published(kWest));
  EXPECT_THAT(shares(), ElementsAre(kWebUnit));
}

TEST_F(UnitsTest, DriftOfSharesWithUnitsIsSeenAndMended) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  EXPECT_THAT(unit_checks(image), Contains(std::pair(where(kWebUnit), Presence::correct)));
  const std::string id = published(kWest);
  fixture_.product.cloud->unshare_image(kWest, id, kWebUnit);
  fixture_.product.cloud->share_image(kWest, id, kDataUnit);
  EXPECT_THAT(unit_checks(image), AllOf(Contains(std::pair(where(kWebUnit), Presence::missing)),
                                        Contains(std::pair(where(kDataUnit), Presence::extra))));
  EXPECT_FALSE(distribute(image, {}, true).error);
  EXPECT_THAT(shares(), ElementsAre(kWebUnit));
}

TEST_F(UnitsTest, RemovingAUnitWithPruneTakesItFromItsAccounts) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit), unit(kDataUnit)}));
  EXPECT_FALSE(distribute(image, std::vector{unit(kDataUnit)}, true).error);
  EXPECT_THAT(shares(), ElementsAre(kDataUnit));
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  EXPECT_EQ(published({kThree, "us-west-2"}), published(kWest));
}

TEST_F(UnitsTest, RestoringSharesWithTheUnitAgainAndReadsWhoIsInIt) {
  GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  const std::string id = published(kWest);
  EXPECT_FALSE(fixture_.product
                   .drive(start_retire(*fixture_.product.engine, *fixture_.product.context, image,
                                       RetirementStage::disable, "test", false))
                   .error);
  EXPECT_THAT(fixture_.product.cloud->list_shares(kWest, id), IsEmpty());
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  fixture_.world->change_units([](cloud::UnitList& units) {
    units.accounts[kWebUnit] = {kTwo, kThree};
  });
  image = fixture_.product.image(image.run_id);
  const workflow::RunInfo run = fixture_.product.drive(start_restore(
      *fixture_.product.engine, *fixture_.product.context, image, Duration{3600'000}));
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_THAT(shares(), ElementsAre(kWebUnit));
  EXPECT_EQ(published({kTwo, "us-west-2"}), id);
  EXPECT_EQ(published({kThree, "us-west-2"}), id);
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
}

class EncryptedUnitsTest : public UnitsTest {
 protected:
  static ProductOptions with_keys() {
    ProductOptions options;
    options.cloud.keys = {"alias/open", "alias/narrow"};
    options.cloud.open_keys = {"alias/open"};
    return options;
  }
  EncryptedUnitsTest() : UnitsTest(with_keys()) {}
  model::Pipeline encrypted(const char* key) {
    model::Pipeline pipeline = pipeline_to({unit(kWebUnit)});
    pipeline.image.kms_keys = {{"us-west-2", key}};
    return pipeline;
  }
};

TEST_F(EncryptedUnitsTest, AnOpenKeyTakesNoGrants) {
  golden(encrypted("alias/open"));
  EXPECT_THAT(fixture_.product.cloud->list_key_grants(kWest, "alias/open", published(kWest)),
              IsEmpty());
  EXPECT_EQ(published({kOne, "us-west-2"}), published(kWest));
}

TEST_F(EncryptedUnitsTest, AKeyThatIsNotOpenToTheUnitIsSaidAndNothingIsShared) {
  GoldenImage image;
  try {
    golden(encrypted("alias/narrow"));
    FAIL() << "it was shared";
  } catch (const Error& e) {
    EXPECT_THAT(e.full_text(), HasSubstr("the policy of the key alias/narrow"));
    EXPECT_THAT(e.full_text(), HasSubstr("it is not shared with"));
  }
  EXPECT_THAT(shares(), IsEmpty());
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
}

TEST_F(UnitsTest, AnAccountThatRefusesIsToldHowItStands) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  const Error refusal(ErrorKind::denied, "no role");
  fixture_.world->refuse_account(kOne, refusal);
  EXPECT_THAT(distribute(image).error->full_text(),
              AllOf(HasSubstr("account 444455556666 is active, so it has no role for us"),
                    Not(HasSubstr("555566667777"))));
  const Error named = [&] {
    const workflow::RunInfo run = distribute(
        image,
        std::vector<model::Target>{{.account_id = "777788889999", .regions = {"us-west-2"}}});
    fixture_.world->refuse_account("777788889999", refusal);
    return *distribute(image).error;
  }();
  EXPECT_THAT(named.full_text(), HasSubstr("is no member of our organization"));
}

TEST_F(UnitsTest, AClosedAccountKeepsNoVersionFromGoing) {
  model::Pipeline pipeline = pipeline_to({unit(kWebUnit)});
  pipeline.catalog = model::CatalogOffer{};
  pipeline.catalog->template_text = model::default_product_template();
  const GoldenImage image = golden(pipeline);
  fixture_.world->refuse_account(kOne, Error(ErrorKind::denied, "no role"));
  EXPECT_TRUE([&] {
    try {
      return decommission(image).error.has_value();
    } catch (const Error&) {
      return true;  // A place that cannot be looked at is a user.
    }
  }());
  set_state(kOne, AccountState::closed);
  const workflow::RunInfo run = decommission(fixture_.product.image(image.run_id));
  EXPECT_FALSE(run.error) << run.error->full_text();
  const auto target = find_target(*fixture_.product.database, image.run_id, {kOne, "us-west-2"});
  EXPECT_TRUE(was_let_go(*target));
  EXPECT_THAT(target->detail, HasSubstr("is closed"));
  std::vector<std::string> told;
  for (const audit::Entry& entry : fixture_.product.audit->read(0, 1000)) {
    if (entry.text.find("image.place_let_go") != std::string::npos) told.push_back(entry.text);
  }
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told.front(), HasSubstr(kOne));
}

TEST_F(UnitsTest, WhoLeftTheUnitAndUsIsLetGo) {
  const GoldenImage image = golden(pipeline_to({unit(kWebUnit)}));
  fixture_.world->change_units([](cloud::UnitList& units) { units.accounts[kWebUnit] = {kTwo}; });
  fixture_.world->refuse_account(kOne, Error(ErrorKind::denied, "no role"));
  const workflow::RunInfo run = distribute(image);
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_TRUE(
      was_let_go(*find_target(*fixture_.product.database, image.run_id, {kOne, "us-west-2"})));
  EXPECT_FALSE(decommission(image).error);
}

TEST_F(UnitsTest, AnAccountNamedItselfThatIsNoMemberIsNotLetGo) {
  const GoldenImage image =
      golden(pipeline_to({{.account_id = "777788889999", .regions = {"us-west-2"}}}));
  fixture_.world->refuse_account("777788889999", Error(ErrorKind::denied, "no role"));
  const workflow::RunInfo run = fixture_.product.drive(
      start_decommission(*fixture_.product.engine, *fixture_.product.context, image, true));
  ASSERT_TRUE(run.error);
  EXPECT_THAT(run.error->full_text(), HasSubstr("no role"));
}

TEST_F(UnitsTest, AnAccountThatSomebodyLetGoKeepsNoVersionFromGoing) {
  const std::string account = "777788889999";
  const GoldenImage image =
      golden(pipeline_to({{.account_id = account, .regions = {"us-west-2"}}}));
  db::Database& database = *fixture_.product.database;
  const AccountLetGo gone{.account_id = account,
                          .reason = "sold",
                          .let_go_by = "ada",
                          .let_go_at = "2026-01-01T00:00:00Z"};
  let_account_go(database, gone);
  fixture_.world->refuse_account(account, Error(ErrorKind::denied, "no role"));
  const workflow::RunInfo run = decommission(image);
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_THAT(find_target(database, image.run_id, {account, "us-west-2"})->detail,
              HasSubstr("let go by ada: sold"));
}

TEST_F(UnitsTest, AnAccountIsLetGoForAReasonAndTakenBack) {
  db::Database& database = *fixture_.product.database;
  for (const AccountLetGo& bad : {AccountLetGo{.account_id = "7", .reason = "sold"},
                                  AccountLetGo{.account_id = "777788889999", .reason = ""}}) {
    EXPECT_EQ(error_of([&] { let_account_go(database, bad); }).kind(), ErrorKind::usage);
  }
  let_account_go(database, {.account_id = "777788889999", .reason = "sold"});
  let_account_go(database, {.account_id = "777788889999", .reason = "closed long ago"});
  ASSERT_EQ(list_accounts_let_go(database).size(), 1u);
  EXPECT_EQ(list_accounts_let_go(database)[0].reason, "closed long ago");
  EXPECT_TRUE(take_account_back(database, "777788889999"));
  EXPECT_FALSE(take_account_back(database, "777788889999"));
}

TEST_F(UnitsTest, PortfoliosAreSharedWithTheUnit) {
  model::Pipeline pipeline = pipeline_to({unit(kWebUnit)});
  pipeline.catalog = model::CatalogOffer{};
  pipeline.catalog->template_text = model::default_product_template();
  const GoldenImage image = golden(pipeline);
  cloud::Catalog& catalog = *fixture_.product.catalog;
  const auto portfolios = catalog.list_portfolios(kWest);
  ASSERT_EQ(portfolios.size(), 1u);
  EXPECT_THAT(catalog.list_portfolio_shares(kWest, portfolios[0].portfolio_id),
              ElementsAre("ou-exam-webteams1"));
  EXPECT_THAT(catalog.list_portfolios({kOne, "us-west-2"}), ::testing::SizeIs(2));
  for (const PlaceCheck& check : check_catalog(*fixture_.product.context, image)) {
    EXPECT_EQ(check.presence, Presence::correct) << Json(check);
  }
  // Who leaves has neither the share nor a portfolio of its own.
  fixture_.world->change_units([](cloud::UnitList& units) { units.accounts[kWebUnit] = {kTwo}; });
  const workflow::RunInfo run = distribute(image);
  EXPECT_FALSE(run.error) << run.error->full_text();
  EXPECT_EQ(published({kOne, "us-west-2"}), "");
  EXPECT_FALSE(decommission(image).error);
  EXPECT_THAT(fixture_.product.catalog_world->leftovers(), IsEmpty());
}

TEST(UnitNames, OnlyArnsOfOrganizationsAndUnitsAreUnits) {
  for (const char* good : {kOrganization, kWebUnit}) EXPECT_TRUE(cloud::is_unit(good)) << good;
  for (const char* bad :
       {"", "o-exampleorgid", "ou-exam-webteams1", "arn:aws:organizations::1:ou/o-a/ou-b-c",
        "arn:aws:organizations::111122223333:root/o-exampleorgid/r-exam",
        "arn:aws:organizations::111122223333:account/o-exampleorgid/444455556666",
        "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-webteams1/",
        "arn:aws:iam::111122223333:role/x"}) {
    EXPECT_FALSE(cloud::is_unit(bad)) << bad;
    EXPECT_EQ(error_of([&] { cloud::check_recipient(bad); }).kind(), ErrorKind::usage) << bad;
  }
}

TEST_F(UnitsTest, AUnitTwiceOrWithoutRegionsIsRefused) {
  EXPECT_EQ(error_of([&] {
              check_targets({unit(kWebUnit), unit(kWebUnit)});
            }).kind(),
            ErrorKind::usage);
  EXPECT_EQ(error_of([&] { check_targets({unit(kWebUnit, {})}); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([&] { check_targets({unit("ou-exam-webteams1")}); }).kind(), ErrorKind::usage);
  EXPECT_THAT(without_targets({unit(kWebUnit)}, {unit(kWebUnit, {})}), IsEmpty());
}

TEST_F(UnitsTest, ACloudWithoutOrganizationsSaysSo) {
  Context context = *fixture_.product.context;
  context.organizations = nullptr;
  context.launch_templates = nullptr;
  EXPECT_THAT(error_of([&] { require_means(context, {unit(kWebUnit)}); }).message(),
              HasSubstr("knows no organization"));
  model::Target target{.account_id = kOne, .regions = {"us-west-2"}};
  target.launch_templates = {{.name = "web", .set_default = false}};
  EXPECT_THAT(error_of([&] { require_means(context, {target}); }).message(),
              HasSubstr("has no launch templates"));
}

}  // namespace
}  // namespace hallmark::pipeline
