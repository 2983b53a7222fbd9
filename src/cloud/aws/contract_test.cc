#include <fstream>
#include <thread>

#include "cloud/aws/stand_in.h"
#include "cloud/contract.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "eu-west-1"};
const Place kGuest{"444455556666", "us-east-1"};

struct Ground {
  TempDir directory;
  SystemClock clock;
  AwsCloudConfig config{.account_id = kHome.account_id,
                        .regions = {{.name = kHome.region, .bucket = "output-home"},
                                    {.name = kAway.region, .bucket = "output-away"}},
                        .instance_profile = "hallmark-machine",
                        .image_check_limit = Duration{8'000}};
  StandIn stand_in{{kHome.account_id, kGuest.account_id}};
};

void make_account_ready(Ground& ground, const std::string& account) {
  auto client = ground.stand_in.client(account, ground.clock);
  client->call({"iam", "CreateInstanceProfile", "us-east-1", nullptr},
               {{"InstanceProfileName", ground.config.instance_profile}}, {});
}

ContractSetup setup(const Json& switches) {
  auto ground = std::make_shared<Ground>();
  auto client = ground->stand_in.client(kHome.account_id, ground->clock);
  for (const Place& place : {kHome, kAway}) {
    hallmark::aws::Value input = {{"Bucket", place == kHome ? "output-home" : "output-away"}};
    if (place.region != "us-east-1") {
      input["CreateBucketConfiguration"] = {{"LocationConstraint", place.region}};
    }
    client->call({"s3", "CreateBucket", place.region, nullptr}, input, {});
  }
  make_account_ready(*ground, kHome.account_id);
  make_account_ready(*ground, kGuest.account_id);
  if (!switches.empty()) ground->stand_in.control("switches", switches);

  Path disk = ground->directory.path() / "disk.raw";
  std::string bytes(3 << 20, '\0');
  // Blocks of 512 KiB with something in them, and some with nothing.
  for (std::size_t i = 0; i < bytes.size(); i += 700'001) bytes[i] = static_cast<char>(i % 251 + 1);
  std::ofstream(disk, std::ios::binary) << bytes;
  Ground* base = ground.get();
  return {.keep = ground,
          .open = [base] { return base->stand_in.open(base->config, base->clock); },
          .clock = &base->clock,
          .home = kHome,
          .away = kAway,
          .guest = kGuest,
          .disk_file = disk,
          .settle = [] { std::this_thread::sleep_for(20ms); },
          .looks = 1500,
          .output_while_running = false,
          .machine_directory = "/var/tmp",
          .deadline_after = 3s};
}

}  // namespace

INSTANTIATE_CLOUD_CONTRACT(Aws, {"prompt", [] { return setup(Json::object()); }, why_no_stand_in},
                           {"lagging",
                            [] {
                              return setup({{"lag", 2}});
                            },
                            why_no_stand_in});

}  // namespace hallmark::cloud
