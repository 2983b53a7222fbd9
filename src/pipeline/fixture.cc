#include "pipeline/fixture.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "cloud/hooks/faulty.h"
#include "cloud/hooks/hooked_catalog.h"
#include "cloud/hooks/hooked_cloud.h"
#include "cloud/hooks/hooked_image_services.h"
#include "cloud/hooks/hooked_launch_templates.h"
#include "db/testing.h"

namespace hallmark::pipeline {

namespace {

/// Far enough from the epoch for any subtraction; a date in messages.
const TimePoint kStart = from_rfc3339("2026-11-22T12:00:00Z");
/// An in-memory world needs no real disk, only a readable one.
constexpr std::size_t kDiskBytes = 64 << 10;
/// More than any test lets a world lag.
constexpr int kLooks = 50;

model::Script script(const std::string& name) {
  return {.name = name, .text = "#!/bin/sh\n# " + name + "\n"};
}

model::Inventory sample_inventory() {
  model::Inventory inventory;
  inventory.distribution = {"debian", "12", "bookworm", "Debian 12"};
  inventory.architecture = "amd64";
  inventory.packages = {{"openssl", "3.0.15-1", "amd64", "openssl", "3.0.15-1", "dpkg"}};
  return inventory;
}

}  // namespace

model::Pipeline sample_pipeline() {
  model::Pipeline pipeline;
  pipeline.product = "Web-1.0";
  pipeline.os = "Debian-12";
  pipeline.version = "1";
  pipeline.source.name = "debian-source";
  pipeline.build.region = "us-east-1";
  pipeline.pre_update = script("pre-update");
  pipeline.post_update = script("post-update");
  pipeline.tests = {{"hardened", script("hardened")}};
  pipeline.targets = {
      {.account_id = kHomeAccount, .regions = {"us-east-1", "us-west-2"}},
      {.account_id = kChildAccount, .regions = {"eu-west-1", "us-west-2"}},
  };
  return pipeline;
}

model::Assessment assessment_with(int pending_updates, int gaps) {
  model::Assessment assessment;
  assessment.scanner = "fake";
  assessment.completeness =
      gaps == 0 ? model::Completeness::complete : model::Completeness::partial;
  assessment.assessed_at = "2026-11-22T12:00:00.000Z";
  assessment.package_count = 1;
  for (int i = 0; i < pending_updates; ++i) {
    model::Finding finding;
    finding.package = "package" + std::to_string(i);
    finding.finding_id = "suite:" + finding.package;
    finding.installed_version = "1";
    finding.fixed_version = "2";
    assessment.findings.push_back(finding);
  }
  for (int i = 0; i < gaps; ++i) assessment.gaps.push_back({"partition 3", "unknown file system"});
  return assessment;
}

namespace {

class FakeScanner final : public scan::OutsideScanner {
 public:
  FakeScanner(std::string name, const FakeService& service)
      : name_(std::move(name)), service_(service) {}

  std::string name() const override { return name_; }
  Duration poll_interval() const override { return Duration{30'000}; }
  bool alters_machine() const override { return name_ == service_.altering; }
  bool needs_machine() const override { return service_.needs_machine; }
  void check(std::stop_token) override {}
  std::string launch(const scan::ScanTarget& target, std::stop_token) override {
    if (service_.refuses) throw *service_.refuses;
    if (!read_file_if_exists(file(target))) {
      write_file(file(target), "");
      append_file(service_.directory / "launches", name_ + "\n");
    }
    return "scan of " + target.ip;
  }
  scan::ScanProgress look(const scan::ScanTarget& target, const std::string&,
                          std::stop_token) override {
    append_file(file(target), ".");
    return {has_ended(target), has_ended(target) ? "done" : "running"};
  }
  model::Assessment collect(const scan::ScanTarget& target, const std::string& scan_id,
                            const scan::KeepRaw& keep_raw, std::stop_token) override {
    model::Assessment assessment{.reasons = {"the scan has not ended"}};
    if (has_ended(target)) assessment = service_.see();
    assessment.scanner = name_;
    assessment.native_id = scan_id;
    assessment.raw = {keep_raw(name_ + "/answer.txt", "text/plain", "as it came")};
    return assessment;
  }
  void clean_up(const scan::ScanTarget& target, const std::string&, std::stop_token) override {
    if (service_.stays) throw Error(ErrorKind::denied, "scans stay");
    std::filesystem::remove(file(target));
  }

 private:
  Path file(const scan::ScanTarget& target) const {
    return service_.directory / (sha256_hex(target.title) + ".scan");
  }
  bool has_ended(const scan::ScanTarget& target) const {
    const std::string looks = read_file_if_exists(file(target)).value_or("");
    return service_.looks >= 0 && static_cast<int>(looks.size()) >= service_.looks;
  }

  std::string name_;
  FakeService service_;
};

}  // namespace

int FakeService::launches() const {
  const std::string lines = read_file_if_exists(directory / "launches").value_or("");
  return static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
}

std::vector<Path> FakeService::scans() const {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".scan") files.push_back(entry.path());
  }
  return files;
}

OutsideScanners fake_scanners(const FakeService& service) {
  make_directories(service.directory);
  return [service](const std::string& name) -> std::shared_ptr<scan::OutsideScanner> {
    if (name == "unknown") throw Error(ErrorKind::usage, "there is no scanner {}", name);
    return std::make_shared<FakeScanner>(name, service);
  };
}

Product::Product(ManualClock& clock, std::shared_ptr<cloud::MemoryWorld> world,
                 ProductOptions options)
    : directory(options.directory) {
  cloud = std::make_shared<cloud::MemoryCloud>(world);
  cloud::CallHooks hooks;
  if (options.cloud_point) {
    hooks = {std::make_shared<cloud::Faulty>(std::vector<cloud::Fault>{}, options.cloud_point)};
  }
  cloud = std::make_shared<cloud::HookedCloud>(cloud, hooks);
  catalog_world = std::make_shared<cloud::MemoryCatalogWorld>(options.cloud.regions,
                                                              directory / "catalog.json");
  catalog_world->members = [world](const std::string& unit_id, const std::string& account_id) {
    return cloud::has_member(world->units(), unit_id, account_id);
  };
  organizations = std::make_shared<cloud::MemoryOrganizations>(world);
  launch_templates = std::make_shared<cloud::HookedLaunchTemplates>(
      std::make_shared<cloud::MemoryLaunchTemplates>(world), hooks);
  catalog = options.catalog;
  if (!catalog) catalog = std::make_shared<cloud::MemoryCatalog>(catalog_world, *cloud, clock);
  catalog = std::make_shared<cloud::HookedCatalog>(catalog, hooks);
  image_services = std::make_shared<cloud::HookedImageServices>(
      std::make_shared<cloud::MemoryImageServices>(std::move(world)), hooks);
  database = db::Database::open(db::test_database_url(directory / "hallmark.db"));
  ledger = std::make_unique<workflow::Ledger>(*database, clock);
  audit = std::make_unique<audit::Log>(*database, directory / "audit", clock);
  auto assess = options.assess;
  context = std::make_unique<Context>(
      Context{.cloud = *cloud,
              .catalog = *catalog,
              .database = *database,
              .ledger = *ledger,
              .audit = *audit,
              .clock = clock,
              .state_directory = directory,
              .scanner = {.take_inventory =
                              [](disk::BlockReader&, const model::InventorySettings&) {
                                return sample_inventory();
                              },
                          .assess =
                              [assess](const model::Inventory& inventory, std::stop_token) {
                                return assess ? assess(inventory) : assessment_with(0);
                              }},
              .secret = [](const std::string& name) -> std::optional<std::string> {
                if (name == "API_KEY") return "s3cr3t-value";
                return std::nullopt;
              },
              .fetch = [](const std::string& url, std::stop_token) -> std::string {
                throw Error(ErrorKind::not_found, "{} is not there", url);
              },
              .outside_scanner = options.outside_scanner,
              .organizations = organizations.get(),
              .launch_templates = launch_templates.get(),
              .image_services = *image_services});
  engine = std::make_unique<workflow::Engine>(
      *database, clock, workflows(*context),
      workflow::EngineOptions{.log_directory = directory / "runs",
                              .hold_thread_below = Duration{3600'000},
                              .crash_point = options.crash_point});
}

std::string Product::import_source() {
  cloud::Place home = context->home("us-east-1");
  Path disk = directory / "source.raw";
  write_file(disk, std::string(kDiskBytes, '\0'));
  std::string id = cloud->import_image(home, disk, {.name = "debian-source"}, "source", {});
  // In a lagging world it takes some looks to be seen and to be ready.
  for (int look = 0; look < kLooks; ++look) {
    auto image = cloud->find_image(home, id);
    if (image && image->state == cloud::ImageState::available) return id;
  }
  throw Error(ErrorKind::internal, "the world lags more than {} looks", kLooks);
}

std::string Product::start(const model::Pipeline& pipeline) {
  return start_build(*engine, *context, pipeline, "grace", {});
}

workflow::RunInfo Product::drive(const std::string& run_id) {
  return engine->drive(run_id, Duration{48 * 3600'000}, {});
}

void Product::decide(const std::string& run_id, bool approve, const std::string& who) {
  pipeline::decide(*engine, *context, image(run_id), {.approver = who, .approve = approve});
}

GoldenImage Product::golden(const model::Pipeline& pipeline) {
  std::string run_id = start(pipeline);
  drive(run_id);
  decide(run_id, true);
  workflow::RunInfo run = drive(run_id);
  if (run.error) throw *run.error;
  return image(run_id);
}

GoldenImage Product::image(const std::string& reference) const {
  return get_golden_image(*database, reference);
}

namespace {
ProductOptions in_directory(ProductOptions options, const Path& directory) {
  if (options.directory.empty()) options.directory = directory;
  return options;
}
}  // namespace

Fixture::Fixture(ProductOptions options)
    : clock(kStart),
      world(std::make_shared<cloud::MemoryWorld>(clock, options.cloud)),
      product(clock, world, in_directory(options, directory.path())) {
  product.import_source();
}

}  // namespace hallmark::pipeline
