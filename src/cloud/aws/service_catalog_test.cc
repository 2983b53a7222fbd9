#include "cloud/aws/service_catalog.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "aws/credentials/renewing.h"
#include "cloud/aws/service_catalog_parts.h"
#include "cloud/aws/stand_in.h"
#include "cloud/contract.h"
#include "cloud/contract_catalog.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;
using hallmark::aws::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "eu-west-1"};
const Place kGuest{"444455556666", "us-east-1"};
constexpr const char* kImageParameter = "/GoldenAMI/Debian-12/web-1/1.0";

std::string template_text(const std::string& image_parameter) {
  const Json json = {
      {"Parameters",
       {{"AMIID",
         {{"Type", "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"},
          {"Default", image_parameter}}}}},
      {"Resources",
       {{"Machine",
         {{"Type", "AWS::EC2::Instance"}, {"Properties", {{"ImageId", {{"Ref", "AMIID"}}}}}}}}},
      {"Outputs", {{"MachineId", {{"Value", {{"Ref", "Machine"}}}}}}}};
  return json.dump(2);
}

struct Ground {
  Ground() {
    auto home = stand_in.client(kHome.account_id, clock);
    for (const AwsRegion& region : config.regions) {
      Value bucket = {{"Bucket", region.bucket}};
      if (region.name != "us-east-1") {
        bucket["CreateBucketConfiguration"] = {{"LocationConstraint", region.name}};
      }
      home->call({"s3", "CreateBucket", region.name, nullptr}, bucket, {});
      home->call({"s3", "PutBucketVersioning", region.name, nullptr},
                 {{"Bucket", region.bucket}, {"VersioningConfiguration", {{"Status", "Enabled"}}}},
                 {});
    }
    const std::string image_id = stand_in
                                     .control("images", Json{{"region", kHome.region},
                                                             {"name", "golden"},
                                                             {"owner", kHome.account_id},
                                                             {"public", true}})
                                     .at("image")
                                     .get<std::string>();
    for (const Place& place : {kHome, kGuest}) {
      stand_in.client(place.account_id, clock)
          ->call({"ssm", "PutParameter", place.region, nullptr},
                 {{"Name", kImageParameter}, {"Value", image_id}, {"Type", "String"}}, {});
    }
  }

  std::unique_ptr<Catalog> open() {
    return make_aws_catalog(
        config, stand_in.client(kHome.account_id, clock),
        [this](const std::string& account) { return stand_in.credentials(account); }, clock);
  }
  Json leftovers(const std::string& kind, const Place& place) {
    Json all =
        stand_in.control("leftovers?account=" + place.account_id + "&region=" + place.region);
    return all.value(kind, Json::array());
  }
  std::size_t stored_templates() {
    Value page = stand_in.client(kHome.account_id, clock)
                     ->call({"s3", "ListObjectVersions", kHome.region, nullptr},
                            {{"Bucket", "bucket-home"}}, {});
    return page.value("Versions", Value::array()).size() +
           page.value("DeleteMarkers", Value::array()).size();
  }
  /// What was called, the newest last.
  Json calls(const std::string& operation) {
    return stand_in.control("calls?operation=" + operation).at("calls");
  }

  SystemClock clock;
  AwsCloudConfig config{.account_id = kHome.account_id,
                        .regions = {{.name = kHome.region, .bucket = "bucket-home"},
                                    {.name = kAway.region, .bucket = "bucket-away"}},
                        .instance_profile = "hallmark-machine"};
  StandIn stand_in{{kHome.account_id, kGuest.account_id}};
};

CatalogSetup on_the_stand_in() {
  auto ground = std::make_shared<Ground>();
  Ground* base = ground.get();
  CatalogSetup setup;
  setup.keep = ground;
  setup.open = [base] { return base->open(); };
  setup.home = kHome;
  setup.away = kAway;
  setup.guest = kGuest;
  setup.template_text = template_text;
  setup.image_parameter = kImageParameter;
  setup.machines = [base](const Place& place) {
    std::vector<std::string> ids;
    for (const Json& one : base->leftovers("instances", place)) ids.push_back(one.at("id"));
    return ids;
  };
  setup.stored_templates = [base] { return base->stored_templates(); };
  setup.settle = [] { std::this_thread::sleep_for(20ms); };
  return setup;
}

VersionSpec version(const std::string& name) {
  return {.name = name,
          .template_text = template_text(kImageParameter),
          .image = kImageParameter,
          .machine_size = ""};
}

class AwsCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    ground_ = std::make_unique<Ground>();
    catalog_ = ground_->open();
  }
  VersionId publish(const std::string& name, const std::string& token) {
    return catalog_->publish_version(kHome, {.product = "web-1", .os = "Debian-12"}, {},
                                     version(name), token, {});
  }

  std::unique_ptr<Ground> ground_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(AwsCatalogTest, TemplateLiesUnderOsProductAndVersion) {
  publish("1.0", "t");
  Json made = ground_->calls("CreateProduct").back().at("input");
  EXPECT_THAT(
      made["ProvisioningArtifactParameters"]["Info"]["LoadTemplateFromURL"].get<std::string>(),
      ::testing::EndsWith("/bucket-home/hallmark/catalog/Debian-12/web-1/versions/1.0"));
  EXPECT_EQ(made["Name"], "web-1-Debian-12");
  EXPECT_EQ(made["Owner"], "CCOE");
}

/// Answers every call with nothing, and signs as against AWS itself.
class SigningCaller : public hallmark::aws::Caller {
 public:
  explicit SigningCaller(Clock& clock)
      : signer_(clock, {.credentials = std::make_shared<hallmark::aws::FixedCredentials>(
                            hallmark::aws::Credentials{.access_key_id = "AKIDEXAMPLE",
                                                       .secret_access_key = "secret"}),
                        .environment = [](const std::string&) { return std::nullopt; },
                        .home = "/nonexistent"}) {}
  Value call(const hallmark::aws::Call&, const Value&, std::stop_token) override {
    return Value::object();
  }
  std::string presigned_url(const hallmark::aws::Call& call, const Value& input,
                            std::chrono::seconds lifetime, std::stop_token stop) override {
    return signer_.presigned_url(call, input, lifetime, stop);
  }

 private:
  hallmark::aws::HttpClient signer_;
};

// The original pipelines' global path style works in one partition only.
TEST(AwsCatalogUrls, AreRegionalWithTheBucketInTheHost) {
  ManualClock clock{from_rfc3339("2026-11-23T10:00:00Z")};
  const on_aws::Session session{{.account_id = kHome.account_id,
                                 .regions = {{.name = "eu-west-1", .bucket = "bucket-away"},
                                             {.name = "cn-north-1", .bucket = "bucket-cn"}}},
                                std::make_shared<SigningCaller>(clock),
                                nullptr,
                                clock};
  auto url = [&](const std::string& region) {
    return on_aws::put_template(session, {kHome.account_id, region},
                                {.product = "web-1", .os = "Debian-12"}, version("1.0"), "t", {})
        .url;
  };
  EXPECT_EQ(url("eu-west-1"),
            "https://bucket-away.s3.eu-west-1.amazonaws.com/hallmark/catalog/Debian-12/web-1/"
            "versions/1.0");
  EXPECT_EQ(url("cn-north-1"),
            "https://bucket-cn.s3.cn-north-1.amazonaws.com.cn/hallmark/catalog/Debian-12/web-1/"
            "versions/1.0");
}

TEST_F(AwsCatalogTest, WhatWasRemovedAndIsOfferedAgainIsANewVersion) {
  const VersionId first = publish("1.0", "t");
  const VersionId kept = publish("2.0", "t");
  catalog_->remove_version(kHome, first);
  const VersionId again = publish("1.0", "t");
  EXPECT_NE(again.version_id, first.version_id);
  EXPECT_THAT(catalog_->list_versions(kHome, kept.product_id), SizeIs(2));
  // Repeated, it is the same.
  EXPECT_EQ(publish("1.0", "t"), again);
  // The product as a whole too.
  catalog_->remove_version(kHome, again);
  catalog_->remove_version(kHome, kept);
  EXPECT_THAT(catalog_->list_products(kHome), IsEmpty());
  const VersionId anew = publish("1.0", "t");
  EXPECT_THAT(catalog_->list_versions(kHome, anew.product_id), SizeIs(1));
}

TEST_F(AwsCatalogTest, TwoWhoPublishAtOnceShareAProduct) {
  constexpr int kPublishers = 4;
  {
    std::vector<std::jthread> publishers;
    for (int i = 0; i < kPublishers; ++i) {
      publishers.emplace_back([&, i] {
        std::unique_ptr<Catalog> own = ground_->open();
        own->publish_version(kHome, {.product = "web-1", .os = "Debian-12"}, {},
                             version(std::to_string(i)), "t" + std::to_string(i), {});
      });
    }
  }
  std::vector<Product> products = catalog_->list_products(kHome);
  ASSERT_THAT(products, SizeIs(1));
  EXPECT_THAT(catalog_->list_versions(kHome, products[0].product_id), SizeIs(kPublishers));
  EXPECT_EQ(ground_->stored_templates(), std::size_t{kPublishers});
}

TEST_F(AwsCatalogTest, RemovingVersion1LeavesTheTemplateOfVersion10) {
  VersionId one = publish("1", "a");
  publish("10", "b");
  catalog_->remove_version(kHome, one);
  EXPECT_EQ(ground_->stored_templates(), 1u);
  EXPECT_THAT(catalog_->list_versions(kHome, one.product_id), SizeIs(1));
}

TEST_F(AwsCatalogTest, AllVersionsAndMarksOfATemplateGo) {
  VersionId made = publish("1.0", "t");
  auto client = ground_->stand_in.client(kHome.account_id, ground_->clock);
  const Value object = {{"Bucket", "bucket-home"},
                        {"Key", "hallmark/catalog/Debian-12/web-1/versions/1.0"}};
  client->call({"s3", "DeleteObject", kHome.region, nullptr}, object, {});
  Value again = object;
  again["Body"] = "{}";
  client->call({"s3", "PutObject", kHome.region, nullptr}, again, {});
  ASSERT_EQ(ground_->stored_templates(), 3u);
  catalog_->remove_version(kHome, made);
  EXPECT_EQ(ground_->stored_templates(), 0u);
  EXPECT_THAT(ground_->leftovers("products", kHome), IsEmpty());
}

TEST_F(AwsCatalogTest, LostAnswersMakeNothingTwice) {
  for (const char* operation :
       {"PutObject", "CreateProduct", "CreateProvisioningArtifact", "CreatePortfolio"}) {
    ground_->stand_in.control("faults",
                              Json{{"kind", "drop-after"}, {"operation", operation}, {"count", 1}});
  }
  VersionId first = publish("1.0", "a");
  VersionId second = publish("1.1", "b");
  EXPECT_EQ(first.product_id, second.product_id);
  EXPECT_THAT(catalog_->list_versions(kHome, first.product_id), SizeIs(2));
  catalog_->create_portfolio(
      kHome, {.name = "golden", .provider = "CCOE", .description = "", .tags = {}}, "p");
  EXPECT_THAT(ground_->leftovers("products", kHome), SizeIs(1));
  EXPECT_THAT(ground_->leftovers("portfolios", kHome), SizeIs(1));
}

TEST_F(AwsCatalogTest, ARegionWithoutABucketIsSaidSo) {
  ground_->config.regions[0].bucket.clear();
  catalog_ = ground_->open();
  try {
    publish("1.0", "t");
    ADD_FAILURE() << "published";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.hint(), HasSubstr("cloud.regions"));
  }
}

TEST_F(AwsCatalogTest, TemplateThatIsNoneIsRefused) {
  VersionSpec bad = version("1.0");
  bad.template_text = "{\"Parameters\": {}}";
  EXPECT_EQ(error_kind_of([&] {
              catalog_->publish_version(kHome, {.product = "web-1", .os = "Debian-12"}, {}, bad,
                                        "t", {});
            }),
            ErrorKind::usage);
  EXPECT_THAT(catalog_->list_products(kHome), IsEmpty());
}

TEST_F(AwsCatalogTest, TagOptionsThatNobodyUsesGo) {
  std::string portfolio = catalog_->create_portfolio(
      kHome, {.name = "golden", .provider = "CCOE", .description = "", .tags = {}}, "p");
  catalog_->set_tag_options(kHome, portfolio, {{"Team", "web"}});
  EXPECT_THAT(ground_->leftovers("tag_options", kHome), SizeIs(1));
  catalog_->remove_portfolio(kHome, portfolio);
  EXPECT_THAT(ground_->leftovers("tag_options", kHome), IsEmpty());
}

TEST(AwsCatalogPrincipal, OfASessionIsItsRole) {
  EXPECT_EQ(on_aws::principal_of("arn:aws:sts::111122223333:assumed-role/dev/ada"),
            "arn:aws:iam::111122223333:role/dev");
  EXPECT_EQ(on_aws::principal_of("arn:aws-cn:sts::111122223333:assumed-role/dev/"),
            "arn:aws-cn:iam::111122223333:role/dev");
  EXPECT_EQ(on_aws::principal_of("arn:aws:iam::111122223333:user/admin"),
            "arn:aws:iam::111122223333:user/admin");
}

TEST_F(AwsCatalogTest, KnowsWhoLaunches) {
  EXPECT_EQ(catalog_->caller(kHome, "ada"), "arn:aws:iam::111122223333:user/admin");
}

TEST_F(AwsCatalogTest, ALaunchThatFailsSaysWhy) {
  VersionId made = publish("1.0", "t");
  std::string portfolio = catalog_->create_portfolio(
      kHome, {.name = "golden", .provider = "CCOE", .description = "", .tags = {}}, "p");
  catalog_->add_product(kHome, portfolio, made.product_id);
  const std::string principal = "arn:aws:iam::111122223333:user/admin";
  catalog_->grant(kHome, portfolio, principal);
  ground_->stand_in.control("failures", Json{{"kind", "provision"}, {"reason", "no such subnet"}});
  std::string id = catalog_->launch_product(
      kHome,
      {.version = made, .name = "mine", .principal = principal, .parameters = {}, .tags = {}}, "l",
      {});
  std::optional<ProvisionedProduct> found;
  for (int look = 0; look < 200; ++look) {
    found = catalog_->find_provisioned(kHome, id);
    ASSERT_TRUE(found);
    if (found->state != ProvisionedState::changing) break;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(found->state, ProvisionedState::failed);
  EXPECT_THAT(found->state_reason, HasSubstr("no such subnet"));
}

}  // namespace

INSTANTIATE_CATALOG_CONTRACT(Aws, {"stand_in", on_the_stand_in, why_no_stand_in});

}  // namespace hallmark::cloud
