/// What a golden image's life asks of the AWS cloud, at an endpoint that is not ours: prints what
/// was made, for another client to look at. Usage: aws_cloud_operations ENDPOINT MACHINE IMAGE

#include <fmt/format.h>

#include <thread>

#include "aws/credentials/renewing.h"
#include "aws/http_client.h"
#include "base/error.h"
#include "base/json.h"
#include "cloud/aws/aws_cloud.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;

// moto's own account.
const Place kHome{"123456789012", "us-east-1"};
const Place kAway{"123456789012", "eu-west-1"};
constexpr const char* kShared = "222233334444";

void wait_for(const std::string& what, const std::function<bool()>& is_so) {
  for (int look = 0; look < 100; ++look) {
    if (is_so()) return;
    std::this_thread::sleep_for(100ms);
  }
  throw Error(ErrorKind::timeout, "{} never came", what);
}

Json run(const std::string& endpoint, const std::string& machine, const std::string& image) {
  SystemClock clock;
  auto client = std::make_shared<hallmark::aws::HttpClient>(
      clock,
      hallmark::aws::ClientOptions{.endpoint_url = endpoint,
                                   .credentials = std::make_shared<hallmark::aws::FixedCredentials>(
                                       hallmark::aws::Credentials{.access_key_id = "AKIAEXAMPLE",
                                                                  .secret_access_key = "secret",
                                                                  .source = "the test"}),
                                   .limit_rates = false,
                                   .environment = [](const std::string&) { return std::nullopt; },
                                   .home = "/nonexistent"});
  auto cloud = make_aws_cloud(
      {.account_id = kHome.account_id, .regions = {{.name = kHome.region}, {.name = kAway.region}}},
      client, {}, clock);
  cloud->stop_machine(kHome, machine);
  wait_for("a stopped machine", [&] {
    auto found = cloud->find_machine(kHome, machine);
    return found && found->state == MachineState::stopped;
  });
  ImageSpec spec{.name = "golden web (7)",
                 .description = "made by a test",
                 .tags = {{"owner", "images & <patches>"}}};
  std::string copy = cloud->copy_image(kAway, image, kHome.region, spec, "copy", {});
  cloud->set_tags(kHome, image,
                  {{"stage", "golden"}, {"owner", "images & <patches>"}, {"gone", "soon"}});
  cloud->remove_tags(kHome, image, {"gone"});
  cloud->share_image(kHome, image, kShared);
  cloud->share_image(kHome, image, "333344445555");
  cloud->unshare_image(kHome, image, "333344445555");
  std::int64_t first = cloud->put_parameter(kHome, "/GoldenAMI/web/latest", "ami-1", 0);
  std::int64_t second = cloud->put_parameter(kHome, "/GoldenAMI/web/latest", image, first);
  std::int64_t gone = cloud->put_parameter(kHome, "/GoldenAMI/web/gone", "ami-1", 0);
  cloud->remove_parameter(kHome, "/GoldenAMI/web/gone", gone);
  Json parameters = Json::array();
  for (const Parameter& parameter : cloud->list_parameters(kHome, "/GoldenAMI")) {
    parameters.push_back(parameter.name);
  }
  cloud->remove_machine(kHome, machine);
  Json listed = Json::array();
  for (const Image& found : cloud->list_images(kHome, {.tags = {{"stage", "golden"}}})) {
    listed.push_back(found.image_id);
  }
  return {{"copy", copy},
          {"shares", cloud->list_shares(kHome, image)},
          {"version", second},
          {"parameters", parameters},
          {"listed", listed}};
}

}  // namespace
}  // namespace hallmark::cloud

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: aws_cloud_operations ENDPOINT MACHINE IMAGE\n");
    return 2;
  }
  try {
    fmt::print("{}\n", hallmark::compact(hallmark::cloud::run(argv[1], argv[2], argv[3])));
  } catch (const hallmark::Error& error) {
    fmt::print(stderr, "{}\n", error.full_text());
    return hallmark::traits(error.kind()).exit_code;
  }
}
