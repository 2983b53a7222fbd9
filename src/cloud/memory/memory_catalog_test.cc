#include "cloud/memory/memory_catalog.h"

#include <gmock/gmock.h>

#include <fstream>

#include "cloud/contract.h"
#include "cloud/contract_catalog.h"
#include "cloud/hooks/faulty.h"
#include "cloud/hooks/hooked_catalog.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "eu-west-1"};
const Place kGuest{"444455556666", "us-east-1"};
constexpr const char* kImageParameter = "/GoldenAMI/Debian-12/web-1/1.0";

/// A cloud with an image that `home` and `guest` may launch, and a catalog over it.
struct Ground {
  explicit Ground(const MemoryOptions& options, bool in_a_file = false)
      : world(std::make_shared<MemoryWorld>(clock, options)), cloud(world) {
    Path disk = directory.path() / "disk.raw";
    std::ofstream(disk, std::ios::binary) << std::string(1 << 16, 'x');
    image_id = cloud.import_image(kHome, disk, {.name = "golden"}, "image", {});
    while (true) {
      auto image = cloud.find_image(kHome, image_id);
      if (image && image->state == ImageState::available) break;
      clock.advance(10s);
    }
    cloud.share_image(kHome, image_id, kGuest.account_id);
    for (const Place& place : {kHome, kGuest}) {
      cloud.put_parameter(place, kImageParameter, image_id, 0);
    }
    if (in_a_file) state_file = directory.path() / "catalog.json";
    catalog_world = new_world();
  }

  std::shared_ptr<MemoryCatalogWorld> new_world() const {
    return std::make_shared<MemoryCatalogWorld>(std::vector<std::string>{"us-east-1", "eu-west-1"},
                                                state_file);
  }

  std::vector<std::string> machines(const Place& place) {
    std::vector<std::string> ids;
    for (const Machine& machine : cloud.list_machines(place, {})) ids.push_back(machine.machine_id);
    return ids;
  }

  TempDir directory;
  ManualClock clock{from_rfc3339("2026-11-23T10:00:00Z")};
  std::shared_ptr<MemoryWorld> world;
  MemoryCloud cloud;
  std::string image_id;
  Path state_file;
  std::shared_ptr<MemoryCatalogWorld> catalog_world;
};

CatalogSetup setup(const std::shared_ptr<Ground>& ground) {
  Ground* base = ground.get();
  CatalogSetup setup;
  setup.keep = ground;
  setup.open = [base] {
    return std::make_unique<MemoryCatalog>(
        base->state_file.empty() ? base->catalog_world : base->new_world(), base->cloud,
        base->clock);
  };
  setup.home = kHome;
  setup.away = kAway;
  setup.guest = kGuest;
  setup.template_text = [](const std::string& parameter) { return "Image: " + parameter; };
  setup.image_parameter = kImageParameter;
  setup.machines = [base](const Place& place) { return base->machines(place); };
  setup.settle = [base] { base->clock.advance(1s); };
  return setup;
}

CatalogSetup hooked() {
  CatalogSetup setup = hallmark::cloud::setup(std::make_shared<Ground>(MemoryOptions{}));
  setup.open = [open = setup.open]() -> std::unique_ptr<Catalog> {
    return std::make_unique<HookedCatalog>(
        open(), CallHooks{std::make_shared<Faulty>(std::vector<Fault>{})});
  };
  return setup;
}

CatalogSetup prompt() { return setup(std::make_shared<Ground>(MemoryOptions{})); }

CatalogSetup lagging() {
  return setup(std::make_shared<Ground>(
      MemoryOptions{.find_lag = 2, .ready_looks = 2, .ready_after = 5s, .boot_looks = 2}));
}

CatalogSetup in_a_file() { return setup(std::make_shared<Ground>(MemoryOptions{}, true)); }

class MemoryCatalogTest : public ::testing::Test {
 protected:
  /// A version that the principal may launch.
  VersionId offered(std::string machine_size = "") {
    VersionId version = catalog_.publish_version(kHome, {.product = "web-1", .os = "Debian-12"}, {},
                                                 {.name = "1.0",
                                                  .template_text = "{}",
                                                  .image = kImageParameter,
                                                  .machine_size = std::move(machine_size)},
                                                 "version", {});
    std::string portfolio = catalog_.create_portfolio(
        kHome, {.name = "golden", .provider = "CCOE", .description = "", .tags = {}}, "portfolio");
    catalog_.add_product(kHome, portfolio, version.product_id, "");
    catalog_.grant(kHome, portfolio, "dev");
    catalog_.set_tag_options(kHome, portfolio, {{"Team", "web"}});
    return version;
  }
  ProductLaunch launch(const VersionId& version) {
    return {.version = version, .name = "mine", .principal = "dev", .parameters = {}, .tags = {}};
  }

  std::shared_ptr<Ground> ground_ = std::make_shared<Ground>(MemoryOptions{});
  MemoryCatalog catalog_{ground_->catalog_world, ground_->cloud, ground_->clock};
};

TEST_F(MemoryCatalogTest, MachineCarriesTheTagOptionsOfItsPortfolio) {
  ProductLaunch mine = launch(offered());
  mine.tags = {{"Team", "somebody else's"}, {"Cost-Center", "9"}};
  std::string id = catalog_.launch_product(kHome, mine, "t", {});
  std::vector<Machine> machines = ground_->cloud.list_machines(kHome, {});
  ASSERT_EQ(machines.size(), 1u);
  EXPECT_EQ(machines[0].tags, (Tags{{"Cost-Center", "9"}, {"Team", "web"}, {kProvisionedTag, id}}));
  EXPECT_EQ(machines[0].image_id, ground_->image_id);
}

TEST_F(MemoryCatalogTest, OtherLaunchParametersThanTheSizeAreRefused) {
  ProductLaunch mine = launch(offered());
  mine.parameters = {{"VpcId", "vpc-1"}};
  EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, "t", {}); }),
            ErrorKind::usage);
  mine.parameters = {{"InstanceType", "t3.small"}};
  EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, "t", {}); }), std::nullopt);
}

TEST_F(MemoryCatalogTest, LaunchThatFoundNoRoomGoesOnWithItsToken) {
  ProductLaunch mine = launch(offered());
  ground_->world->set_machine_capacity(0);
  EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, "t", {}); }),
            ErrorKind::unavailable);
  ASSERT_EQ(catalog_.list_provisioned(kHome).size(), 1u);
  EXPECT_EQ(catalog_.list_provisioned(kHome)[0].state, ProvisionedState::changing);
  ground_->world->set_machine_capacity(1);
  std::string id = catalog_.launch_product(kHome, mine, "t", {});
  EXPECT_EQ(catalog_.find_provisioned(kHome, id)->state, ProvisionedState::available);
  EXPECT_EQ(ground_->machines(kHome).size(), 1u);
}

TEST_F(MemoryCatalogTest, LaunchThatCannotSucceedLeavesNothing) {
  ProductLaunch mine = launch(offered());
  ground_->cloud.remove_parameter(kHome, kImageParameter, 1);
  EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, "t", {}); }),
            ErrorKind::not_found);
  EXPECT_THAT(catalog_.list_provisioned(kHome), IsEmpty());
}

TEST_F(MemoryCatalogTest, MachineWhoseLaunchWasNotAnsweredIsEndedToo) {
  ProductLaunch mine = launch(offered());
  ground_->world->fail("launch_machine", 1, Error(ErrorKind::unavailable, "no answer"),
                       FailureMoment::after);
  EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, "t", {}); }),
            ErrorKind::unavailable);
  ASSERT_EQ(ground_->machines(kHome).size(), 1u);
  catalog_.remove_provisioned(kHome, catalog_.list_provisioned(kHome).at(0).provisioned_id);
  EXPECT_THAT(ground_->machines(kHome), IsEmpty());
  EXPECT_THAT(catalog_.list_provisioned(kHome), IsEmpty());
}

TEST_F(MemoryCatalogTest, LaunchThatWasCutAnywhereIsTakenUpAgain) {
  const VersionId version = offered();
  for (const FailureMoment moment : {FailureMoment::before, FailureMoment::after}) {
    for (int use : {1, 2}) {
      ProductLaunch mine = launch(version);
      mine.name = fmt::format("cut-{}-{}", use, moment == FailureMoment::after);
      ground_->catalog_world->fail(use, Error(ErrorKind::unavailable, "cut"), moment);
      EXPECT_EQ(error_kind_of([&] { catalog_.launch_product(kHome, mine, mine.name, {}); }),
                ErrorKind::unavailable);
      std::string id = catalog_.launch_product(kHome, mine, mine.name, {});
      EXPECT_EQ(catalog_.find_provisioned(kHome, id)->state, ProvisionedState::available);
    }
  }
  EXPECT_EQ(ground_->machines(kHome).size(), 4u);
  EXPECT_EQ(catalog_.list_provisioned(kHome).size(), 4u);
}

TEST_F(MemoryCatalogTest, MachineThatDiedIsSaidToBeGone) {
  std::string id = catalog_.launch_product(kHome, launch(offered()), "t", {});
  ground_->cloud.remove_machine(kHome, ground_->machines(kHome).at(0));
  std::optional<ProvisionedProduct> found = catalog_.find_provisioned(kHome, id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, ProvisionedState::failed);
  EXPECT_THAT(found->state_reason, ::testing::HasSubstr("terminated"));
}

TEST_F(MemoryCatalogTest, LeftoversNameWhatIsThere) {
  EXPECT_THAT(ground_->catalog_world->leftovers(), IsEmpty());
  catalog_.launch_product(kHome, launch(offered()), "t", {});
  EXPECT_THAT(ground_->catalog_world->leftovers(),
              ElementsAre("portfolio golden in 111122223333/us-east-1",
                          "product web-1-Debian-12 version 1.0 in 111122223333/us-east-1",
                          "provisioned product mine in 111122223333/us-east-1"));
}

TEST_F(MemoryCatalogTest, UnknownPlacesAreRefused) {
  EXPECT_EQ(error_kind_of([&] { catalog_.list_products({"12", "us-east-1"}); }), ErrorKind::usage);
  EXPECT_EQ(error_kind_of([&] {
              catalog_.list_products({"111122223333", "mars-1"});
            }),
            ErrorKind::usage);
}

}  // namespace

INSTANTIATE_CATALOG_CONTRACT(Memory, {"prompt", prompt}, {"lagging", lagging},
                             {"in_a_file", in_a_file}, {"hooked", hooked});

}  // namespace hallmark::cloud
