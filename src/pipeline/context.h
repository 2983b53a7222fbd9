#pragma once
/// What the product's workflows are given to work with. Made once, in app/.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "audit/audit.h"
#include "base/clock.h"
#include "base/files.h"
#include "cloud/catalog.h"
#include "cloud/cloud.h"
#include "cloud/enforcement.h"
#include "cloud/image_services.h"
#include "db/database.h"
#include "disk/digest.h"
#include "model/assessment.h"
#include "model/pipeline.h"
#include "scan/scanner.h"
#include "workflow/ledger.h"

namespace hallmark::cloud {
class Organizations;
class LaunchTemplates;
}  // namespace hallmark::cloud

namespace hallmark::pipeline {

/// How an image's disk becomes an inventory, and an inventory an assessment.
struct Scanner {
  std::function<model::Inventory(disk::BlockReader&, const model::InventorySettings&)>
      take_inventory;
  std::function<model::Assessment(const model::Inventory&, std::stop_token)> assess;
  /// Adds to their findings what is known of exploitation, whoever found them. What is known is
  /// read anew by each call. Empty: nothing is known.
  std::function<void(std::span<model::Assessment>, std::stop_token)> annotate;
  /// A disk's digest; tests that build a hundred images of a GiB have a cheaper one.
  std::function<std::string(disk::BlockReader&, std::stop_token)> digest = disk::disk_sha256;
};

/// Who an AWS caller is, and under which id AWS has kept that it said so.
struct AwsCaller {
  std::string arn;
  std::string request_id;
  std::string host;
};

/// From a request of theirs that only they could have signed and that names `statement_digest`.
/// Throws `denied` if it does not hold, `unavailable`.
using AwsIdentity =
    std::function<AwsCaller(const Json& request, const std::string& statement_digest)>;

/// The scanner outside of Hallmark that golden.yaml calls by this name. Throws `usage` if
/// config.yaml does not have it, or does not say enough.
using OutsideScanners =
    std::function<std::shared_ptr<scan::OutsideScanner>(const std::string& name)>;

/// References must outlive every workflow that runs.
struct Context {
  cloud::Cloud& cloud;
  cloud::Catalog& catalog;  ///< of that cloud
  db::Database& database;
  workflow::Ledger& ledger;
  audit::Log& audit;
  Clock& clock;
  Path state_directory;  ///< evidence goes to <state_directory>/evidence
  Scanner scanner;
  /// The value of a secret named in golden.yaml, asked for when a script starts and never stored.
  std::function<std::optional<std::string>(const std::string& name)> secret;
  /// The text behind a URL. Throws `not_found`, `unavailable`, `denied`.
  std::function<std::string(const std::string& url, std::stop_token)> fetch;
  /// Who signed a request to AWS; see decision.h. Empty: nobody can prove who they are that way.
  AwsIdentity aws_identity;
  OutsideScanners outside_scanner;
  cloud::Organizations* organizations = nullptr;       ///< of that cloud; null: it knows none
  cloud::LaunchTemplates* launch_templates = nullptr;  ///< of that cloud; null: it has none
  cloud::Enforcement* enforcement = nullptr;           ///< of that cloud; null: it has none
  cloud::ImageServices& image_services = cloud::no_image_services();  ///< of that cloud

  /// Where images are built: our own account, in `region` or the cloud's first one.
  cloud::Place home(const std::string& region) const;
};

}  // namespace hallmark::pipeline
