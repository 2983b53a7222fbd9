#include "app/wiring.h"

#include <cstdlib>
#include <map>

#include "app/aws_access.h"
#include "app/scanners.h"
#include "app/secrets.h"
#include "aws/caller_identity.h"
#include "aws/needs.h"
#include "base/log.h"
#include "base/sync.h"
#include "cloud/aws/enforcement.h"
#include "cloud/aws/image_services.h"
#include "cloud/aws/launch_templates.h"
#include "cloud/aws/organizations.h"
#include "cloud/aws/service_catalog.h"
#include "cloud/hooks/hooked_catalog.h"
#include "cloud/hooks/hooked_cloud.h"
#include "cloud/hooks/hooked_image_services.h"
#include "cloud/hooks/hooked_launch_templates.h"
#include "cloud/hooks/logged.h"
#include "cloud/hooks/retrying.h"
#include "cloud/libvirt/archive_store.h"
#include "cloud/libvirt/catalog_store.h"
#include "cloud/libvirt/libvirt_cloud.h"
#include "db/database.h"
#include "net/exchange.h"
#include "net/http.h"
#include "pipeline/workflows.h"
#include "scan/advisory/match.h"
#include "scan/advisory/store.h"
#include "scan/advisory/vex.h"
#include "scan/exploits.h"
#include "scan/hardening.h"
#include "scan/scan.h"
#include "workflow/engine.h"
#include "workflow/ledger.h"

namespace hallmark::app {

namespace {

/// A script larger than this is none.
constexpr std::uint64_t kScriptBytes = 4u << 20;
/// Mirrors and web servers have bad moments; a build should not fail for one.
constexpr int kFetchAttempts = 4;
/// A key that was changed is good this late.
constexpr auto kSecretKept = std::chrono::minutes(1);
constexpr auto kSecretFailureKept = std::chrono::seconds(10);

cloud::LibvirtCloudConfig local_cloud_config(const CloudConfig& config) {
  cloud::LibvirtCloudConfig local{.root = config.root,
                                  .account_id = config.account_id,
                                  .regions = config.regions,
                                  .uris = config.uris};
  local.units.accounts = config.units;
  return local;
}

std::shared_ptr<cloud::Cloud> make_local_cloud(const CloudConfig& config, Clock& clock) {
  return cloud::make_libvirt_cloud(local_cloud_config(config), clock);
}

/// One client for all, made when the first asks.
AwsAccessOf aws_access(const CloudConfig& config, Clock& clock) {
  auto made = std::make_shared<Sync<std::shared_ptr<AwsAccess>>>();
  return [config, &clock, made] {
    auto access = made->lock();
    if (!*access) *access = std::make_shared<AwsAccess>(config.aws, config.regions.front(), clock);
    return *access;
  };
}

std::shared_ptr<cloud::Cloud> make_aws_cloud(const CloudConfig& config,
                                             const std::shared_ptr<AwsAccess>& access,
                                             Clock& clock) {
  return cloud::make_aws_cloud(aws_cloud_config(config), {access, &access->client},
                               child_credentials(access, config.aws, config.regions.front()),
                               clock);
}

/// Null where the cloud has none.
std::unique_ptr<cloud::Enforcement> make_enforcement(const CloudConfig& config,
                                                     const AwsAccessOf& aws, Clock& clock) {
  if (config.kind != "aws") return nullptr;
  const std::shared_ptr<AwsAccess> access = aws();
  return cloud::make_aws_enforcement(aws_cloud_config(config), {access, &access->client},
                                     child_credentials(access, config.aws, config.regions.front()),
                                     clock);
}

/// Null where the cloud knows none.
std::unique_ptr<cloud::Organizations> make_organizations(const CloudConfig& config,
                                                         const AwsAccessOf& aws, Clock& clock) {
  if (config.kind != "aws") return cloud::make_libvirt_organizations(local_cloud_config(config));
  const std::shared_ptr<AwsAccess> access = aws();
  return cloud::make_aws_organizations(
      aws_cloud_config(config), {access, &access->client},
      child_credentials(access, config.aws, config.regions.front()), clock);
}

/// Retrying outside, so that each attempt is logged.
cloud::CallHooks call_hooks(Clock& clock) {
  return {std::make_shared<cloud::Retrying>(clock), std::make_shared<cloud::Logged>(clock)};
}

std::unique_ptr<cloud::Cloud> make_cloud(const CloudConfig& config, const AwsAccessOf& aws,
                                         Clock& clock) {
  std::shared_ptr<cloud::Cloud> inner =
      config.kind == "aws" ? make_aws_cloud(config, aws(), clock) : make_local_cloud(config, clock);
  return std::make_unique<cloud::HookedCloud>(std::move(inner), call_hooks(clock));
}

std::shared_ptr<cloud::Catalog> make_aws_catalog(const CloudConfig& config,
                                                 const std::shared_ptr<AwsAccess>& access,
                                                 Clock& clock) {
  return cloud::make_aws_catalog(aws_cloud_config(config), {access, &access->client},
                                 child_credentials(access, config.aws, config.regions.front()),
                                 clock);
}

std::unique_ptr<cloud::Catalog> make_catalog(const CloudConfig& config, const AwsAccessOf& aws,
                                             cloud::Cloud& cloud, Clock& clock) {
  std::shared_ptr<cloud::Catalog> inner =
      config.kind == "aws" ? make_aws_catalog(config, aws(), clock)
                           : cloud::make_libvirt_catalog(local_cloud_config(config), cloud, clock);
  return std::make_unique<cloud::HookedCatalog>(std::move(inner), call_hooks(clock));
}

std::unique_ptr<cloud::ImageServices> make_image_services(const CloudConfig& config,
                                                          const AwsAccessOf& aws, Clock& clock) {
  std::shared_ptr<cloud::ImageServices> inner;
  if (config.kind == "aws") {
    const std::shared_ptr<AwsAccess> access = aws();
    inner = cloud::make_aws_image_services(
        aws_cloud_config(config), {access, &access->client},
        child_credentials(access, config.aws, config.regions.front()),
        aws::knows(access->client.models(), cloud::watermark_need()), clock);
  } else {
    inner = cloud::make_libvirt_image_services(local_cloud_config(config), clock);
  }
  return std::make_unique<cloud::HookedImageServices>(std::move(inner), call_hooks(clock));
}

/// Null where the cloud has none.
std::unique_ptr<cloud::LaunchTemplates> make_launch_templates(const CloudConfig& config,
                                                              const AwsAccessOf& aws,
                                                              Clock& clock) {
  if (config.kind != "aws") return nullptr;
  const std::shared_ptr<AwsAccess> access = aws();
  std::shared_ptr<cloud::LaunchTemplates> inner = cloud::make_aws_launch_templates(
      aws_cloud_config(config), {access, &access->client},
      child_credentials(access, config.aws, config.regions.front()), clock);
  return std::make_unique<cloud::HookedLaunchTemplates>(std::move(inner), call_hooks(clock));
}

std::optional<std::string> secret(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

/// Somebody else's proof needs no credentials of ours.
pipeline::AwsIdentity aws_identity(const std::string& own_endpoint) {
  return [own_endpoint](const Json& proof, const std::string& statement_digest) {
    net::ConnectionPool pool;
    aws::ModelLibrary models;
    aws::ProvedCaller caller =
        aws::proved_caller(aws::Value(proof), statement_digest, own_endpoint, models,
                           [&](const net::ExchangeRequest& request, std::stop_token stop) {
                             return pool.send(request, std::move(stop));
                           },
                           {});
    return pipeline::AwsCaller{std::move(caller.arn), std::move(caller.request_id),
                               std::move(caller.host)};
  };
}

/// What is known of exploitation, fetched once a day; nothing if config.yaml names no source.
std::function<void(std::span<model::Assessment>, std::stop_token)> annotator(const Path& state,
                                                                             Clock& clock) {
  return [state, &clock](std::span<model::Assessment> assessments, std::stop_token stop) {
    const ExploitsConfig config = load_config(state).exploits;
    if (config.kev.empty() && config.epss.empty()) return;
    const auto known = scan::load_exploits({config.kev, config.epss}, state / "advisories",
                                           scan::kExploitsMaxAge, clock, stop);
    for (model::Assessment& assessment : assessments) scan::annotate(assessment, *known);
  };
}

using Suite = std::shared_ptr<const scan::SecuritySuite>;
using VexKept = std::shared_ptr<const std::vector<scan::VexStatement>>;

using MatchesKept = std::shared_ptr<scan::Matches>;

/// What was matched so far, as long as the advisories are the same.
MatchesKept matches_of(MatchesKept& kept, std::shared_ptr<const scan::AdvisoryFile> file) {
  if (!kept || kept->file().digest() != file->digest()) {
    kept = std::make_shared<scan::Matches>(std::move(file));
  }
  return kept;
}

/// What config.yaml names, read when the first assessment asks.
VexKept honoured(VexKept& kept, const Path& state) {
  if (kept) return kept;
  std::vector<scan::VexStatement> all;
  for (const std::string& document : load_config(state).advisories.vex) {
    for (auto& statement : scan::read_vex(read_file(document), document)) {
      all.push_back(std::move(statement));
    }
  }
  return kept = std::make_shared<const std::vector<scan::VexStatement>>(std::move(all));
}

/// Empty if none are compiled.
std::string advisories_digest(const Path& state) {
  const auto file = scan::open_advisories(state / "advisories");
  return file ? std::string(file->digest()) : "";
}

/// Whoever asks may be anybody: where secrets are kept is asked once in a while.
std::function<std::string(const std::string&, std::stop_token)> secret_reader(
    const Config& config, const AwsAccessOf& aws) {
  struct Kept {
    std::string value;
    std::optional<Error> error;
    std::chrono::steady_clock::time_point until;
  };
  auto kept = std::make_shared<Sync<std::map<std::string, Kept>>>();
  const SecretPlaces places{.directory = config.file.parent_path(),
                            .aws = [aws]() -> std::shared_ptr<aws::Caller> {
                              const std::shared_ptr<AwsAccess> access = aws();
                              return {access, &access->client};
                            },
                            .aws_region = config.cloud.regions.front()};
  return [places, kept](const std::string& reference, std::stop_token stop) {
    const auto now = std::chrono::steady_clock::now();
    Kept known = (*kept->lock())[reference];
    if (known.until <= now) {
      // Nobody waits for another's answer.
      try {
        known = {secret_value(reference, places, std::move(stop)), {}, now + kSecretKept};
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        known = {"", error, now + kSecretFailureKept};
      }
      (*kept->lock())[reference] = known;
    }
    if (known.error) throw *known.error;
    return known.value;
  };
}

}  // namespace

pipeline::Scanner make_scanner(const Path& state, Clock& clock) {
  const Path cache = state / "advisories";
  auto suites = std::make_shared<Sync<std::map<std::string, Suite>>>();
  /// What the suite of the machine's own apt says; nothing where it has none for that release.
  auto suite_says = [cache, &clock, suites](
                        const model::Inventory& inventory,
                        std::stop_token stop) -> std::optional<model::Assessment> {
    const model::Distribution& distribution = inventory.distribution;
    if (distribution.id != "debian" || distribution.codename.empty()) return std::nullopt;
    Suite suite;
    {
      auto known = suites->lock();
      Suite& kept = (*known)[distribution.codename + "/" + inventory.architecture];
      if (!kept) {
        scan::SuiteSource source =
            scan::security_source_from_apt(distribution.codename, inventory.architecture);
        kept = scan::fetch_security_suite(source, cache, clock, stop);
      }
      suite = kept;
    }
    return scan::assess(scan::system_part(inventory), *suite, clock);
  };
  auto vex = std::make_shared<Sync<VexKept>>();
  auto kept = std::make_shared<Sync<MatchesKept>>();
  auto assess = [cache, state, &clock, suite_says, vex, kept](const model::Inventory& inventory,
                                                              std::stop_token stop) {
    auto file = scan::open_advisories(cache);
    const MatchesKept matches =
        matches_of(*kept->lock(), file ? std::move(file) : scan::no_advisories());
    const scan::AdvisoryFile& advisories = matches->file();
    std::optional<model::Assessment> suite;
    std::string missing;
    try {
      suite = suite_says(inventory, stop);
    } catch (const Error& error) {
      // Where a feed speaks of the release, the suite only adds to it.
      if (error.kind() == ErrorKind::cancelled ||
          !scan::covers(advisories, inventory.distribution)) {
        throw;
      }
      // Most machines' apt knows but their own release.
      if (error.kind() != ErrorKind::not_found) missing = error.message();
    }
    model::Assessment found = scan::match_with_suite(inventory, *matches, suite, clock);
    if (!missing.empty()) {
      found.gaps.push_back({"the distribution's security suite", missing});
      model::lower(found, model::Completeness::partial, "the security suite could not be read");
    }
    scan::apply_vex(found, *honoured(*vex->lock(), state), inventory);
    return found;
  };
  auto take = [state](disk::BlockReader& disk, const model::InventorySettings& settings) {
    const bool languages = settings.languages && load_config(state).inventory.languages;
    return scan::take_inventory(disk, {.languages = languages});
  };
  return {.take_inventory = take,
          .assess = scan::with_hardening(assess, clock),
          .annotate = annotator(state, clock)};
}

struct Installation::Parts {
  Parts(const Path& state, Clock& clock)
      : config(load_config(state)),
        database(db::Database::open(config.database_url)),
        ledger(*database, clock),
        audit(*database, state / "audit", clock),
        aws(aws_access(config.cloud, clock)),
        cloud(make_cloud(config.cloud, aws, clock)),
        catalog(make_catalog(config.cloud, aws, *cloud, clock)),
        enforcement(make_enforcement(config.cloud, aws, clock)),
        image_services(make_image_services(config.cloud, aws, clock)),
        organizations(make_organizations(config.cloud, aws, clock)),
        launch_templates(make_launch_templates(config.cloud, aws, clock)),
        context{.cloud = *cloud,
                .catalog = *catalog,
                .database = *database,
                .ledger = ledger,
                .audit = audit,
                .clock = clock,
                .state_directory = state,
                .scanner = make_scanner(state, clock),
                .secret = secret,
                .fetch =
                    [&clock](const std::string& url, std::stop_token stop) {
                      return net::http_get_retrying(
                                 {.url = url, .max_bytes = kScriptBytes, .allow_file = true}, clock,
                                 kFetchAttempts, stop)
                          .body;
                    },
                .aws_identity = aws_identity(config.cloud.aws.endpoint_url),
                .outside_scanner = outside_scanners(config, aws, *cloud, clock),
                .organizations = organizations.get(),
                .launch_templates = launch_templates.get(),
                .enforcement = enforcement.get(),
                .image_services = *image_services},
        engine(*database, clock, pipeline::workflows(context),
               {.log_directory = state / "runs", .observer = forwarding_observer()}),
        triggers{.all = config.triggers,
                 .advisories = [state] { return advisories_digest(state); },
                 .secret = secret_reader(config, aws)},
        workplace{engine,
                  context,
                  [this](workflow::Observer next) { *observer.lock() = std::move(next); },
                  config.schedules,
                  enforcement.get(),
                  triggers} {}

  /// The engine keeps one observer for life; commands come and go.
  workflow::Observer forwarding_observer() {
    return {.run_changed =
                [this](const workflow::RunInfo& run) {
                  auto to = observer.lock();
                  if (to->run_changed) to->run_changed(run);
                },
            .step_changed =
                [this](const std::string& run_id, const workflow::StepInfo& step) {
                  auto to = observer.lock();
                  if (to->step_changed) to->step_changed(run_id, step);
                },
            .progress =
                [this](const std::string& run_id, const std::string& key,
                       std::optional<double> fraction, const std::string& text) {
                  auto to = observer.lock();
                  if (to->progress) to->progress(run_id, key, fraction, text);
                },
            .log =
                [this](const std::string& run_id, const std::string& key, std::string_view text) {
                  auto to = observer.lock();
                  if (to->log) to->log(run_id, key, text);
                }};
  }

  Config config;
  std::unique_ptr<db::Database> database;
  workflow::Ledger ledger;
  audit::Log audit;
  AwsAccessOf aws;
  std::unique_ptr<cloud::Cloud> cloud;
  std::unique_ptr<cloud::Catalog> catalog;
  std::unique_ptr<cloud::Enforcement> enforcement;
  std::unique_ptr<cloud::ImageServices> image_services;
  std::unique_ptr<cloud::Organizations> organizations;
  std::unique_ptr<cloud::LaunchTemplates> launch_templates;
  pipeline::Context context;
  Sync<workflow::Observer> observer;
  workflow::Engine engine;
  pipeline::Triggers triggers;
  cli::Workplace workplace;
};

namespace {

const Path& prepared(const Path& state) {
  make_directories(state, 0700);
  log_to_file(state / "hallmark.log");
  return state;
}

}  // namespace

Installation::Installation(const Path& state, Clock& clock)
    : parts_(std::make_unique<Parts>(prepared(state), clock)) {}

Installation::~Installation() = default;

cli::Workplace& Installation::workplace() { return parts_->workplace; }

}  // namespace hallmark::app
