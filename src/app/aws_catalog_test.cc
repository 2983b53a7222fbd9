/// Golden images in AWS Service Catalog, on the stand-in; the images themselves are in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloud/aws/service_catalog.h"
#include "cloud/aws/stand_in.h"
#include "pipeline/catalog.h"
#include "pipeline/catalog_launch.h"
#include "pipeline/fixture.h"
#include "pipeline/portfolios.h"

namespace hallmark::app {
namespace {

using pipeline::GoldenImage;
using pipeline::kChildAccount;
using pipeline::kHomeAccount;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using workflow::RunState;

constexpr const char* kRegion = "us-east-1";
const cloud::Place kChild{kChildAccount, kRegion};
constexpr const char* kDeveloper = "arn:aws:iam::444455556666:role/developers";

model::Pipeline offered(const std::string& version) {
  model::Pipeline pipeline = pipeline::sample_pipeline();
  pipeline.version = version;
  pipeline.targets = {{.account_id = kHomeAccount, .regions = {kRegion}},
                      {.account_id = kChildAccount, .regions = {kRegion}}};
  model::CatalogOffer& offer = pipeline.catalog.emplace();
  offer.template_text = model::default_product_template();
  offer.launch_role = "hallmark-launch";
  offer.principals = {"role/developers"};
  offer.tag_options = {{"Cost-Center", "1234"}};
  return pipeline;
}

class AwsPublishing : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = cloud::why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_ =
        std::make_unique<cloud::StandIn>(std::vector<std::string>{kHomeAccount, kChildAccount});
    auto home = stand_in_->client(kHomeAccount, clock_);
    home->call({"s3", "CreateBucket", kRegion, nullptr}, {{"Bucket", "templates"}}, {});
    catalog_ = cloud::make_aws_catalog(
        {.account_id = kHomeAccount, .regions = {{.name = kRegion, .bucket = "templates"}}}, home,
        [this](const std::string& account) { return stand_in_->credentials(account); }, clock_);
    fixture_ = std::make_unique<pipeline::Fixture>(pipeline::ProductOptions{.catalog = catalog_});
  }
  pipeline::Product& product() { return fixture_->product; }
  pipeline::Context& context() { return *product().context; }

  GoldenImage distributed(const std::string& version) {
    fixture_->clock.advance(Duration{1'000});  // The newest is the one that was begun last.
    GoldenImage image = product().golden(offered(version));
    expect_success(
        product().drive(pipeline::start_distribute(*product().engine, context(), image, {})));
    return image;
  }
  static void expect_success(const workflow::RunInfo& run) {
    EXPECT_EQ(run.state, RunState::succeeded) << (run.error ? run.error->full_text() : "");
  }
  std::vector<std::string> versions() {
    std::vector<std::string> lines;
    for (const cloud::Offer& offer : catalog_->list_offers(kChild, kDeveloper)) {
      for (const cloud::ProductVersion& version : offer.versions) {
        lines.push_back(version.name + " " + std::string(cloud::to_string(version.state)));
      }
    }
    return lines;
  }
  std::vector<std::string> problems(const GoldenImage& image) {
    std::vector<std::string> lines;
    for (const auto& check : pipeline::check_catalog(context(), product().image(image.run_id))) {
      for (const std::string& problem : check.problems) lines.push_back(problem);
    }
    return lines;
  }
  /// What is left in the catalogs of both accounts.
  std::vector<std::string> left() {
    std::vector<std::string> lines;
    for (const char* account : {kHomeAccount, kChildAccount}) {
      const cloud::Place place{account, kRegion};
      for (const auto& one : catalog_->list_products(place)) lines.push_back(one.name);
      for (const auto& one : catalog_->list_portfolios(place)) lines.push_back(one.name);
    }
    return lines;
  }

  SystemClock clock_;
  std::unique_ptr<cloud::StandIn> stand_in_;
  std::shared_ptr<cloud::Catalog> catalog_;
  std::unique_ptr<pipeline::Fixture> fixture_;
};

TEST_F(AwsPublishing, OffersSupersedesRetiresAndLeavesNothing) {
  const GoldenImage first = distributed("1");
  EXPECT_THAT(versions(), ElementsAre("1 active"));
  const GoldenImage second = distributed("2");
  EXPECT_THAT(versions(), ElementsAre("1 deprecated", "2 active"));
  EXPECT_THAT(problems(first), IsEmpty());
  EXPECT_THAT(problems(second), IsEmpty());
  const auto portfolio =
      pipeline::made_portfolio(*catalog_, kChild, "Golden-AMI-Distribution-Portfolio");
  ASSERT_TRUE(portfolio);
  EXPECT_EQ(portfolio->tag_options, (cloud::Tags{{"Cost-Center", "1234"}}));

  catalog_->revoke(kChild, portfolio->portfolio_id, kDeveloper);
  EXPECT_THAT(problems(second), ElementsAre(HasSubstr("role/developers lacks the portfolio")));
  expect_success(product().drive(pipeline::start_publish(*product().engine, context(), second)));
  EXPECT_THAT(problems(second), IsEmpty());

  expect_success(product().drive(pipeline::start_retire(
      *product().engine, context(), second, pipeline::RetirementStage::disable, "old", false)));
  EXPECT_THAT(versions(), ElementsAre("1 active"));
  for (const GoldenImage& image : {second, first}) {
    expect_success(product().drive(pipeline::start_decommission(
        *product().engine, context(), product().image(image.run_id), false)));
  }
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(AwsPublishing, AnAccountThatCannotBeEnteredKeepsNoOtherFromIt) {
  model::Pipeline pipeline = offered("1");
  pipeline.targets.push_back({.account_id = "999999999999", .regions = {kRegion}});
  const GoldenImage image = product().golden(pipeline);
  const auto run =
      product().drive(pipeline::start_distribute(*product().engine, context(), image, {}));
  EXPECT_EQ(run.state, RunState::failed);
  EXPECT_THAT(run.error->full_text(), HasSubstr("999999999999/us-east-1"));
  EXPECT_THAT(versions(), ElementsAre("1 active"));
}

}  // namespace
}  // namespace hallmark::app
