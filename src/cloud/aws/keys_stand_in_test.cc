/// Encrypted images and copies that wait for their turn, on the stand-in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/testing.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "us-west-2"};
const Place kGuest{"444455556666", "us-west-2"};
constexpr const char* kOther = "777788889999";

class AwsKeys : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!why_no_stand_in().empty()) return;
    stand_in_ = std::make_unique<StandIn>(
        std::vector<std::string>{kHome.account_id, kGuest.account_id, kOther});
  }
  static void TearDownTestSuite() { stand_in_.reset(); }

  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_->control("reset", Json::object());
    client_ = stand_in_->client(kHome.account_id, clock_);
    cloud_ = stand_in_->open({.account_id = kHome.account_id,
                              .regions = {{.name = kHome.region}, {.name = kAway.region}}},
                             clock_);
    write_file(disk_, std::string(1 << 20, 'd'));
    image_ = cloud_->import_image(kHome, disk_, {.name = "golden", .description = "for tests"},
                                  "golden", {});
    wait_for(kHome, image_);
  }
  std::string make_key(const Place& place) {
    const auto answer =
        client_->call({"kms", "CreateKey", place.region, nullptr}, Json::object(), {});
    return answer.at("KeyMetadata").at("Arn").get<std::string>();
  }
  Image wait_for(const Place& place, const std::string& image_id) {
    for (int look = 0; look < 1000; ++look) {
      auto found = cloud_->find_image(place, image_id);
      if (found && found->state != ImageState::pending) return *found;
      std::this_thread::sleep_for(5ms);
    }
    throw Error(ErrorKind::timeout, "{} stays pending", image_id);
  }
  std::string copy(const Place& to, const std::string& source, const std::string& region,
                   const std::string& name, const std::string& key = "") {
    return cloud_->copy_image(to, source, region,
                              {.name = name, .description = name, .kms_key = key}, name, {});
  }

  static inline std::unique_ptr<StandIn> stand_in_;
  SystemClock clock_;
  TempDir directory_;
  Path disk_ = directory_.path() / "disk.raw";
  std::shared_ptr<hallmark::aws::HttpClient> client_;
  std::unique_ptr<Cloud> cloud_;
  std::string image_;
};

TEST_F(AwsKeys, ACopyIsEncryptedWithTheKeyItIsGiven) {
  const std::string key = make_key(kAway);
  const std::string id = copy(kAway, image_, kHome.region, "away", key);
  EXPECT_TRUE(wait_for(kAway, id).is_encrypted);
  const auto found = cloud_->find_image_keys(kAway, id);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].key_id, key);
  EXPECT_TRUE(found[0].can_be_shared);
}

TEST_F(AwsKeys, TheAccountsDefaultKeyCannotBeShared) {
  const std::string id = copy(kAway, image_, kHome.region, "away", "alias/aws/ebs");
  wait_for(kAway, id);
  const auto found = cloud_->find_image_keys(kAway, id);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].can_be_shared);
}

TEST_F(AwsKeys, AGrantLetsTheAccountCopyUntilItIsRevoked) {
  const std::string key = make_key(kAway);
  const std::string id = copy(kAway, image_, kHome.region, "away", key);
  wait_for(kAway, id);
  cloud_->share_image(kAway, id, kGuest.account_id);
  const auto refused = wait_for(kGuest, copy(kGuest, id, kAway.region, "without"));
  EXPECT_EQ(refused.state, ImageState::failed) << "the key is not theirs to use";

  for (int time = 0; time < 2; ++time) cloud_->grant_key(kAway, key, id, kGuest.account_id);
  cloud_->grant_key(kAway, key, id, kOther);
  EXPECT_THAT(cloud_->list_key_grants(kAway, key, id), ElementsAre(kGuest.account_id, kOther));
  EXPECT_EQ(wait_for(kGuest, copy(kGuest, id, kAway.region, "with")).state, ImageState::available);

  for (int time = 0; time < 2; ++time) cloud_->revoke_key(kAway, key, id, kGuest.account_id);
  EXPECT_THAT(cloud_->list_key_grants(kAway, key, id), ElementsAre(kOther));
  EXPECT_THAT(cloud_->list_key_grants(kAway, key, image_), IsEmpty()) << "of another image";
}

TEST_F(AwsKeys, AKeyWhosePolicyDoesNotLetUsGrantIsNamed) {
  const std::string key = make_key(kAway);
  const std::string id = copy(kAway, image_, kHome.region, "away", key);
  wait_for(kAway, id);
  const Json policy = {{"Version", "2012-10-17"},
                       {"Statement",
                        {{{"Effect", "Allow"},
                          {"Principal", {{"AWS", "arn:aws:iam::111122223333:root"}}},
                          {"Action", {"kms:Decrypt", "kms:DescribeKey", "kms:PutKeyPolicy"}},
                          {"Resource", "*"}}}}};
  client_->call({"kms", "PutKeyPolicy", kAway.region, nullptr},
                {{"KeyId", key}, {"PolicyName", "default"}, {"Policy", policy.dump()}}, {});
  const Error error = error_of([&] { cloud_->grant_key(kAway, key, id, kGuest.account_id); });
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_THAT(error.hint(), HasSubstr(key));
  EXPECT_THAT(error.hint(), HasSubstr("kms:CreateGrant"));
}

TEST_F(AwsKeys, CopiesBeyondAwsLimitAreForLater) {
  stand_in_->control("switches", Json{{"copy-limit", 0}});
  EXPECT_EQ(error_of([&] { copy(kAway, image_, kHome.region, "away"); }).kind(),
            ErrorKind::throttled);
  stand_in_->control("switches", Json{{"copy-limit", 100}});
  EXPECT_EQ(wait_for(kAway, copy(kAway, image_, kHome.region, "away")).state,
            ImageState::available);
}

}  // namespace
}  // namespace hallmark::cloud
