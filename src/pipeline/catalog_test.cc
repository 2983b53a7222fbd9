/// Golden images in the catalog: offered, superseded, retired, launched; in a cloud in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "cloud/hooks/hooked_catalog.h"
#include "pipeline/catalog.h"
#include "pipeline/catalog_launch.h"
#include "pipeline/catalog_wish.h"
#include "pipeline/fixture.h"
#include "pipeline/leftovers.h"
#include "pipeline/names.h"
#include "pipeline/portfolios.h"

namespace hallmark::pipeline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr const char* kDeveloper = "arn:aws:iam::444455556666:role/developers";
constexpr const char* kHomeDeveloper = "arn:aws:iam::111122223333:role/developers";
const cloud::Place kChildEu{kChildAccount, "eu-west-1"};

model::Pipeline offered_pipeline(const std::string& version = "1",
                                 const std::string& product = "Web-1.0") {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.product = product;
  pipeline.version = version;
  model::CatalogOffer& offer = pipeline.catalog.emplace();
  offer.template_text = model::default_product_template();
  offer.machine_size = "t3.micro";
  offer.tag_options = {{"Cost-Center", "1234"}};
  offer.launch_role = "golden-launch";
  offer.principals = {"role/developers"};
  return pipeline;
}

/// That the call throws this kind with this in its text.
template <typename Call>
void expect_error(ErrorKind kind, const std::string& text, Call&& call) {
  const Error error = error_of(std::forward<Call>(call));
  EXPECT_EQ(error.kind(), kind) << error.full_text();
  EXPECT_THAT(error.full_text(), HasSubstr(text));
}

class Cataloging : public testing::Test {
 protected:
  Product& product() { return fixture_.product; }
  Context& context() { return *product().context; }
  cloud::Catalog& catalog() { return *product().catalog; }
  workflow::Engine& engine() { return *product().engine; }

  GoldenImage distributed(const model::Pipeline& pipeline) {
    fixture_.clock.advance(1s);  // The newest is the one that was begun last.
    GoldenImage image = product().golden(pipeline);
    EXPECT_EQ(product().drive(start_distribute(engine(), context(), image, {})).state,
              workflow::RunState::succeeded);
    return image;
  }
  workflow::RunInfo retire(const GoldenImage& image, RetirementStage stage, bool force = false) {
    return product().drive(
        start_retire(engine(), context(), product().image(image.run_id), stage, "old", force));
  }
  workflow::RunInfo publish(const GoldenImage& image) {
    return product().drive(start_publish(engine(), context(), product().image(image.run_id)));
  }
  /// "1 active" for each version offered there, oldest first.
  std::vector<std::string> offered(const cloud::Place& place, const std::string& principal) {
    std::vector<std::string> lines;
    for (const cloud::Offer& offer : catalog().list_offers(place, principal)) {
      for (const cloud::ProductVersion& version : offer.versions) {
        lines.push_back(version.name + " " + std::string(cloud::to_string(version.state)));
      }
    }
    return lines;
  }
  std::vector<std::string> problems(const GoldenImage& image) {
    std::vector<std::string> lines;
    for (const PlaceCheck& check : check_catalog(context(), product().image(image.run_id))) {
      for (const std::string& problem : check.problems) {
        lines.push_back(cloud::to_string(check.place) + ": " + problem);
      }
    }
    return lines;
  }
  std::string launch(const cloud::Place& place, const std::string& reference,
                     const std::string& name) {
    const std::string id = launch_from_catalog(
        context(), place,
        {.product = reference, .name = name, .principal = kDeveloper, .parameters = {}}, {});
    return await_provisioned(context(), place, id, [](const auto&) {}, {})
        .outputs.at(std::string(cloud::kMachineOutput));
  }

  Fixture fixture_;
};

TEST_F(Cataloging, DistributingOffersItWhereverTheImageIs) {
  const GoldenImage image = distributed(offered_pipeline());
  EXPECT_THAT(problems(image), IsEmpty());
  EXPECT_THAT(offered(kHome, kHomeDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(offered(kWest, kHomeDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(offered(kChildEu, kDeveloper), ElementsAre("1 active"));
  // Not where it is not, and not to others.
  EXPECT_THAT(offered({kChildAccount, "us-east-1"}, kDeveloper), IsEmpty());
  EXPECT_THAT(offered(kChildWest, "arn:aws:iam::444455556666:role/auditors"), IsEmpty());

  const auto portfolio = made_portfolio(catalog(), kChildWest, "Golden-AMI-Distribution-Portfolio");
  ASSERT_TRUE(portfolio);
  EXPECT_EQ(portfolio->tag_options, (cloud::Tags{{"Cost-Center", "1234"}}));
  const auto products = catalog().list_portfolio_products(kChildWest, portfolio->portfolio_id);
  ASSERT_EQ(products.size(), 1u);
  EXPECT_EQ(catalog().launch_role(kChildWest, portfolio->portfolio_id, products[0]),
            "golden-launch");
  const auto product = catalog().find_product(kHome, {"Web-1.0", "Debian-12"});
  ASSERT_TRUE(product);
  EXPECT_EQ(product->name, "Web-1.0-Debian-12");
  EXPECT_EQ(product->tags.at("ProductName"), "Web-1.0-Debian-12");
}

TEST_F(Cataloging, APipelineWithoutACatalogTouchesNone) {
  const GoldenImage image = distributed(sample_pipeline());
  EXPECT_THAT(product().catalog_world->leftovers(), IsEmpty());
  EXPECT_THAT(problems(image), IsEmpty());
  expect_error(ErrorKind::usage, "without a catalog",
               [&] { start_publish(engine(), context(), image); });
}

TEST_F(Cataloging, ANewerVersionSupersedesTheOlderOnesAndTheyComeBackWhenItGoes) {
  const GoldenImage first = distributed(offered_pipeline("1"));
  const GoldenImage second = distributed(offered_pipeline("2"));
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 deprecated", "2 active"));
  EXPECT_THAT(problems(first), IsEmpty());
  EXPECT_EQ(retire(second, RetirementStage::deprecate).state, workflow::RunState::succeeded);
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active", "2 deprecated"));
  EXPECT_EQ(retire(second, RetirementStage::disable).state, workflow::RunState::succeeded);
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(problems(second), IsEmpty()) << "inactive is what it should be";
  const auto restored =
      product().drive(start_restore(engine(), context(), product().image(second.run_id), 24h));
  EXPECT_EQ(restored.state, workflow::RunState::succeeded);
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 deprecated", "2 active"));
}

TEST_F(Cataloging, DecommissioningTheLastVersionLeavesNothing) {
  const GoldenImage first = distributed(offered_pipeline("1"));
  const GoldenImage second = distributed(offered_pipeline("2"));
  for (const GoldenImage& image : {first, second}) {
    const auto run = product().drive(
        start_decommission(engine(), context(), product().image(image.run_id), false));
    EXPECT_EQ(run.state, workflow::RunState::succeeded)
        << (run.error ? run.error->full_text() : "");
    if (image.run_id == first.run_id) {
      EXPECT_THAT(offered(kChildEu, kDeveloper), ElementsAre("2 active"));
    }
  }
  EXPECT_THAT(product().catalog_world->leftovers(), IsEmpty());
}

TEST_F(Cataloging, ProductsThatShareAPortfolioDoNotTakeItFromEachOther) {
  model::Pipeline wide = offered_pipeline("1", "Web-1.0");
  model::Pipeline narrow = offered_pipeline("1", "Base-1.0");
  narrow.targets = {{.account_id = kHomeAccount, .regions = {"us-west-2"}}};
  narrow.catalog->principals = {"role/operators"};
  const GoldenImage web = distributed(wide);
  const GoldenImage base = distributed(narrow);
  EXPECT_THAT(problems(web), IsEmpty());
  EXPECT_THAT(problems(base), IsEmpty());
  // Whoever may use a portfolio may use all of it.
  EXPECT_EQ(catalog().list_offers(kWest, kHomeDeveloper).size(), 2u);
  product().drive(start_decommission(engine(), context(), web, false));
  EXPECT_THAT(problems(base), IsEmpty());
  EXPECT_THAT(offered(kWest, kHomeDeveloper), IsEmpty()) << "only Base's principals are left";
  EXPECT_EQ(catalog().list_offers(kWest, "arn:aws:iam::111122223333:role/operators").size(), 1u);
  EXPECT_THAT(made_portfolios(catalog(), kChildWest), IsEmpty());
  EXPECT_THAT(made_portfolios(catalog(), {kHomeAccount, "eu-west-1"}), IsEmpty());
}

TEST_F(Cataloging, AnAccountThatIsNoTargetAnyMoreLosesTheProduct) {
  const GoldenImage image = distributed(offered_pipeline());
  const auto run = product().drive(start_distribute(
      engine(), context(), image,
      std::vector<model::Target>{{.account_id = kHomeAccount, .regions = {"us-west-2"}}},
      {.prune = true}));
  EXPECT_EQ(run.state, workflow::RunState::succeeded) << (run.error ? run.error->full_text() : "");
  EXPECT_THAT(offered(kChildWest, kDeveloper), IsEmpty());
  EXPECT_THAT(made_portfolios(catalog(), kChildWest), IsEmpty());
  EXPECT_THAT(offered(kWest, kHomeDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(problems(image), IsEmpty());
}

TEST_F(Cataloging, WhatSomebodyChangedIsSeenAndMended) {
  const GoldenImage image = distributed(offered_pipeline());
  const auto portfolio = made_portfolio(catalog(), kWest, "Golden-AMI-Distribution-Portfolio");
  ASSERT_TRUE(portfolio);
  catalog().revoke(kWest, portfolio->portfolio_id, kHomeDeveloper);
  catalog().grant(kWest, portfolio->portfolio_id, "arn:aws:iam::111122223333:user/mallory");
  catalog().unshare_portfolio(kWest, portfolio->portfolio_id, kChildAccount);
  const auto found = catalog().find_product(kHome, {"Web-1.0", "Debian-12"});
  const auto versions = catalog().list_versions(kHome, found->product_id);
  catalog().set_version_state(kHome, {found->product_id, versions.at(0).version_id},
                              cloud::VersionState::inactive);
  EXPECT_THAT(problems(image),
              testing::IsSupersetOf({HasSubstr("role/developers lacks the portfolio"),
                                     HasSubstr("user/mallory should not have it"),
                                     HasSubstr("account 444455556666 lacks the portfolio"),
                                     HasSubstr("us-east-1: version 1 is inactive, not active")}));
  EXPECT_EQ(publish(image).state, workflow::RunState::succeeded);
  EXPECT_THAT(problems(image), IsEmpty());
}

TEST_F(Cataloging, AVersionOfThatNameThatIsNotOursIsNotAdopted) {
  const GoldenImage image = product().golden(offered_pipeline());
  catalog().publish_version(
      kHome, {"Web-1.0", "Debian-12"}, {},
      {.name = "1", .template_text = "{}", .image = "ami-0bad", .machine_size = ""}, "by hand", {});
  const auto run = product().drive(start_distribute(engine(), context(), image, {}));
  EXPECT_EQ(run.state, workflow::RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("has a version 1 already"));
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active")) << "others are in place";
}

TEST_F(Cataloging, OneCatalogThatFailsLeavesTheOthersAndIsRetriedAlone) {
  const GoldenImage image = product().golden(offered_pipeline());
  product().catalog_world->fail(6, Error(ErrorKind::denied, "no such luck"));
  const auto run = product().drive(start_distribute(engine(), context(), image, {}));
  EXPECT_EQ(run.state, workflow::RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("no such luck"));
  engine().retry(run.run_id);
  EXPECT_EQ(product().drive(run.run_id).state, workflow::RunState::succeeded);
  EXPECT_THAT(problems(image), IsEmpty());
}

TEST_F(Cataloging, AVersionThatGoesTakesItsPrincipalsAlong) {
  distributed(offered_pipeline("1"));
  model::Pipeline wide = offered_pipeline("2");
  wide.catalog->principals.push_back("role/everybody");
  const GoldenImage second = distributed(wide);
  const std::string everybody = "arn:aws:iam::444455556666:role/everybody";
  EXPECT_THAT(offered(kChildWest, everybody), Not(IsEmpty()));
  product().drive(start_decommission(engine(), context(), second, false));
  EXPECT_THAT(offered(kChildWest, everybody), IsEmpty());
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active"));
}

TEST_F(Cataloging, APlaceThatNeverWasKeepsNothingFromGoing) {
  model::Pipeline pipeline = offered_pipeline();
  pipeline.targets.push_back({.account_id = kChildAccount, .regions = {"mars-north-1"}});
  const GoldenImage image = product().golden(pipeline);
  EXPECT_EQ(product().drive(start_distribute(engine(), context(), image, {})).state,
            workflow::RunState::failed);
  EXPECT_THAT(offered(kChildWest, kDeveloper), ElementsAre("1 active"));
  EXPECT_THAT(problems(image), IsEmpty());
  const auto run = product().drive(start_decommission(engine(), context(), image, false));
  EXPECT_EQ(run.state, workflow::RunState::succeeded) << (run.error ? run.error->full_text() : "");
  EXPECT_THAT(product().catalog_world->leftovers(), IsEmpty());
}

TEST_F(Cataloging, WhatIsDisabledIsNeverOffered) {
  const GoldenImage first = product().golden(offered_pipeline("1"));
  fixture_.clock.advance(1s);
  EXPECT_EQ(retire(first, RetirementStage::disable).state, workflow::RunState::succeeded);
  EXPECT_THAT(product().catalog_world->leftovers(), IsEmpty());
}

TEST_F(Cataloging, AVersionThatIsNotGoldenIsCheckedToo) {
  const std::string run_id = product().start(offered_pipeline());
  product().drive(run_id);
  EXPECT_THAT(check_catalog(context(), product().image(run_id)), IsEmpty());
}

/// Does something once, before a call is made at a place.
class Meanwhile : public cloud::CallHook {
 public:
  Meanwhile(cloud::Place place, std::string operation, std::function<void()> what)
      : place_(std::move(place)), operation_(std::move(operation)), what_(std::move(what)) {}
  void around(const cloud::CallInfo& info, const std::function<void()>& call) override {
    if (info.operation == operation_ && info.place == place_) std::exchange(what_, [] {})();
    call();
  }

 private:
  cloud::Place place_;
  std::string operation_;
  std::function<void()> what_;
};

TEST_F(Cataloging, WhatAnotherRunRecordsMeanwhileIsNotUndone) {
  const GoldenImage first = distributed(offered_pipeline("1"));
  fixture_.clock.advance(1s);
  const GoldenImage second = product().golden(offered_pipeline("2"));
  change_image(context(), second.run_id, {.state = GoldenState::building});
  auto approve = [&] { change_image(context(), second.run_id, {.state = GoldenState::active}); };
  ProductOptions options;
  options.directory = product().directory;
  options.catalog = std::make_shared<cloud::HookedCatalog>(
      product().catalog,
      cloud::CallHooks{std::make_shared<Meanwhile>(kHome, "remove_version", approve)});
  Product other(fixture_.clock, fixture_.world, options);
  const auto run = other.drive(
      start_decommission(*other.engine, *other.context, other.image(first.run_id), false));
  EXPECT_EQ(run.state, workflow::RunState::succeeded) << (run.error ? run.error->full_text() : "");
  EXPECT_THAT(offered(kHome, kHomeDeveloper), ElementsAre("2 active"));
}

TEST_F(Cataloging, WhatWasLaunchedKeepsItsVersionFromGoing) {
  const GoldenImage image = distributed(offered_pipeline());
  const std::string machine = launch(kChildWest, "Web-1.0/Debian-12", "web-a");
  const auto found = context().cloud.find_machine(kChildWest, machine);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->image_id, find_target(context().database, image.run_id, kChildWest)->image_id);
  expect_error(ErrorKind::conflict, "provisioned product web-a in 444455556666/us-west-2",
               [&] { start_decommission(engine(), context(), image, false); });
  terminate_provisioned(context(), kChildWest, provisioned_named(context(), kChildWest, "web-a"),
                        [](const auto&) {}, {});
  EXPECT_THAT(catalog().list_provisioned(kChildWest), IsEmpty());
  EXPECT_THAT(find_all_users(context(), image), IsEmpty());
}

TEST_F(Cataloging, OnlyWhatIsGrantedCanBeLaunched) {
  distributed(offered_pipeline());
  expect_error(ErrorKind::not_found, "offered to you", [&] {
    launch_from_catalog(context(), kChildWest,
                        {.product = "Web-1.0/Debian-12",
                         .name = "web-a",
                         .principal = "arn:aws:iam::444455556666:user/eve",
                         .parameters = {}},
                        {});
  });
  expect_error(ErrorKind::not_found, "nothing called",
               [&] { provisioned_named(context(), kChildWest, "web-a"); });
}

cloud::Offer offer_of(const std::string& product, const std::string& os) {
  return {
      .portfolio_id = "port-1",
      .product = {.product_id = "prod-1", .key = {product, os}, .name = product + "-" + os},
      .versions = {{.version_id = "pa-1", .name = "1", .state = cloud::VersionState::deprecated},
                   {.version_id = "pa-2", .name = "2"},
                   {.version_id = "pa-3", .name = "3", .state = cloud::VersionState::deprecated}}};
}

TEST(Choosing, TakesTheNewestThatIsNotDeprecatedOrTheOneNamed) {
  std::vector<cloud::Offer> offers = {offer_of("Web-1.0", "Debian-12")};
  EXPECT_EQ(choose(offers, "Web-1.0/Debian-12").version.name, "2");
  EXPECT_EQ(choose(offers, "Web-1.0/Debian-12/3").version.name, "3");
  // A product that was shared may have its name alone.
  offers[0].product.key = {};
  EXPECT_EQ(choose(offers, "Web-1.0/Debian-12").version.name, "2");
  expect_error(ErrorKind::not_found, "Web-1.0/Debian-12/4",
               [&] { choose(offers, "Web-1.0/Debian-12/4"); });
  expect_error(ErrorKind::not_found, "offered to you",
               [&] { choose(offers, "Web-1.0/Debian-11"); });
  expect_error(ErrorKind::usage, "names no product", [&] { choose(offers, "Web-1.0"); });
  expect_error(ErrorKind::usage, "names no product", [&] { choose(offers, "Web-1.0//1"); });
  offers[0].versions.erase(offers[0].versions.begin() + 1);
  expect_error(ErrorKind::conflict, "deprecated", [&] { choose(offers, "Web-1.0/Debian-12"); });
}

TEST(Principals, AreThoseOfTheAccount) {
  const std::set<std::string> principals = {"role/dev", "arn:aws:iam::444455556666:user/ada"};
  EXPECT_THAT(principals_at(kChildWest, principals),
              UnorderedElementsAre("arn:aws:iam::444455556666:role/dev",
                                   "arn:aws:iam::444455556666:user/ada"));
  EXPECT_THAT(principals_at({kHomeAccount, "cn-north-1"}, principals),
              ElementsAre("arn:aws-cn:iam::111122223333:role/dev"));
}

}  // namespace
}  // namespace hallmark::pipeline
