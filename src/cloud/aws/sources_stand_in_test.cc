/// Source images as AWS has them: somebody else's, of the marketplace, with Windows in them; and
/// scripts that are too long for Systems Manager. On the stand-in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/commands.h"
#include "cloud/aws/stand_in.h"

namespace hallmark::cloud {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};
constexpr const char* kBucket = "scripts-home";

class AwsSources : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!why_no_stand_in().empty()) return;
    stand_in_ = std::make_unique<StandIn>(std::vector{kHome.account_id});
  }
  static void TearDownTestSuite() { stand_in_.reset(); }

  void SetUp() override {
    if (std::string why = why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
    stand_in_->control("reset", Json::object());
    client_ = stand_in_->client(kHome.account_id, clock_);
    client_->call({"iam", "CreateInstanceProfile", "us-east-1", nullptr},
                  {{"InstanceProfileName", config_.instance_profile}}, {});
    client_->call({"s3", "CreateBucket", "us-east-1", nullptr}, {{"Bucket", kBucket}}, {});
    cloud_ = stand_in_->open(config_, clock_);
  }
  std::string image(Json given) {
    given["region"] = kHome.region;
    return member<std::string>(stand_in_->control("images", given), "image");
  }
  std::string machine(const std::string& image_id) {
    std::string id = cloud_->launch_machine(
        kHome, {.image_id = image_id, .deadline = clock_.now() + 1h}, "token-" + image_id, {});
    for (int look = 0; look < 500; ++look) {
      auto found = cloud_->find_machine(kHome, id);
      if (found && found->reachable) return id;
      std::this_thread::sleep_for(10ms);
    }
    throw Error(ErrorKind::timeout, "{} is not reachable", id);
  }
  CommandStatus run(const std::string& machine_id, const CommandSpec& spec,
                    const std::string& token) {
    std::string command = cloud_->start_command(kHome, machine_id, spec, token);
    CommandStatus status;
    std::string output;
    do {
      status = cloud_->read_command(kHome, machine_id, command, status.output_offset, 5s, {});
      output += status.output;
    } while (status.state == CommandState::running);
    status.output = output;
    return status;
  }
  /// The inputs of all calls of an operation.
  Json inputs(const std::string& operation) {
    Json inputs = Json::array();
    const Json log = stand_in_->control("calls?operation=" + operation);
    for (const Json& call : log.at("calls")) {
      inputs.push_back(call.at("input"));
    }
    return inputs;
  }
  Json stored() {
    hallmark::aws::Value page =
        client_->call({"s3", "ListObjectsV2", "us-east-1", nullptr},
                      {{"Bucket", kBucket}, {"Prefix", on_aws::kScriptsPrefix}}, {});
    return page.value("Contents", hallmark::aws::Value::array());
  }

  static std::unique_ptr<StandIn> stand_in_;
  SystemClock clock_;
  AwsCloudConfig config_{.account_id = kHome.account_id,
                         .regions = {{.name = kHome.region, .bucket = kBucket}},
                         .instance_profile = "hallmark-machine"};
  std::shared_ptr<hallmark::aws::HttpClient> client_;
  std::unique_ptr<Cloud> cloud_;
};

std::unique_ptr<StandIn> AwsSources::stand_in_;

TEST_F(AwsSources, AreFoundByPatternAmongNamedOwners) {
  std::string amazon = image({{"name", "base-2026.1-x86_64"}, {"owner", "137112412989"}});
  std::string other =
      image({{"name", "base-2026.2-x86_64"}, {"owner", "999900001111"}, {"alias", ""}});
  auto ids = [&](const ImageFilter& filter) {
    std::vector<std::string> found_ids;
    for (const Image& found : cloud_->list_images(kHome, filter))
      found_ids.push_back(found.image_id);
    return found_ids;
  };
  ImageFilter filter;
  filter.name_pattern = "base-*-x86_64";
  EXPECT_THAT(ids(filter), IsEmpty()) << "public images of others only when their owner is named";
  filter.owners = {"amazon"};
  EXPECT_THAT(ids(filter), ElementsAre(amazon));
  filter.owners = {"999900001111"};
  EXPECT_THAT(ids(filter), ElementsAre(other));
  filter.name_pattern = "base-????.2-*";
  filter.owners = {"self", "amazon", "999900001111"};
  EXPECT_THAT(ids(filter), ElementsAre(other));
  EXPECT_EQ(cloud_->find_image(kHome, amazon)->owner_alias, "amazon");
  filter.owners = {"nobody"};
  EXPECT_THROW(ids(filter), Error);
}

TEST_F(AwsSources, OfPublicParametersAreFound) {
  std::string id = image({{"name", "base"}});
  stand_in_->control("parameters", Json{{"region", kHome.region},
                                        {"name", "/aws/service/debian/release/12/latest/amd64"},
                                        {"value", id}});
  EXPECT_EQ(cloud_->get_parameter(kHome, "/aws/service/debian/release/12/latest/amd64")->value, id);
}

TEST_F(AwsSources, OfTheMarketplaceNeedASubscriptionBeforeAnythingIsSpent) {
  std::string id =
      image({{"name", "appliance"}, {"alias", "aws-marketplace"}, {"product_codes", {"abc123"}}});
  EXPECT_THAT(cloud_->find_image(kHome, id)->product_codes, ElementsAre("abc123"));
  const MachineSpec spec{.image_id = id};
  try {
    cloud_->check_launch(kHome, spec, {});
    FAIL() << "not subscribed";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::denied);
    EXPECT_THAT(e.full_text(), AllOf(HasSubstr("abc123"), HasSubstr("appliance"),
                                     HasSubstr("https://aws.amazon.com/marketplace")));
    EXPECT_THAT(e.hint(), HasSubstr("accept the terms"));
  }
  try {
    cloud_->launch_machine(kHome, spec, "token", {});
    FAIL() << "not subscribed";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::denied);
  }
  stand_in_->control(
      "switches", Json{{"marketplace", Json::array({Json::array({kHome.account_id, "abc123"})})}});
  EXPECT_NO_THROW(cloud_->check_launch(kHome, spec, {}));
  EXPECT_THAT(cloud_->list_machines(kHome, {.include_terminated = true}), IsEmpty());
}

TEST_F(AwsSources, CheckOfALaunchTellsWhatCannotBeAndPassesOverWhatMayPass) {
  auto kind_of = [&](const MachineSpec& spec) -> std::optional<ErrorKind> {
    try {
      cloud_->check_launch(kHome, spec, {});
    } catch (const Error& e) {
      return e.kind();
    }
    return std::nullopt;
  };
  EXPECT_EQ(kind_of({.image_id = "ami-00000000000000000"}), ErrorKind::not_found);
  std::string store = image({{"name", "old"}, {"root_device_type", "instance-store"}});
  EXPECT_EQ(kind_of({.image_id = store}), ErrorKind::usage);
  std::string arm = image({{"name", "arm"}, {"architecture", "arm64"}});
  EXPECT_EQ(kind_of({.image_id = arm}), std::nullopt) << "a size of its architecture is chosen";
  EXPECT_EQ(kind_of({.image_id = arm, .machine_size = "t3.small"}), ErrorKind::usage);
  EXPECT_EQ(kind_of({.image_id = arm, .machine_size = "t4g.small"}), std::nullopt);
  std::string good = image({{"name", "good"}});
  EXPECT_EQ(kind_of({.image_id = good, .kind = MachineKind::offline}), ErrorKind::usage);
  stand_in_->control("switches", Json{{"capacity", {{{"count", 100}}}}});
  EXPECT_EQ(kind_of({.image_id = good}), std::nullopt) << "there may be room when it is launched";
}

TEST_F(AwsSources, WindowsGetsPowerShell) {
  std::string id = image({{"name", "Windows_Server-2022"}, {"platform", "windows"}});
  EXPECT_EQ(cloud_->find_image(kHome, id)->platform, Platform::windows);
  std::string windows = machine(id);
  std::string user_data = inputs("RunInstances").at(0).at("UserData").get<std::string>();
  if (!user_data.starts_with("<")) user_data = base64_decode(user_data);
  EXPECT_THAT(user_data, AllOf(StartsWith("<powershell>"), HasSubstr("shutdown.exe /s /f"),
                               HasSubstr("<persist>true</persist>"), Not(HasSubstr("@END@"))));

  // A rule is chosen by the id, which the token makes.
  auto by_rule = [&](const std::string& token, Json rule) {
    CommandSpec spec{.script = "Write-Output 1",
                     .environment = {{"NAME", "it's $me"}},
                     .time_limit = 90s,
                     .platform = Platform::windows};
    std::string text = on_aws::command_text(spec, kHome, token, "");
    std::string first_line = text.substr(0, text.find('\n'));
    rule["match"] = first_line;
    stand_in_->control("switches", Json{{"command-rules", Json::array({rule})}});
    return run(windows, spec, token);
  };
  CommandStatus status = by_rule("one", {{"stdout", "it works\n"}});
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_EQ(status.output, "it works\n");
  status = by_rule("two", {{"exit", 7}, {"stdout", "no\n"}});
  EXPECT_EQ(status.state, CommandState::finished);
  EXPECT_EQ(status.exit_code, 7);
  EXPECT_EQ(by_rule("three", {{"exit", {3010, 3010, 0}}, {"stdout", "again\n"}}).output,
            "again\nagain\nagain\n");
  EXPECT_EQ(by_rule("four", {{"exit", 194}}).exit_code, 194) << "asks for nothing on Windows";

  Json sent = inputs("SendCommand").at(0);
  EXPECT_EQ(sent.at("DocumentName"), "AWS-RunPowerShellScript");
  EXPECT_EQ(sent.at("InstanceIds"), Json::array({windows}));
  EXPECT_EQ(sent.at("Parameters").at("executionTimeout"), Json::array({"90"}));
  std::string text = sent.at("Parameters").at("commands").at(0);
  EXPECT_THAT(
      text,
      AllOf(StartsWith("$id = '"), HasSubstr("$script = '" + base64_encode("Write-Output 1") + "'"),
            HasSubstr("$environment = '" + base64_encode(R"({"NAME":"it's $me"})") + "'")));
}

TEST_F(AwsSources, SecretsOfWindowsTravelInAParameterAndGoWithTheCommand) {
  std::string windows = machine(image({{"name", "Windows"}, {"platform", "windows"}}));
  CommandSpec spec{.script = "Write-Output 1",
                   .secrets = {{"API_KEY", "s3cr3t"}},
                   .platform = Platform::windows};
  EXPECT_EQ(run(windows, spec, "secret").exit_code, 0);
  EXPECT_EQ(inputs("PutParameter").at(0).at("Type"), "SecureString");
  EXPECT_EQ(base64_decode(inputs("PutParameter").at(0).at("Value").get<std::string>()),
            R"({"API_KEY":"s3cr3t"})");
  EXPECT_THAT(compact(inputs("SendCommand")),
              AllOf(Not(HasSubstr("s3cr3t")), Not(HasSubstr(base64_encode("s3cr3t")))));
  EXPECT_THAT(cloud_->list_parameters(kHome, "/hallmark/commands/"), IsEmpty());
}

TEST_F(AwsSources, LongScriptsGoThroughTheBucket) {
  std::string linux_machine = machine(image({{"name", "base"}}));
  std::string filler;
  for (int i = 0; i < 6000; ++i)
    filler += "# a line that says nothing, number " + std::to_string(i) + "\n";
  CommandSpec spec{.script = "#!/bin/sh\n" + filler + "echo \"long $NAME\"\nexit 5\n",
                   .environment = {{"NAME", "way"}}};
  ASSERT_GT(spec.script.size(), 200'000u);
  CommandStatus status = run(linux_machine, spec, "long");
  EXPECT_EQ(status.output, "long way\n");
  EXPECT_EQ(status.exit_code, 5);
  EXPECT_THAT(stored(), IsEmpty()) << "gone when the command has ended";
  std::string sent = inputs("SendCommand").at(0).at("Parameters").at("commands").at(0);
  EXPECT_LT(sent.size(), 20'000u);
  EXPECT_THAT(sent, HasSubstr("X-Amz-Signature="));
}

TEST_F(AwsSources, LongScriptThatNeverRanGoesWithItsMachine) {
  std::string linux_machine = machine(image({{"name", "base"}}));
  stand_in_->control("faults", Json{{"kind", "error"},
                                    {"operation", "SendCommand"},
                                    {"code", "UnsupportedPlatformType"},
                                    {"status", 400},
                                    {"count", -1}});
  CommandSpec spec{.script = std::string(100'000, '#') + "\n"};
  EXPECT_THROW(cloud_->start_command(kHome, linux_machine, spec, "long"), Error);
  EXPECT_EQ(stored().size(), 1u);
  cloud_->remove_machine(kHome, linux_machine);
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(AwsSources, MachineIsRemovedAlsoWithoutItsBucket) {
  config_.regions[0].bucket = "no-such-bucket";
  cloud_ = stand_in_->open(config_, clock_);
  std::string id = machine(image({{"name", "base"}}));
  EXPECT_NO_THROW(cloud_->remove_machine(kHome, id));
}

TEST_F(AwsSources, ScriptAlteredInTheBucketIsNotRun) {
  std::string linux_machine = machine(image({{"name", "base"}}));
  CommandSpec spec{.script = std::string(100'000, '#') + "\necho ran\n"};
  // As if somebody had put another one there between our call and the machine's.
  std::string text =
      on_aws::command_text(spec, kHome, "altered", "", stand_in_->endpoint() + "/nothing");
  EXPECT_THAT(text, Not(HasSubstr(base64_encode("echo ran"))));
  CommandSpec outer{.script = text};
  CommandStatus status = run(linux_machine, outer, "outer");
  EXPECT_EQ(status.exit_code, 125);
  EXPECT_THAT(status.output,
              AllOf(HasSubstr("could not be fetched unaltered"), Not(HasSubstr("ran\n"))));
}

TEST_F(AwsSources, LongScriptWithoutABucketIsRefusedWithTheWayOut) {
  config_.regions[0].bucket.clear();
  cloud_ = stand_in_->open(config_, clock_);
  std::string linux_machine = machine(image({{"name", "base"}}));
  try {
    cloud_->start_command(kHome, linux_machine, {.script = std::string(100'000, '#')}, "long");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.hint(), HasSubstr("bucket"));
  }
}

}  // namespace
}  // namespace hallmark::cloud
