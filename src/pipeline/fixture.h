#pragma once
/// For tests: the whole product over a cloud in memory, a fresh database and a clock that only
/// moves when somebody waits.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "cloud/memory/memory_catalog.h"
#include "cloud/memory/memory_cloud.h"
#include "cloud/memory/memory_image_services.h"
#include "cloud/memory/memory_launch_templates.h"
#include "cloud/memory/memory_organizations.h"
#include "db/database.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/workflows.h"
#include "workflow/engine.h"
#include "workflow/ledger.h"

namespace hallmark::pipeline {

inline constexpr const char* kHomeAccount = "111122223333";
inline constexpr const char* kChildAccount = "444455556666";
inline const cloud::Place kHome{kHomeAccount, "us-east-1"};
inline const cloud::Place kWest{kHomeAccount, "us-west-2"};
inline const cloud::Place kChildWest{kChildAccount, "us-west-2"};
/// Of sample_pipeline().
inline constexpr const char* kVersionParameter = "/GoldenAMI/Debian-12/Web-1.0/1";

/// Scripts, one test, and targets in two accounts over three regions.
model::Pipeline sample_pipeline();
/// Assessments a test wants to see; all complete.
model::Assessment assessment_with(int pending_updates, int gaps = 0);

/// A service that scans, whatever the scanner's name but "unknown". It lives in files, so that it
/// outlives processes.
struct FakeService {
  Path directory;  ///< a file for each scan there is, and `launches` with a line for each ever made
  /// What its scans see; not asked about one that has not ended.
  std::function<model::Assessment()> see = [] { return assessment_with(0); };
  int looks = 2;                 ///< until a scan has ended; below 0: never
  std::optional<Error> refuses;  ///< thrown by each launch
  bool stays = false;            ///< scans cannot be removed
  std::string altering;          ///< the name of the scanner that alters machines
  bool needs_machine = true;

  int launches() const;
  std::vector<Path> scans() const;
};
OutsideScanners fake_scanners(const FakeService& service);

struct ProductOptions {
  cloud::MemoryOptions cloud;
  std::shared_ptr<cloud::Catalog> catalog;  ///< instead of one in memory
  /// The fake scanner's answer; nothing: a faultless image.
  std::function<model::Assessment(const model::Inventory&)> assess;
  OutsideScanners outside_scanner;
  workflow::CrashPoint crash_point;
  /// Called before and after each call of the cloud or the catalog.
  std::function<void(const std::string&)> cloud_point;
  /// Keeps database and evidence here instead of in a directory of its own.
  Path directory;
};

/// One process: everything but the clock and the world. Another Product over the same world and
/// directory is the next process.
class Product {
 public:
  Product(ManualClock& clock, std::shared_ptr<cloud::MemoryWorld> world, ProductOptions options);

  std::string import_source();  ///< "debian-source", in the home region; the same each time
  std::string start(const model::Pipeline& pipeline);
  workflow::RunInfo drive(const std::string& run_id);
  workflow::RunInfo build(const model::Pipeline& pipeline) { return drive(start(pipeline)); }
  void decide(const std::string& run_id, bool approve, const std::string& who = "ada");
  /// Built, approved, active.
  GoldenImage golden(const model::Pipeline& pipeline);
  GoldenImage image(const std::string& reference) const;

  Path directory;
  std::shared_ptr<cloud::Cloud> cloud;
  std::shared_ptr<cloud::MemoryCatalogWorld> catalog_world;
  std::shared_ptr<cloud::Catalog> catalog;
  std::shared_ptr<cloud::ImageServices> image_services;
  std::shared_ptr<cloud::Organizations> organizations;
  std::shared_ptr<cloud::LaunchTemplates> launch_templates;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<workflow::Ledger> ledger;
  std::unique_ptr<audit::Log> audit;
  std::unique_ptr<Context> context;
  std::unique_ptr<workflow::Engine> engine;
};

/// A clock, a world and one process in it: what most tests need.
struct Fixture {
  explicit Fixture(ProductOptions options = {});

  TempDir directory;
  ManualClock clock;
  std::shared_ptr<cloud::MemoryWorld> world;
  Product product;
};

}  // namespace hallmark::pipeline
