#include "cloud/libvirt/catalog_store.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"
#include "cloud/contract.h"
#include "cloud/contract_catalog.h"
#include "cloud/memory/memory_cloud.h"

namespace hallmark::cloud {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

const Place kHome{"111122223333", "us-east-1"};
const Place kAway{"111122223333", "eu-west-1"};
const Place kGuest{"444455556666", "us-east-1"};
constexpr const char* kImageParameter = "/GoldenAMI/Debian-12/web-1/1.0";

/// The local catalog's files, with machines that cost nothing.
struct Ground {
  Ground() {
    Path disk = directory.path() / "disk.raw";
    std::ofstream(disk, std::ios::binary) << std::string(1 << 16, 'x');
    std::string image_id = cloud.import_image(kHome, disk, {.name = "golden"}, "image", {});
    cloud.find_image(kHome, image_id);
    cloud.share_image(kHome, image_id, kGuest.account_id);
    for (const Place& place : {kHome, kGuest}) {
      cloud.put_parameter(place, kImageParameter, image_id, 0);
    }
    config.root = directory.path() / "cloud";
    config.account_id = kHome.account_id;
    config.regions = {"us-east-1", "eu-west-1"};
  }
  std::unique_ptr<Catalog> open() { return make_libvirt_catalog(config, cloud, clock); }
  Path files(const Place& place) const {
    return config.root / "regions" / place.region / "accounts" / place.account_id / "catalog";
  }

  TempDir directory;
  ManualClock clock{from_rfc3339("2026-11-23T10:00:00Z")};
  MemoryCloud cloud{std::make_shared<MemoryWorld>(clock)};
  LibvirtCloudConfig config;
};

CatalogSetup in_files() {
  auto ground = std::make_shared<Ground>();
  Ground* base = ground.get();
  CatalogSetup setup;
  setup.keep = ground;
  setup.open = [base] { return base->open(); };
  setup.home = kHome;
  setup.away = kAway;
  setup.guest = kGuest;
  setup.template_text = [](const std::string& parameter) { return "Image: " + parameter; };
  setup.image_parameter = kImageParameter;
  setup.machines = [base](const Place& place) {
    std::vector<std::string> ids;
    for (const Machine& machine : base->cloud.list_machines(place, {})) {
      ids.push_back(machine.machine_id);
    }
    return ids;
  };
  setup.settle = [base] { base->clock.advance(1s); };
  return setup;
}

VersionId publish(Catalog& catalog) {
  return catalog.publish_version(
      kHome, {.product = "web-1", .os = "Debian-12"}, {},
      {.name = "1.0", .template_text = "{}", .image = kImageParameter, .machine_size = ""}, "t",
      {});
}

TEST(LibvirtCatalogStore, EachThingIsAFileOfItsAccount) {
  Ground ground;
  std::unique_ptr<Catalog> catalog = ground.open();
  VersionId version = publish(*catalog);
  std::string portfolio = catalog->create_portfolio(
      kGuest, {.name = "golden", .provider = "CCOE", .description = "", .tags = {}}, "t");
  const Path product_file = ground.files(kHome) / "products" / (version.product_id + ".json");
  const Path portfolio_file = ground.files(kGuest) / "portfolios" / (portfolio + ".json");
  EXPECT_TRUE(std::filesystem::is_regular_file(product_file));
  EXPECT_TRUE(std::filesystem::is_regular_file(portfolio_file));
  catalog->remove_version(kHome, version);
  catalog->remove_portfolio(kGuest, portfolio);
  EXPECT_FALSE(std::filesystem::exists(product_file));
  EXPECT_FALSE(std::filesystem::exists(portfolio_file));
}

TEST(LibvirtCatalogStore, WhatNobodyChangedIsNotWrittenAgain) {
  Ground ground;
  std::unique_ptr<Catalog> catalog = ground.open();
  VersionId version = publish(*catalog);
  const Path file = ground.files(kHome) / "products" / (version.product_id + ".json");
  const auto long_ago = std::filesystem::file_time_type::clock::now() - 24h;
  std::filesystem::last_write_time(file, long_ago);
  catalog->set_version_state(kHome, version, VersionState::active);
  catalog->list_products(kHome);
  EXPECT_EQ(std::filesystem::last_write_time(file), long_ago);
}

TEST(LibvirtCatalogStore, BrokenFilesAreNamed) {
  Ground ground;
  std::unique_ptr<Catalog> catalog = ground.open();
  VersionId version = publish(*catalog);
  const Path file = ground.files(kHome) / "products" / (version.product_id + ".json");
  const std::string good = read_file(file);
  Json moved = Json::parse(good);
  moved["owner_id"] = kGuest.account_id;
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), good.substr(0, good.size() / 2),
        std::string("{\"product_id\": 7}"), moved.dump()}) {
    write_file(file, bad);
    try {
      catalog->list_products(kHome);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::corrupt);
      EXPECT_THAT(e.full_text(), HasSubstr(file.filename().string()));
    }
  }
}

TEST(LibvirtCatalogStore, FilesOfOthersAreLeftAlone) {
  Ground ground;
  std::unique_ptr<Catalog> catalog = ground.open();
  VersionId version = publish(*catalog);
  const Path note = ground.files(kHome) / "products" / "README";
  write_file(note, "mine");
  EXPECT_EQ(catalog->list_products(kHome).size(), 1u);
  catalog->remove_version(kHome, version);
  EXPECT_EQ(read_file(note), "mine");
}

TEST(LibvirtCatalogStore, UnknownPlacesAreRefused) {
  Ground ground;
  std::unique_ptr<Catalog> catalog = ground.open();
  EXPECT_EQ(error_kind_of([&] { catalog->list_products({"12", "us-east-1"}); }), ErrorKind::usage);
  EXPECT_EQ(error_kind_of([&] {
              catalog->list_products({kHome.account_id, "../.."});
            }),
            ErrorKind::not_found);
}

TEST(LibvirtUnits, ImagesAndPortfoliosAreSharedWithTheAccountsThatConfigNames) {
  const std::string unit =
      "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-webteams1";
  const Place stranger{"555566667777", kHome.region};
  Ground ground;
  EXPECT_EQ(make_libvirt_organizations(ground.config), nullptr);
  ground.config.units.accounts = {{unit, {kGuest.account_id}}};
  const auto organizations = make_libvirt_organizations(ground.config);
  ASSERT_EQ(organizations->list_members(unit, {}).size(), 1u);
  EXPECT_TRUE(organizations->find_account(kGuest.account_id, {}));
  EXPECT_FALSE(organizations->find_account(stranger.account_id, {}));

  const auto catalog = ground.open();
  const std::string id =
      catalog->create_portfolio(kHome, {.name = "golden", .provider = "us"}, "t");
  catalog->share_portfolio(kHome, id, unit_id(unit));
  EXPECT_THAT(catalog->list_portfolio_shares(kHome, id), ::testing::ElementsAre(unit_id(unit)));
  catalog->accept_portfolio(kGuest, id);
  EXPECT_TRUE(ground.open()->find_portfolio(kGuest, id)) << "kept in the file";
  EXPECT_EQ(error_kind_of([&] { catalog->accept_portfolio(stranger, id); }), ErrorKind::not_found);
  catalog->unshare_portfolio(kHome, id, unit_id(unit));
  EXPECT_FALSE(catalog->find_portfolio(kGuest, id));

  const auto cloud = make_libvirt_cloud(ground.config, ground.clock);
  const std::string image_id = cloud->import_image(kHome, ground.directory.path() / "disk.raw",
                                                   {.name = "golden"}, "image", {});
  EXPECT_FALSE(cloud->find_image(kGuest, image_id));
  cloud->share_image(kHome, image_id, unit);
  EXPECT_TRUE(cloud->find_image(kGuest, image_id));
  EXPECT_EQ(cloud->list_images(kGuest, {.owned_only = false}).size(), 1u);
  EXPECT_FALSE(cloud->find_image(stranger, image_id));
  EXPECT_THAT(cloud->list_shares(kHome, image_id), ::testing::ElementsAre(unit));
  cloud->unshare_image(kHome, image_id, unit);
  EXPECT_FALSE(cloud->find_image(kGuest, image_id));
}

}  // namespace

INSTANTIATE_CATALOG_CONTRACT(Libvirt, {"in_files", in_files});

}  // namespace hallmark::cloud
