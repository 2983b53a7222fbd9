/// The AWS cloud over a caller that answers from a script: which calls it makes, with what in them,
/// and what it makes of the answers.

#include "cloud/aws/aws_cloud.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "cloud/aws/session.h"

namespace hallmark::cloud {
namespace {

using hallmark::aws::ApiError;
using hallmark::aws::Value;
using testing::ElementsAre;
using testing::HasSubstr;

const Place kHome{"111122223333", "us-east-1"};
constexpr const char* kImage = "ami-0123456789abcdef0";
constexpr const char* kMachine = "i-0123456789abcdef0";

class ScriptedCaller : public hallmark::aws::Caller {
 public:
  using Answer = std::function<Value(const Value& input)>;

  Value call(const hallmark::aws::Call& call, const Value& input, std::stop_token) override {
    inputs[call.operation].push_back(input);
    auto found = answers.find(call.operation);
    return found == answers.end() ? Value() : found->second(input);
  }

  std::map<std::string, Answer> answers;
  std::map<std::string, std::vector<Value>> inputs;
};

ApiError refusal(const std::string& code, ErrorKind kind) {
  return ApiError(kind, "ec2 RunInstances: " + code + ": not now", code, 400, "request-1");
}

class AwsCloudTest : public testing::Test {
 protected:
  AwsCloudTest() {
    caller_->answers["DescribeImages"] = [](const Value&) {
      return Value{{"Images", Value::array({image()})}};
    };
    caller_->answers["RunInstances"] = [](const Value&) {
      return Value{{"Instances", Value::array({{{"InstanceId", kMachine}}})}};
    };
  }

  static Value image() {
    return {{"ImageId", kImage},
            {"Name", "debian"},
            {"State", "available"},
            {"RootDeviceName", "/dev/xvda"},
            {"RootDeviceType", "ebs"},
            {"BlockDeviceMappings",
             {{{"DeviceName", "/dev/xvda"},
               {"Ebs", {{"SnapshotId", "snap-0123456789abcdef0"}, {"VolumeSize", 8}}}},
              {{"DeviceName", "/dev/sdb"},
               {"Ebs",
                {{"SnapshotId", "snap-0123456789abcdef1"},
                 {"VolumeSize", 20},
                 {"DeleteOnTermination", false},
                 {"Encrypted", false}}}},
              {{"DeviceName", "/dev/sdc"},
               {"Ebs", {{"VolumeSize", 4}, {"DeleteOnTermination", false}}}},
              {{"DeviceName", "/dev/sdd"}, {"VirtualName", "ephemeral0"}}}}};
  }

  std::unique_ptr<Cloud> cloud() { return make_aws_cloud(config_, caller_, {}, clock_); }

  std::string launch(const std::string& token = "token") {
    return cloud()->launch_machine(kHome, {.image_id = kImage, .kind = MachineKind::boot}, token,
                                   {});
  }

  void machine_is(const Value& more) {
    caller_->answers["DescribeInstances"] = [more](const Value&) {
      Value instance = {{"InstanceId", kMachine}, {"ImageId", kImage}};
      instance.update(more);
      return Value{{"Reservations", Value::array({{{"Instances", Value::array({instance})}}})}};
    };
  }

  /// "type subnet" of each attempt to launch.
  std::vector<std::string> attempts() {
    std::vector<std::string> texts;
    for (const Value& input : caller_->inputs["RunInstances"]) {
      texts.push_back(input.value("InstanceType", "") + " " + input.value("SubnetId", ""));
    }
    return texts;
  }

  ManualClock clock_{from_rfc3339("2026-11-22T12:00:00Z")};
  std::shared_ptr<ScriptedCaller> caller_ = std::make_shared<ScriptedCaller>();
  AwsCloudConfig config_{
      .account_id = kHome.account_id,
      .regions = {{.name = kHome.region, .subnet_ids = {"subnet-a", "subnet-b"}}},
      .instance_types = {"t3.medium", "m5.large"}};
};

TEST_F(AwsCloudTest, TriesOtherTypesAndSubnetsWhereThereIsNoRoom) {
  int refused = 0;
  caller_->answers["RunInstances"] = [&](const Value&) -> Value {
    if (++refused <= 3) throw refusal("InsufficientInstanceCapacity", ErrorKind::unavailable);
    return {{"Instances", Value::array({{{"InstanceId", kMachine}}})}};
  };
  EXPECT_EQ(launch(), kMachine);
  EXPECT_THAT(attempts(), ElementsAre("t3.medium subnet-a", "t3.medium subnet-b",
                                      "m5.large subnet-a", "m5.large subnet-b"));
  std::set<std::string> tokens;
  for (const Value& input : caller_->inputs["RunInstances"]) {
    tokens.insert(input.at("ClientToken").get<std::string>());
  }
  EXPECT_EQ(tokens.size(), 4u) << "one token stands for one set of parameters";
}

TEST_F(AwsCloudTest, AnImagesArchitectureChoosesAmongTheTypes) {
  config_.instance_types = {"t3.medium", "g4dn.xlarge", "m7g.large", "c6gn.large"};
  config_.regions.front().subnet_ids.clear();
  caller_->answers["RunInstances"] = [](const Value&) -> Value {
    throw refusal("InsufficientInstanceCapacity", ErrorKind::unavailable);
  };
  const auto types_for = [&](const char* architecture) {
    caller_->answers["DescribeImages"] = [architecture](const Value&) -> Value {
      Value arm = image();
      arm["Architecture"] = architecture;
      return {{"Images", Value::array({arm})}};
    };
    caller_->inputs["RunInstances"].clear();
    EXPECT_THROW(launch(), Error);
    return attempts();
  };
  EXPECT_THAT(types_for("x86_64"), ElementsAre("t3.medium ", "g4dn.xlarge "));
  EXPECT_THAT(types_for("arm64"), ElementsAre("m7g.large ", "c6gn.large "));
  config_.instance_types = {"t3.medium"};
  EXPECT_THAT(types_for("arm64"), ElementsAre("t4g.medium ", "m7g.large ", "m6g.large "));
}

TEST_F(AwsCloudTest, SameTokenIsTheSameClientTokenInAnotherProcess) {
  launch();
  caller_ = std::make_shared<ScriptedCaller>(*caller_);
  launch();
  auto& inputs = caller_->inputs["RunInstances"];
  EXPECT_EQ(inputs.at(0), inputs.at(1));
  launch("another");
  EXPECT_NE(inputs.at(1).at("ClientToken"), inputs.at(2).at("ClientToken"));
}

TEST_F(AwsCloudTest, SaysAllRefusalsWhenThereIsNoRoomAnywhere) {
  caller_->answers["RunInstances"] = [](const Value& input) -> Value {
    bool small = input.at("InstanceType") == "t3.medium";
    throw refusal(small ? "Unsupported" : "VcpuLimitExceeded", ErrorKind::unavailable);
  };
  try {
    launch();
    FAIL() << "it was launched";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::unavailable);
    EXPECT_THAT(e.full_text(), HasSubstr("t3.medium in subnet-b: ec2 RunInstances: Unsupported"));
    EXPECT_THAT(e.full_text(), HasSubstr("m5.large in subnet-a: ec2 RunInstances: Vcpu"));
    EXPECT_THAT(e.hint(), HasSubstr("Service Quotas"));
  }
  EXPECT_EQ(attempts().size(), 4u);
}

TEST_F(AwsCloudTest, DoesNotGoOnAfterARefusalOfAnotherKind) {
  caller_->answers["RunInstances"] = [](const Value&) -> Value {
    throw refusal("UnauthorizedOperation", ErrorKind::denied);
  };
  EXPECT_THROW(launch(), ApiError);
  EXPECT_EQ(attempts().size(), 1u);
}

TEST_F(AwsCloudTest, AdoptsTheMachineThatTheTokenMade) {
  machine_is({{"State", {{"Name", "running"}}}});
  EXPECT_EQ(launch(), kMachine);
  EXPECT_TRUE(attempts().empty());
}

TEST_F(AwsCloudTest, EveryVolumeIsEncryptedAndEndsWithTheMachine) {
  config_.regions[0].kms_key_id = "key-1";
  launch();
  const Value input = caller_->inputs["RunInstances"].at(0);
  EXPECT_EQ(input.at("InstanceInitiatedShutdownBehavior"), "terminate");
  EXPECT_EQ(input.at("MetadataOptions").at("HttpTokens"), "required");
  const Value mappings = input.at("BlockDeviceMappings");
  std::vector<std::string> devices;
  for (const Value& mapping : mappings) {
    devices.push_back(mapping.at("DeviceName").get<std::string>());
    EXPECT_EQ(mapping.at("Ebs").at("DeleteOnTermination"), true);
    EXPECT_EQ(mapping.at("Ebs").at("Encrypted"), true);
    EXPECT_EQ(mapping.at("Ebs").at("KmsKeyId"), "key-1");
  }
  EXPECT_THAT(devices, ElementsAre("/dev/xvda", "/dev/sdb", "/dev/sdc"));
  EXPECT_FALSE(mappings[0].at("Ebs").contains("SnapshotId"));
  EXPECT_EQ(mappings[1].at("Ebs").at("SnapshotId"), "snap-0123456789abcdef1");
  EXPECT_EQ(mappings[2].at("Ebs").at("VolumeSize"), 4);
}

TEST_F(AwsCloudTest, RefusesAnInstanceStoreImageAndSaysWhatToDo) {
  caller_->answers["DescribeImages"] = [](const Value&) {
    Value old = image();
    old["RootDeviceType"] = "instance-store";
    old["BlockDeviceMappings"] = Value::array();
    return Value{{"Images", Value::array({old})}};
  };
  try {
    launch();
    FAIL() << "it was launched";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.message(), HasSubstr(kImage));
    EXPECT_THAT(e.hint(), HasSubstr("EBS"));
  }
  try {
    cloud()->open_image(kHome, kImage);
    FAIL() << "it was opened";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.message(), HasSubstr("instance-store"));
    EXPECT_FALSE(e.hint().empty());
  }
}

TEST_F(AwsCloudTest, AnImageIsEncryptedIfAnyVolumeIsAndHasTheKeysOfAll) {
  EXPECT_FALSE(cloud()->find_image(kHome, kImage)->is_encrypted);
  caller_->answers["DescribeImages"] = [](const Value&) {
    Value encrypted = image();
    encrypted["OwnerId"] = kHome.account_id;
    encrypted["BlockDeviceMappings"][1]["Ebs"]["Encrypted"] = true;
    return Value{{"Images", Value::array({encrypted})}};
  };
  caller_->answers["DescribeSnapshots"] = [](const Value&) {
    return Value{{"Snapshots", Value::array({{{"SnapshotId", "snap-0123456789abcdef0"}},
                                             {{"KmsKeyId", "key-2"}},
                                             {{"KmsKeyId", "key-1"}},
                                             {{"KmsKeyId", "key-2"}}})}};
  };
  caller_->answers["DescribeKey"] = [](const Value& input) {
    const bool managed = input.at("KeyId") == "key-1";
    return Value{{"KeyMetadata", {{"KeyManager", managed ? "AWS" : "CUSTOMER"}}}};
  };
  EXPECT_TRUE(cloud()->find_image(kHome, kImage)->is_encrypted);
  const std::vector<ImageKey> keys = cloud()->find_image_keys(kHome, kImage);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key_id, "key-1");
  EXPECT_FALSE(keys[0].can_be_shared);
  EXPECT_EQ(keys[1].key_id, "key-2");
  EXPECT_TRUE(keys[1].can_be_shared);
}

TEST_F(AwsCloudTest, AMachinesStateAndItsReason) {
  const std::map<std::string, MachineState> states = {
      {"pending", MachineState::pending},          {"running", MachineState::running},
      {"stopping", MachineState::stopping},        {"stopped", MachineState::stopped},
      {"shutting-down", MachineState::terminated}, {"terminated", MachineState::terminated}};
  for (const auto& [word, state] : states) {
    machine_is({{"State", {{"Name", word}}},
                {"StateReason", {{"Code", "Server.X"}, {"Message", "Server.X: the reason"}}}});
    auto machine = cloud()->find_machine(kHome, kMachine);
    ASSERT_TRUE(machine) << word;
    EXPECT_EQ(machine->state, state) << word;
    EXPECT_EQ(machine->state_reason, "Server.X: the reason");
    EXPECT_FALSE(machine->reachable) << "its agent has not reported";
  }
}

TEST_F(AwsCloudTest, AnImagesStateAndItsReason) {
  const std::map<std::string, ImageState> states = {
      {"pending", ImageState::pending},     {"transient", ImageState::pending},
      {"available", ImageState::available}, {"disabled", ImageState::disabled},
      {"failed", ImageState::failed},       {"invalid", ImageState::failed},
      {"error", ImageState::failed}};
  for (const auto& [word, state] : states) {
    caller_->answers["DescribeImages"] = [word = word](const Value&) {
      Value failed = image();
      failed["State"] = word;
      failed["StateReason"] = {{"Code", "Client.Y"}, {"Message", "Client.Y: no key"}};
      return Value{{"Images", Value::array({failed})}};
    };
    auto found = cloud()->find_image(kHome, kImage);
    ASSERT_TRUE(found) << word;
    EXPECT_EQ(found->state, state) << word;
    EXPECT_EQ(found->state_reason, "Client.Y: no key");
  }
}

class AwsCommands : public AwsCloudTest {
 protected:
  AwsCommands() {
    machine_is({{"State", {{"Name", "running"}}}});
    caller_->answers["DescribeInstanceInformation"] = [](const Value&) {
      return Value{{"InstanceInformationList",
                    Value::array({{{"InstanceId", kMachine}, {"PingStatus", "Online"}}})}};
    };
    caller_->answers["SendCommand"] = [](const Value&) {
      return Value{{"Command", {{"CommandId", "00000000-0000-0000-0000-000000000009"}}}};
    };
  }

  std::string start(const std::string& token) {
    return cloud()->start_command(kHome, kMachine, {.script = "true"}, token);
  }
};

TEST_F(AwsCommands, AreFoundAgainByTheirComment) {
  start("token");
  const std::string comment = caller_->inputs["SendCommand"].at(0).at("Comment").get<std::string>();
  EXPECT_THAT(comment, HasSubstr(on_aws::client_token("token")));
  EXPECT_LE(comment.size(), 100u) << "what SendCommand takes";
  caller_->answers["ListCommands"] = [&](const Value& input) {
    EXPECT_EQ(input.at("InstanceId"), kMachine);
    auto command = [](const char* id, const std::string& text, double at) {
      return Value{{"CommandId", id}, {"Comment", text}, {"RequestedDateTime", at}};
    };
    // Two pages; of two that were sent with one token, the first one runs.
    if (!input.contains("NextToken")) {
      return Value{{"Commands",
                    {command("late", comment, 200.0),
                     command("other", on_aws::client_token("else") + " 1", 50.0)}},
                   {"NextToken", "more"}};
    }
    return Value{{"Commands", Value::array({command("early", comment, 100.0)})}};
  };
  EXPECT_EQ(start("token"), "early");
  EXPECT_EQ(caller_->inputs["SendCommand"].size(), 1u);
}

TEST_F(AwsCommands, OfAnotherTokenAreSent) {
  start("token");
  start("another");
  EXPECT_EQ(caller_->inputs["SendCommand"].size(), 2u);
}

TEST_F(AwsCommands, AreNotSentToAMachineWhoseAgentIsSilent) {
  caller_->answers.erase("DescribeInstanceInformation");
  try {
    start("token");
    FAIL() << "it was sent";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::unavailable);
    EXPECT_THAT(e.message(), HasSubstr(kMachine));
  }
  EXPECT_TRUE(caller_->inputs["SendCommand"].empty());
}

}  // namespace
}  // namespace hallmark::cloud
