/// What targets take besides accounts: organizations and units, launch templates; on the stand-in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/testing.h"
#include "cloud/aws/launch_templates.h"
#include "cloud/aws/organizations.h"
#include "cloud/aws/service_catalog.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Place kHome{"111122223333", "us-east-1"};
const Place kGuest{"444455556666", "us-east-1"};
const Place kOther{"555566667777", "us-east-1"};

std::vector<std::string> accounts() {
  std::vector<std::string> all = {kHome.account_id, kGuest.account_id, kOther.account_id};
  // More than a page of AWS Organizations holds.
  for (int i = 0; i < 25; ++i) all.push_back("9000000000" + std::to_string(10 + i));
  return all;
}

class AwsTargets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (why_no_stand_in().empty()) stand_in_ = std::make_unique<StandIn>(accounts());
  }
  static void TearDownTestSuite() { stand_in_.reset(); }

  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_->control("reset", Json::object());
    client_ = stand_in_->client(kHome.account_id, clock_);
    cloud_ = stand_in_->open(config_, clock_);
    organizations_ = make_aws_organizations(config_, client_, credentials(), clock_);
    templates_ = make_aws_launch_templates(config_, client_, credentials(), clock_);
    catalog_ = make_aws_catalog(config_, client_, credentials(), clock_);
  }
  static CredentialsOf credentials() {
    return [](const std::string& account) { return stand_in_->credentials(account); };
  }
  /// The unit "web" and in it "blue". Sets units_.
  void arrange(Json more = Json::object()) {
    Json blue = Json::array();
    for (const std::string& account : accounts()) {
      if (account.starts_with("9")) blue.push_back(account);
    }
    Json given = {{"units", {{"web", {kGuest.account_id}}, {"blue", blue}}},
                  {"parents", {{"blue", "web"}}},
                  {"enabled_services", {"servicecatalog.amazonaws.com"}}};
    given.update(more);
    const Json made = stand_in_->control("organization", given);
    organization_ = made.at("organization");
    units_ = made.at("units").get<std::map<std::string, std::string>>();
  }
  std::string make_image() {
    return stand_in_
        ->control("images", Json{{"region", kHome.region},
                                 {"name", "golden"},
                                 {"owner", kHome.account_id},
                                 {"public", false}})
        .at("image");
  }
  Value call(const Place& place, const char* service, const char* operation, const Value& input) {
    return stand_in_->client(place.account_id, clock_)
        ->call({service, operation, place.region, nullptr}, input, {});
  }

  static inline std::unique_ptr<StandIn> stand_in_;
  SystemClock clock_;
  AwsCloudConfig config_{.account_id = kHome.account_id,
                         .regions = {{.name = kHome.region, .bucket = "bucket-home"}}};
  std::shared_ptr<hallmark::aws::HttpClient> client_;
  std::unique_ptr<Cloud> cloud_;
  std::unique_ptr<Organizations> organizations_;
  std::unique_ptr<LaunchTemplates> templates_;
  std::unique_ptr<Catalog> catalog_;
  std::string organization_;
  std::map<std::string, std::string> units_;
};

TEST_F(AwsTargets, AUnitHasTheAccountsOfAllUnitsInIt) {
  arrange({{"states",
            {{kGuest.account_id, "CLOSED"},
             {"900000000010", "SUSPENDED"},
             {"900000000011", "PENDING_CLOSURE"}}}});
  const auto members = organizations_->list_members(units_.at("web"), {});
  ASSERT_THAT(members, SizeIs(26));
  EXPECT_EQ(members[0].account_id, kGuest.account_id);
  EXPECT_EQ(members[0].state, AccountState::closed);
  EXPECT_EQ(members[1].state, AccountState::suspended);
  EXPECT_EQ(members[2].state, AccountState::closing);
  EXPECT_EQ(members[3].state, AccountState::active);
  EXPECT_THAT(organizations_->list_members(units_.at("blue"), {}), SizeIs(25));
  EXPECT_THAT(organizations_->list_members(organization_, {}), SizeIs(28));
}

TEST_F(AwsTargets, HowAnAccountStandsIsAsked) {
  arrange({{"left", {kOther.account_id}}});
  EXPECT_EQ(organizations_->find_account(kGuest.account_id, {})->state, AccountState::active);
  EXPECT_FALSE(organizations_->find_account(kOther.account_id, {}));
}

TEST_F(AwsTargets, UnitsOfOthersAndAccountsThatMayNotAskAreToldApart) {
  arrange();
  EXPECT_EQ(kind_of([&] {
              organizations_->list_members(
                  "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-nowhere12", {});
            }),
            ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] {
              organizations_->list_members(
                  "arn:aws:organizations::999988887777:organization/o-exampleorgid", {});
            }),
            ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { organizations_->list_members("ou-exam-nowhere12", {}); }),
            ErrorKind::usage);
  const auto from_guest =
      make_aws_organizations({.account_id = kGuest.account_id, .regions = {{.name = kHome.region}}},
                             stand_in_->client(kGuest.account_id, clock_), credentials(), clock_);
  const Error refused = error_of([&] { from_guest->list_members(units_.at("web"), {}); });
  EXPECT_EQ(refused.kind(), ErrorKind::denied);
  EXPECT_THAT(refused.hint(), HasSubstr("management account"));
}

TEST_F(AwsTargets, WithoutAnOrganizationTheWayOutIsSaid) {
  const Error error = error_of([&] { organizations_->find_account(kGuest.account_id, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::denied) << error.full_text();
}

TEST_F(AwsTargets, AnImageIsSharedWithAUnitOnce) {
  arrange();
  const std::string image_id = make_image();
  EXPECT_FALSE(cloud_->find_image(kGuest, image_id));
  cloud_->share_image(kHome, image_id, units_.at("web"));
  cloud_->share_image(kHome, image_id, organization_);
  cloud_->share_image(kHome, image_id, units_.at("web"));
  EXPECT_THAT(cloud_->list_shares(kHome, image_id), ElementsAre(organization_, units_.at("web")));
  EXPECT_TRUE(cloud_->find_image(kGuest, image_id));
  EXPECT_TRUE(cloud_->find_image({"900000000012", kHome.region}, image_id)) << "a unit within";
  EXPECT_TRUE(cloud_->find_image(kOther, image_id)) << "the whole organization";
  cloud_->unshare_image(kHome, image_id, organization_);
  EXPECT_FALSE(cloud_->find_image(kOther, image_id));
  // Who has it through its unit goes on having it.
  cloud_->unshare_image(kHome, image_id, kGuest.account_id);
  EXPECT_TRUE(cloud_->find_image(kGuest, image_id));
  cloud_->unshare_image(kHome, image_id, units_.at("web"));
  EXPECT_THAT(cloud_->list_shares(kHome, image_id), IsEmpty());
  for (const char* bad : {"o-exampleorgid", "ou-exam-nowhere12", "r-exam", "all"}) {
    EXPECT_EQ(kind_of([&] { cloud_->share_image(kHome, image_id, bad); }), ErrorKind::usage) << bad;
  }
}

TEST_F(AwsTargets, AKeyMustBeOpenToTheUnit) {
  arrange();
  const Value key = call(kHome, "kms", "CreateKey", Value::object()).at("KeyMetadata");
  const std::string arn = key.at("Arn");
  const Error error =
      error_of([&] { organizations_->check_key(kHome, arn, units_.at("web"), {}); });
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_THAT(error.hint(), AllOf(HasSubstr("aws:PrincipalOrgID"), HasSubstr("kms:CreateGrant")));
  const std::string organization = organization_id(organization_);
  auto put_policy = [&](const Value& condition) {
    const Value policy = {{"Version", "2012-10-17"},
                          {"Statement",
                           {{{"Effect", "Allow"},
                             {"Principal", {{"AWS", "arn:aws:iam::111122223333:root"}}},
                             {"Action", "kms:*"},
                             {"Resource", "*"}},
                            {{"Effect", "Allow"},
                             {"Principal", {{"AWS", "*"}}},
                             {"Action",
                              {"kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*",
                               "kms:GenerateDataKey*", "kms:CreateGrant"}},
                             {"Resource", "*"},
                             {"Condition", condition}}}}};
    call(kHome, "kms", "PutKeyPolicy",
         {{"KeyId", arn}, {"PolicyName", "default"}, {"Policy", policy.dump()}});
  };
  put_policy({{"StringEquals", {{"aws:PrincipalOrgID", "o-anotherone12"}}}});
  EXPECT_EQ(kind_of([&] { organizations_->check_key(kHome, arn, units_.at("web"), {}); }),
            ErrorKind::denied);
  put_policy({{"StringEquals", {{"aws:PrincipalOrgID", organization}}}});
  organizations_->check_key(kHome, arn, units_.at("web"), {});
  organizations_->check_key(kHome, arn, organization_, {});
  put_policy({{"ForAnyValue:StringLike",
               {{"aws:PrincipalOrgPaths",
                 organization + "/r-exam/" + unit_id(units_.at("web")) + "/*"}}}});
  organizations_->check_key(kHome, arn, units_.at("web"), {});
  EXPECT_EQ(kind_of([&] { organizations_->check_key(kHome, arn, organization_, {}); }),
            ErrorKind::denied);
}

TEST_F(AwsTargets, APortfolioIsSharedWithAUnitAndAcceptedByWhoJoins) {
  arrange();
  const std::string unit = unit_id(units_.at("web"));
  const std::string id =
      catalog_->create_portfolio(kHome, {.name = "golden", .provider = "us"}, "portfolio");
  catalog_->share_portfolio(kHome, id, unit);
  catalog_->share_portfolio(kHome, id, unit);
  EXPECT_THAT(catalog_->list_portfolio_shares(kHome, id), ElementsAre(unit));
  catalog_->accept_portfolio(kGuest, id);
  catalog_->accept_portfolio(kGuest, id);
  EXPECT_TRUE(catalog_->find_portfolio(kGuest, id));
  EXPECT_EQ(kind_of([&] { catalog_->accept_portfolio(kOther, id); }), ErrorKind::not_found);
  arrange(
      {{"units", {{"web", {kGuest.account_id, kOther.account_id}}}}, {"parents", Json::object()}});
  catalog_->accept_portfolio(kOther, id);
  EXPECT_THAT(catalog_->list_portfolios(kOther), SizeIs(1));
  EXPECT_EQ(kind_of([&] { catalog_->remove_portfolio(kHome, id); }), ErrorKind::conflict);
  catalog_->unshare_portfolio(kHome, id, unit);
  catalog_->unshare_portfolio(kHome, id, unit);
  EXPECT_THAT(catalog_->list_portfolio_shares(kHome, id), IsEmpty());
  EXPECT_FALSE(catalog_->find_portfolio(kOther, id));
  catalog_->remove_portfolio(kHome, id);
}

TEST_F(AwsTargets, WhoMayNotShareWithUnitsIsToldSo) {
  arrange({{"enabled_services", Json::array()}});
  const std::string id =
      catalog_->create_portfolio(kHome, {.name = "golden", .provider = "us"}, "portfolio");
  const Error error =
      error_of([&] { catalog_->share_portfolio(kHome, id, unit_id(units_.at("web"))); });
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_THAT(error.hint(), HasSubstr("EnableAWSOrganizationsAccess"));
}

class AwsLaunchTemplatesTest : public AwsTargets {
 protected:
  void SetUp() override {
    AwsTargets::SetUp();
    if (IsSkipped()) return;
    id_ = call(kGuest, "ec2", "CreateLaunchTemplate",
               {{"LaunchTemplateName", "web"},
                {"LaunchTemplateData",
                 {{"ImageId", "ami-00000000000000001"}, {"InstanceType", "t3.small"}}}})
              .at("LaunchTemplate")
              .at("LaunchTemplateId");
  }
  std::string id_;
};

TEST_F(AwsLaunchTemplatesTest, AVersionIsMadeOnceFromAnotherOne) {
  const auto found = templates_->find_template(kGuest, "web");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->template_id, id_);
  EXPECT_EQ(found->default_version, 1);
  EXPECT_FALSE(templates_->find_template(kHome, "web"));
  const TemplateVersionSpec spec{.source_version = 1,
                                 .image_id = "ami-00000000000000002",
                                 .description = "hallmark Web-1.0/Debian-12/1"};
  EXPECT_EQ(templates_->add_template_version(kGuest, id_, spec, "step"), 2);
  EXPECT_EQ(templates_->add_template_version(kGuest, id_, spec, "step"), 2);
  const auto versions = templates_->list_template_versions(kGuest, id_);
  ASSERT_THAT(versions, SizeIs(2));
  EXPECT_EQ(versions[1].image_id, spec.image_id);
  EXPECT_EQ(versions[1].description, spec.description);
  const Value data = call(kGuest, "ec2", "DescribeLaunchTemplateVersions",
                          {{"LaunchTemplateId", id_}, {"Versions", Value::array({"2"})}})
                         .at("LaunchTemplateVersions")
                         .at(0)
                         .at("LaunchTemplateData");
  EXPECT_EQ(data.at("InstanceType"), "t3.small") << "what else it says stays";
}

TEST_F(AwsLaunchTemplatesTest, TheDefaultMovesAndOtherVersionsGo) {
  const std::int64_t version = templates_->add_template_version(
      kGuest, id_, {.source_version = 1, .image_id = "ami-00000000000000002", .description = "x"},
      "step");
  templates_->set_default_version(kGuest, id_, version);
  EXPECT_EQ(templates_->find_template(kGuest, "web")->default_version, version);
  EXPECT_EQ(kind_of([&] { templates_->remove_template_version(kGuest, id_, version); }),
            ErrorKind::conflict);
  templates_->set_default_version(kGuest, id_, 1);
  templates_->remove_template_version(kGuest, id_, version);
  templates_->remove_template_version(kGuest, id_, version);
  EXPECT_THAT(templates_->list_template_versions(kGuest, id_), SizeIs(1));
}

TEST_F(AwsLaunchTemplatesTest, TagsAreSetAndWhatIsNotThereIsNotFound) {
  templates_->tag_template(kGuest, id_, {{"hallmark:launch-template", "Web-1.0/Debian-12"}});
  EXPECT_EQ(templates_->find_template(kGuest, "web")->tags.at("hallmark:launch-template"),
            "Web-1.0/Debian-12");
  const std::string absent = "lt-0123456789abcdef0";
  EXPECT_THAT(templates_->list_template_versions(kGuest, absent), IsEmpty());
  templates_->remove_template_version(kGuest, absent, 1);
  EXPECT_EQ(kind_of([&] {
              templates_->add_template_version(
                  kGuest, absent,
                  {.source_version = 1, .image_id = "ami-00000000000000002", .description = ""},
                  "other");
            }),
            ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { templates_->find_template(kGuest, "a b"); }), ErrorKind::usage);
}

}  // namespace
}  // namespace hallmark::cloud
