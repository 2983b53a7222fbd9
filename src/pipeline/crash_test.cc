/// The product's workflows, killed at every checkpoint and before and after every cloud call: one
/// outcome, no duplicate effect, an empty ledger.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cloud/hooks/faulty.h"
#include "cloud/hooks/hooked_catalog.h"
#include "cloud/hooks/hooked_cloud.h"
#include "cloud/hooks/hooked_image_services.h"
#include "cloud/hooks/hooked_launch_templates.h"
#include "cloud/memory/memory_launch_templates.h"
#include "cloud/memory/memory_organizations.h"
#include "pipeline/archive.h"
#include "pipeline/archive_store.h"
#include "pipeline/channel_store.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"
#include "pipeline/portfolios.h"
#include "pipeline/remediation.h"
#include "workflow/crash_everywhere.h"

namespace hallmark::pipeline {
namespace {

using workflow::CrashContext;
using workflow::CrashPlan;
using workflow::CrashReport;
using workflow::RunInfo;
using workflow::RunState;

/// What is expected once the run has ended, however often its process died.
struct Expectation {
  std::vector<std::string> leftovers;  ///< how each line of the world's leftovers starts
  std::map<std::string, int> effects;  ///< operation and how often it took effect
  int scans = 0;                       ///< launched on outside services
};

struct Scenario {
  std::string workflow;
  model::Pipeline pipeline = sample_pipeline();
  cloud::MemoryOptions cloud;
  std::function<model::Assessment()> assess = [] { return assessment_with(0); };
  bool service_refuses = false;    ///< every launch of a scan
  bool golden_there = false;       ///< an active image exists before the run
  bool distributed_there = false;  ///< and is where its targets are
  bool disabled_there = false;     ///< and is disabled everywhere
  bool offered_there = false;      ///< and is in the catalogs
  bool promoted_there = false;     ///< and is held by the channel prod
  bool archived_there = false;     ///< and lies in a bucket
  bool lost_there = false;         ///< and somebody removed its image
  std::string encrypted_with;      ///< a key; empty: it is not
  bool approve = true;
  /// A unit with the child account, which has a launch template "web" in us-west-2, and our own
  /// account one at home.
  bool units_there = false;
  std::set<std::string> refused_closed;  ///< accounts that let nobody in, and are closed
  int builds = 0;                        ///< recorded by the run, driven by nobody
  Expectation expected;
};

constexpr const char* kGoldenRun = "run-golden";
constexpr const char* kUnit =
    "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-webteams1";

class ProductWorld : public workflow::CrashWorld {
 public:
  ProductWorld(const CrashContext& crash, const Scenario& scenario)
      : crash_(crash), scenario_(scenario) {
    cloud::MemoryOptions options = scenario.cloud;
    options.state_file = crash.directory / "world.json";
    bool fresh = !read_file_if_exists(options.state_file);
    world_ = std::make_shared<cloud::MemoryWorld>(crash.clock, options);
    catalog_world_ = std::make_shared<cloud::MemoryCatalogWorld>(options.regions,
                                                                 crash.directory / "catalog.json");
    open(std::make_shared<cloud::MemoryCloud>(world_), {});
    if (fresh) set_up();
    for (const std::string& account : scenario.refused_closed) {
      world_->refuse_account(account, Error(ErrorKind::denied, "no role in {}", account));
    }
  }

  std::vector<workflow::WorkflowDefinition> workflows() override {
    auto visit = [this](const std::string& point) { crash_.plan.hit("cloud/" + point); };
    std::vector<std::shared_ptr<cloud::CallHook>> hooks = {
        std::make_shared<cloud::Faulty>(std::vector<cloud::Fault>{}, visit)};
    open(std::make_shared<cloud::HookedCloud>(std::make_shared<cloud::MemoryCloud>(world_), hooks),
         hooks);
    return pipeline::workflows(*context_);
  }

  bool answer(workflow::Engine& engine, const RunInfo& run) override {
    GoldenImage image = get_golden_image(crash_.database, run.run_id);
    engine.signal(run.run_id, kDecisionSignal,
                  Decision{.approver = "ada",
                           .approve = scenario_.approve,
                           .evidence_digest = image.evidence_digest,
                           .decided_at = to_rfc3339(crash_.clock.now())});
    return true;
  }

  void check(const RunInfo&) override {
    std::vector<std::string> left = world_->leftovers();
    for (std::string& line : catalog_world_->leftovers()) left.push_back("catalog: " + line);
    for (const std::string& expected : scenario_.expected.leftovers) {
      auto found = std::find_if(left.begin(), left.end(), [&](const std::string& line) {
        return line.find(expected) != std::string::npos;
      });
      if (found == left.end()) {
        throw Error(ErrorKind::failed, "missing: {}; there is: {}", expected, join(left, " | "));
      }
      left.erase(found);
    }
    if (!left.empty()) throw Error(ErrorKind::failed, "left over: {}", join(left, " | "));
    int builds = 0;
    crash_.database.read([&](db::Connection& connection) {
      builds = static_cast<int>(connection
                                    .query("select run_id from runs where workflow = 'build'"
                                           " and state = 'pending'",
                                           {})
                                    .size());
    });
    if (builds != scenario_.builds) {
      throw Error(ErrorKind::failed, "{} builds are recorded, not {}", builds, scenario_.builds);
    }
    if (!service().scans().empty()) throw Error(ErrorKind::failed, "a scan is left");
    if (service().launches() != scenario_.expected.scans) {
      throw Error(ErrorKind::failed, "{} scans were launched, not {}", service().launches(),
                  scenario_.expected.scans);
    }
    for (const auto& [operation, count] : scenario_.expected.effects) {
      if (world_->effects(operation) != count) {
        throw Error(ErrorKind::failed, "{} took effect {} times, not {}", operation,
                    world_->effects(operation), count);
      }
    }
  }

 private:
  void open(std::shared_ptr<cloud::Cloud> cloud, const cloud::CallHooks& hooks) {
    cloud_ = std::move(cloud);
    organizations_ = std::make_unique<cloud::MemoryOrganizations>(world_);
    templates_ = std::make_unique<cloud::HookedLaunchTemplates>(
        std::make_shared<cloud::MemoryLaunchTemplates>(world_), hooks);
    catalog_ = std::make_shared<cloud::HookedCatalog>(
        std::make_shared<cloud::MemoryCatalog>(catalog_world_, *cloud_, crash_.clock), hooks);
    image_services_ = std::make_shared<cloud::HookedImageServices>(
        std::make_shared<cloud::MemoryImageServices>(world_), hooks);
    ledger_ = std::make_unique<workflow::Ledger>(crash_.database, crash_.clock);
    audit_ =
        std::make_unique<audit::Log>(crash_.database, crash_.directory / "audit", crash_.clock);
    context_ = std::make_unique<Context>(
        Context{.cloud = *cloud_,
                .catalog = *catalog_,
                .database = crash_.database,
                .ledger = *ledger_,
                .audit = *audit_,
                .clock = crash_.clock,
                .state_directory = crash_.directory,
                .scanner = {.take_inventory =
                                [](disk::BlockReader&, const model::InventorySettings&) {
                                  return model::Inventory{};
                                },
                            .assess = [this](const model::Inventory&,
                                             std::stop_token) { return scenario_.assess(); }},
                .secret = [](const std::string&) { return std::nullopt; },
                .fetch = [](const std::string&, std::stop_token) { return std::string(); },
                .outside_scanner = fake_scanners(service()),
                .organizations = organizations_.get(),
                .launch_templates = templates_.get(),
                .image_services = *image_services_});
  }

  FakeService service() const {
    FakeService service{.directory = crash_.directory / "service"};
    if (scenario_.service_refuses) service.refuses = Error(ErrorKind::denied, "no licence");
    return service;
  }

  void set_up() {
    cloud::Place home = context_->home("us-east-1");
    Path disk = crash_.directory / "source.raw";
    write_file(disk, std::string(4096, '\0'));
    std::string source = cloud_->import_image(home, disk, {.name = "debian-source"}, "source", {});
    if (scenario_.units_there) {
      world_->change_units([&](cloud::UnitList& units) {
        units.accounts[kUnit] = {kChildAccount, "555566667777"};
        units.states["555566667777"] = cloud::AccountState::suspended;
        for (const std::string& account : scenario_.refused_closed) {
          units.states[account] = cloud::AccountState::closed;
        }
      });
      world_->make_template({kChildAccount, "us-west-2"}, "web", "ami-00000000000000001");
      world_->make_template({kHomeAccount, "us-east-1"}, "web", "ami-00000000000000001");
    }
    if (!scenario_.golden_there) return;

    const model::Pipeline& pipeline = scenario_.pipeline;
    cloud::ImageSpec spec{.name = model::image_name(pipeline),
                          .tags = image_tags(pipeline, kGoldenType)};
    GoldenImage image{.run_id = kGoldenRun,
                      .image_key = model::image_key(pipeline),
                      .product = pipeline.product,
                      .os = pipeline.os,
                      .version = pipeline.version,
                      .home = home,
                      .requested_by = "grace",
                      .pipeline = pipeline,
                      .created_at = "2026-11-22T12:00:00Z"};
    reserve_version(*context_, image);
    auto plant = [&](const cloud::Place& place, const std::string& id, const char* delivery) {
      ImageTarget target{.place = place, .image_id = id, .delivery = delivery};
      if (scenario_.disabled_there) {
        target.state = TargetState::disabled;
        if (target.delivery != "share") cloud_->disable_image(place, id);
      } else {
        target.state = TargetState::available;
        if (target.delivery == "share") {
          cloud_->share_image({home.account_id, place.region}, id, place.account_id);
        }
        publish_parameter(*cloud_, place,
                          version_parameter(pipeline.product, pipeline.os, pipeline.version), id);
        add_to_latest(*cloud_, place, id, model::image_key(pipeline));
      }
      record_target(crash_.database, kGoldenRun, target, crash_.clock.now());
    };
    image.image_id = cloud_->import_image(home, disk, spec, "golden", {});
    change_image(*context_, kGoldenRun, {.state = GoldenState::active, .image_id = image.image_id});
    if (!scenario_.encrypted_with.empty()) {
      world_->encrypt_image(image.image_id, scenario_.encrypted_with);
    }
    if (scenario_.promoted_there) {
      record_move(*context_, {.channel = {pipeline.product, pipeline.os, "prod"},
                              .move_run_id = "run-promote",
                              .to_run_id = kGoldenRun,
                              .to_key = image.image_key,
                              .moved_by = "grace"});
    }
    if (scenario_.workflow == "reassess") plant_evidence(image);
    if (scenario_.workflow == "remediate") {
      cloud_->launch_machine(home, {.image_id = source, .name = "raw"}, "raw", {});
      plant_recovered(cloud_->launch_machine(home, {.image_id = image.image_id, .name = "golden"},
                                             "machine", {}));
      crash_.clock.sleep_until(crash_.clock.now() + std::chrono::hours(1), {});
    }
    if (scenario_.archived_there) {
      const std::string object = image_services_->archive_image(home, image.image_id, "bucket", {});
      record_archive(*context_, image,
                     {.region = home.region,
                      .bucket = "bucket",
                      .object = object,
                      .image_id = image.image_id,
                      .archived_by = "grace",
                      .archived_at = "2026-11-01T00:00:00Z"});
    }
    if (scenario_.workflow == "unarchive") plant_evidence(image);
    if (scenario_.lost_there) {
      plant(home, image.image_id, "home");
      return cloud_->remove_image(home, image.image_id);
    }
    if (!scenario_.distributed_there) return plant(home, image.image_id, "home");
    cloud::Place west{home.account_id, "us-west-2"};
    std::string copy = cloud_->copy_image(west, image.image_id, home.region, spec, "copy", {});
    plant(home, image.image_id, "home");
    plant(west, copy, "regional");
    plant({kChildAccount, west.region}, copy, "share");
    if (scenario_.disabled_there) {
      change_image(*context_, kGoldenRun, {.state = GoldenState::disabled});
    }
    if (scenario_.offered_there) offer({home, west, {kChildAccount, west.region}});
  }

  /// One that was not golden the last time.
  void plant_recovered(const std::string& machine_id) {
    const std::string since = "2026-11-01T00:00:00.000Z";
    cloud_->set_tags({kHomeAccount, "us-east-1"}, machine_id, {{"since", since}});
    context_->database.transaction([&](db::Connection& connection) {
      connection.execute(
          "insert or ignore into remediations (account_id, region, machine_id, image_id, since,"
          " stop_token) values (:account, 'us-east-1', :machine, 'ami-1', :since, '')",
          {{"account", kHomeAccount}, {"machine", machine_id}, {"since", since}});
    });
  }

  /// In a portfolio of each place, the others' shared with the child.
  void offer(const std::vector<cloud::Place>& places) {
    const cloud::ProductKey key{.product = "Web-1.0", .os = "Debian-12"};
    const cloud::PortfolioSpec spec{
        .name = "golden", .provider = "us", .description = "", .tags = {{kPortfolioTag, "golden"}}};
    std::string shared;
    std::string product;
    for (const cloud::Place& place : places) {
      const bool is_child = place.account_id == kChildAccount;
      if (is_child) catalog_->accept_portfolio(place, shared);
      if (!is_child) {
        product = catalog_
                      ->publish_version(place, key, {},
                                        {.name = "1", .template_text = "{}", .image = "ami-1"},
                                        "planted", {})
                      .product_id;
      }
      const std::string id = catalog_->create_portfolio(place, spec, "planted");
      catalog_->add_product(place, id, product, is_child ? shared : "");
      if (!is_child) catalog_->share_portfolio(place, id, kChildAccount);
      shared = id;
    }
  }

  /// As its build would have left it.
  void plant_evidence(const GoldenImage& image) {
    Evidence evidence{.image_id = image.image_id, .assessments = {assessment_with(0)}};
    for (const model::ScannerUse& use : scenario_.pipeline.scanners) {
      evidence.assessments.push_back(assessment_with(0));
      evidence.assessments.back().scanner = use.name;
    }
    change_image(
        *context_, kGoldenRun,
        {.evidence_digest = write_evidence(*context_, kGoldenRun, scenario_.pipeline, evidence)});
  }

  CrashContext crash_;
  const Scenario& scenario_;
  std::shared_ptr<cloud::MemoryWorld> world_;
  std::shared_ptr<cloud::MemoryCatalogWorld> catalog_world_;
  std::shared_ptr<cloud::Cloud> cloud_;
  std::shared_ptr<cloud::Catalog> catalog_;
  std::shared_ptr<cloud::ImageServices> image_services_;
  std::unique_ptr<cloud::Organizations> organizations_;
  std::unique_ptr<cloud::LaunchTemplates> templates_;
  std::unique_ptr<workflow::Ledger> ledger_;
  std::unique_ptr<audit::Log> audit_;
  std::unique_ptr<Context> context_;
};

Json comparable(const Json& result) {
  if (result.is_null()) return {};
  if (result.contains("images")) {
    const Json& image = result.at("images")[0];
    return {image.at("rescanned"), image.at("gate").at("passed")};
  }
  if (!result.contains("machines")) return result["image_key"];
  Json machines = Json::array();
  for (const Json& machine : result.at("machines")) {
    machines.push_back({{"name", machine.at("name")}, {"stopped", machine.at("stopped")}});
  }
  return machines;
}

CrashReport survive(const Scenario& scenario, CrashPlan::Death death, bool again) {
  Json input = {{"pipeline", scenario.pipeline}};
  if (scenario.workflow == "build") input["requested_by"] = "grace";
  if (scenario.workflow != "build") input["image_run_id"] = kGoldenRun;
  if (scenario.workflow == "reassess") {
    input = {{"images", Json::array({{{"run_id", kGoldenRun},
                                      {"image_key", model::image_key(scenario.pipeline)}}})},
             {"rescan", true}};
  }
  if (scenario.workflow == "promote") {
    input.update({{"channel", "Web-1.0/Debian-12/prod"},
                  {"rollback", false},
                  {"image_key", model::image_key(scenario.pipeline)},
                  {"from_run_id", ""},
                  {"requested_by", "grace"},
                  {"force", false}});
  }
  if (scenario.workflow == "retire") {
    input.update({{"stage", "disable"}, {"reason", "old"}, {"at", "2026-11-22T12:00:00Z"}});
  }
  if (scenario.workflow == "remediate") {
    input = {{"policy",
              model::RemediationPolicy{.tag = "since", .notify = true, .stop_after = Duration{0}}},
             {"places", Json::array({Json::array({kHomeAccount, "us-east-1"})})}};
  }
  if (scenario.workflow == "archive" || scenario.workflow == "unarchive") {
    input.update({{"region", "us-east-1"}, {"bucket", "bucket"}, {"requested_by", "grace"}});
  }
  if (scenario.workflow == "restore") input["kept_until"] = "2026-12-22T12:00:00Z";
  return workflow::crash_everywhere(
      {.workflow = scenario.workflow,
       .input = input,
       .make_world = [&](const CrashContext& crash) -> std::unique_ptr<workflow::CrashWorld> {
         return std::make_unique<ProductWorld>(crash, scenario);
       },
       // Ids are the cloud's choice.
       .comparable = comparable},
      death, again);
}

void expect_survival(const Scenario& scenario, RunState outcome, bool again = false) {
  CrashReport report = survive(scenario, CrashPlan::Death::unwind, again);
  EXPECT_EQ(report.outcome.state, outcome)
      << (report.outcome.error ? report.outcome.error->full_text() : "");
  EXPECT_GT(report.points, 10);
  testing::Test::RecordProperty("crash_points", report.points);
}

cloud::CommandExecutor failing_script(const std::string& name) {
  return [name](const cloud::Machine&, const cloud::CommandSpec& spec) {
    bool fails = spec.script.find(name) != std::string::npos;
    return cloud::CommandStatus{.state = cloud::CommandState::finished, .exit_code = fails ? 1 : 0};
  };
}

/// What a place lists of an image that is published there.
void add_published(std::vector<std::string>& lines) {
  lines.insert(lines.end(),
               {"/GoldenAMI/Debian-12/Web-1.0/1", "/GoldenAMI/latest", "/GoldenAMI/ids/ami-"});
}

const std::vector<std::string> kOnlySource = {"debian-source"};

Scenario good_build() {
  Scenario scenario{.workflow = "build"};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "debian-source"};
  add_published(scenario.expected.leftovers);
  scenario.expected.effects = {{"launch_machine", 2}, {"create_image", 1}, {"start_command", 5}};
  return scenario;
}

TEST(CrashEverywhere, Build) { expect_survival(good_build(), RunState::succeeded, true); }

TEST(CrashEverywhere, BuildInProcessesThatReallyDie) {
  CrashReport report = survive(good_build(), CrashPlan::Death::process, false);
  EXPECT_EQ(report.outcome.state, RunState::succeeded);
}

TEST(CrashEverywhere, BuildThatOutsideScannersLookAt) {
  Scenario scenario = good_build();
  scenario.pipeline.scanners = {{.name = "one"}, {.name = "two"}};
  scenario.expected.scans = 2;
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, BuildWhoseScannerRefuses) {
  Scenario scenario{.workflow = "build"};
  scenario.pipeline.scanners = {{.name = "one"}};
  scenario.service_refuses = true;
  scenario.expected = {kOnlySource, {{"launch_machine", 2}, {"create_image", 1}}};
  expect_survival(scenario, RunState::failed);
}

TEST(CrashEverywhere, BuildWhoseTestFails) {
  Scenario scenario{.workflow = "build"};
  scenario.cloud.execute = failing_script("hardened");
  scenario.expected = {kOnlySource, {{"launch_machine", 2}, {"create_image", 1}}};
  expect_survival(scenario, RunState::failed);
}

TEST(CrashEverywhere, BuildWhoseGateCloses) {
  Scenario scenario{.workflow = "build"};
  scenario.assess = [] { return assessment_with(1); };
  scenario.expected = {kOnlySource, {{"create_image", 1}}};
  expect_survival(scenario, RunState::failed);
}

TEST(CrashEverywhere, BuildThatIsRejected) {
  Scenario scenario{.workflow = "build"};
  scenario.approve = false;
  scenario.expected = {kOnlySource, {{"create_image", 1}}};
  expect_survival(scenario, RunState::failed);
}

TEST(CrashEverywhere, Distribute) {
  Scenario scenario{.workflow = "distribute", .golden_there = true};
  scenario.expected.effects = {{"copy_image", 2}, {"share_image", 2}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1",
                                 "Web-1.0-Debian-12-1", "debian-source"};
  for (int place = 0; place < 5; ++place) add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded);
}

model::Pipeline pipeline_to_unit() {
  model::Pipeline pipeline = sample_pipeline();
  model::Target target{.account_id = "", .regions = {"us-west-2"}};
  target.unit = kUnit;
  target.launch_templates = {{.name = "web", .set_default = true}};
  pipeline.targets = {target};
  return pipeline;
}

TEST(CrashEverywhere, DistributeToAUnitWithALaunchTemplate) {
  Scenario scenario{.workflow = "distribute",
                    .pipeline = pipeline_to_unit(),
                    .golden_there = true,
                    .units_there = true};
  scenario.expected.effects = {{"copy_image", 1},
                               {"share_image", 1},
                               {"tag_template", 1},
                               {"add_template_version", 1},
                               {"set_default_version", 1}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source",
                                 "version 2 of launch template web"};
  for (int place = 0; place < 3; ++place) add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, DistributeToATemplateThatIsMissing) {
  Scenario scenario{.workflow = "distribute",
                    .pipeline = pipeline_to_unit(),
                    .golden_there = true,
                    .units_there = true};
  model::Target& home = scenario.pipeline.targets[0];
  home.unit.clear();
  home.account_id = kHomeAccount;
  home.regions = {"us-east-1"};
  home.launch_templates.push_back({.name = "zoo", .set_default = false});
  // The version that the other template had got is taken back.
  scenario.expected.effects = {{"add_template_version", 1}, {"remove_template_version", 1}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "debian-source"};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::failed);
}

TEST(CrashEverywhere, DecommissionWithAClosedAccount) {
  Scenario scenario{.workflow = "decommission",
                    .golden_there = true,
                    .distributed_there = true,
                    .units_there = true,
                    .refused_closed = {kChildAccount}};
  // Nobody can take out what is in there.
  scenario.expected.leftovers = {"debian-source"};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, DistributeToARegionThatDoesNotExist) {
  Scenario scenario{.workflow = "distribute", .golden_there = true};
  scenario.pipeline.targets = {{.account_id = kChildAccount, .regions = {"mars-north-1"}}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "debian-source"};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::failed);
}

/// What is offered to the home account and one child.
model::Pipeline offered_pipeline() {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.targets = {{.account_id = kHomeAccount, .regions = {"us-east-1"}},
                      {.account_id = kChildAccount, .regions = {"us-west-2"}}};
  model::CatalogOffer& offer = pipeline.catalog.emplace();
  offer.template_text = model::default_product_template();
  offer.launch_role = "golden-launch";
  offer.principals = {"role/developers"};
  offer.tag_options = {{"Cost-Center", "1234"}};
  return pipeline;
}

TEST(CrashEverywhere, Publish) {
  Scenario scenario{.workflow = "publish", .golden_there = true, .distributed_there = true};
  scenario.pipeline = offered_pipeline();
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source"};
  for (int place = 0; place < 3; ++place) add_published(scenario.expected.leftovers);
  for (const char* place : {"111122223333/us-east-1", "111122223333/us-west-2"}) {
    scenario.expected.leftovers.push_back(
        fmt::format("catalog: product Web-1.0-Debian-12 version 1 in {}", place));
  }
  for (const char* place :
       {"111122223333/us-east-1", "111122223333/us-west-2", "444455556666/us-west-2"}) {
    scenario.expected.leftovers.push_back(
        fmt::format("catalog: portfolio Golden-AMI-Distribution-Portfolio in {}", place));
  }
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, DecommissionOfWhatIsOffered) {
  Scenario scenario{.workflow = "decommission",
                    .golden_there = true,
                    .distributed_there = true,
                    .offered_there = true};
  scenario.pipeline = offered_pipeline();
  scenario.expected = {kOnlySource, {}};
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, DistributeWhatIsEncryptedProtectedAndInAChannel) {
  const std::string key = "arn:aws:kms:us-east-1:111122223333:key/east";
  Scenario scenario{.workflow = "distribute",
                    .cloud = {.keys = {key}},
                    .golden_there = true,
                    .promoted_there = true,
                    .encrypted_with = key};
  scenario.pipeline.targets = {{.account_id = kHomeAccount, .regions = {"us-west-2"}},
                               {.account_id = kChildAccount, .regions = {"us-east-1"}}};
  scenario.pipeline.image.is_protected = true;
  scenario.expected.effects = {
      {"copy_image", 1}, {"share_image", 1}, {"grant_key", 1}, {"protect_image", 2}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source",
                                 "key grant 111122223333/us-east-1"};
  for (int place = 0; place < 3; ++place) {
    add_published(scenario.expected.leftovers);
    scenario.expected.leftovers.push_back("/GoldenAMI/Debian-12/Web-1.0/channel/prod");
  }
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, ReassessWithOutsideScanners) {
  Scenario scenario{.workflow = "reassess", .golden_there = true};
  scenario.pipeline.scanners = {{.name = "one"}, {.name = "two"}};
  scenario.expected = {{"Web-1.0-Debian-12-1", "debian-source"}, {{"launch_machine", 1}}, 2};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, ReassessThatStartsABuild) {
  Scenario scenario{.workflow = "reassess", .golden_there = true};
  scenario.pipeline.reassessment.rebuild_on_finding = true;
  scenario.assess = [] {
    model::Assessment assessment = assessment_with(1);
    assessment.findings[0].cves = {"CVE-2026-1000"};
    assessment.findings[0].fix = model::FixState::available;
    assessment.findings[0].severity = model::Severity::critical;
    return assessment;
  };
  scenario.pipeline.gate.findings[model::Severity::critical] = {model::Judgement::fail,
                                                                model::Judgement::fail};
  scenario.builds = 1;
  scenario.expected = {{"Web-1.0-Debian-12-1", "debian-source"}, {}};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Promote) {
  Scenario scenario{.workflow = "promote", .golden_there = true, .distributed_there = true};
  scenario.expected.effects = {{"put_parameter", 3 * 4}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source"};
  for (int place = 0; place < 3; ++place) {
    add_published(scenario.expected.leftovers);
    scenario.expected.leftovers.push_back("/GoldenAMI/Debian-12/Web-1.0/channel/prod");
  }
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Disable) {
  Scenario scenario{.workflow = "retire", .golden_there = true, .distributed_there = true};
  scenario.expected = {{"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source"},
                       {{"disable_image", 2}}};
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Restore) {
  Scenario scenario{.workflow = "restore",
                    .golden_there = true,
                    .distributed_there = true,
                    .disabled_there = true};
  scenario.pipeline.targets = {{.account_id = kHomeAccount, .regions = {"us-east-1"}},
                               {.account_id = kChildAccount, .regions = {"us-west-2"}}};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "Web-1.0-Debian-12-1", "debian-source"};
  for (int place = 0; place < 3; ++place) add_published(scenario.expected.leftovers);
  // The planting disabled two, the run enables them and shares again.
  scenario.expected.effects = {{"enable_image", 2}, {"share_image", 1}, {"copy_image", 1}};
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Archive) {
  Scenario scenario{.workflow = "archive", .cloud = {.archive_looks = 2}, .golden_there = true};
  scenario.expected = {{"Web-1.0-Debian-12-1", "debian-source", "archive us-east-1 bucket"},
                       {{"archive_image", 1}}};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded, true);
}

TEST(CrashEverywhere, Unarchive) {
  Scenario scenario{.workflow = "unarchive", .golden_there = true};
  scenario.pipeline.targets = {{.account_id = kHomeAccount, .regions = {"us-east-1"}}};
  scenario.archived_there = scenario.lost_there = true;
  scenario.expected = {{"Web-1.0-Debian-12-1", "debian-source", "archive us-east-1 bucket"},
                       {{"unarchive_image", 1}, {"remove_image", 1}}};
  add_published(scenario.expected.leftovers);
  expect_survival(scenario, RunState::succeeded, true);
}

TEST(CrashEverywhere, DecommissionOfWhatIsArchived) {
  Scenario scenario{.workflow = "decommission", .golden_there = true, .distributed_there = true};
  scenario.archived_there = true;
  scenario.expected = {kOnlySource, {{"remove_archive", 1}}};
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Remediate) {
  Scenario scenario{.workflow = "remediate", .golden_there = true};
  scenario.expected.leftovers = {"Web-1.0-Debian-12-1", "debian-source", "\"raw\" sto",
                                 "\"golden\" running"};
  add_published(scenario.expected.leftovers);
  scenario.expected.effects = {{"stop_machine", 1}, {"remove_tags", 1}, {"launch_machine", 2}};
  expect_survival(scenario, RunState::succeeded);
}

TEST(CrashEverywhere, Decommission) {
  Scenario scenario{.workflow = "decommission", .golden_there = true, .distributed_there = true};
  scenario.expected = {kOnlySource, {}};
  expect_survival(scenario, RunState::succeeded);
}

}  // namespace
}  // namespace hallmark::pipeline
