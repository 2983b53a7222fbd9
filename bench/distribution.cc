/// A golden image to 1,000 accounts in 4 regions: Hallmark's own AWS calls, answered in memory
/// after 50 ms each, within AWS's documented buckets of tokens; beside the time that the buckets
/// alone take and the original's serial loop. JSON lines on stdout, a table on stderr. Usage:
/// bench_distribution [accounts, default 1000]

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "audit/audit.h"
#include "aws/api_error.h"
#include "aws/credentials/renewing.h"
#include "aws/rate_limit.h"
#include "base/error.h"
#include "cloud/aws/aws_cloud.h"
#include "cloud/aws/service_catalog.h"
#include "measure.h"
#include "pipeline/workflows.h"
#include "workflow/ledger.h"

namespace hallmark::bench {
namespace {

using aws::Value;
using std::chrono::steady_clock;

constexpr const char* kHomeAccount = "111122223333";
const std::vector<std::string> kRegions = {"us-east-1", "us-east-2", "us-west-1", "us-west-2"};
/// Of a call, there and back with what the service does in between.
constexpr Duration kCallTime{50};
/// How many targets the serial loop does before the rest is multiplied.
constexpr int kSerialSample = 40;

aws::ApiError refusal(ErrorKind kind, const std::string& code) {
  return {kind, code + ": as the bench's AWS has it", code, 400, "request"};
}

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// What distributing asks of EC2 and Systems Manager, and no more.
class MemoryAws : public aws::Caller {
 public:
  explicit MemoryAws(Clock& clock) : clock_(clock), limiter_(clock) {}

  Value call(const aws::Call& call, const Value& input, std::stop_token stop) override {
    const std::string account =
        call.credentials ? call.credentials->get(stop).account_id : kHomeAccount;
    const aws::RateScope scope{account, call.region, call.service};
    const auto rates = aws::rates_of(call.service, call.operation, input);
    limiter_.wait(scope, rates, stop);
    clock_.sleep_until(clock_.now() + kCallTime, stop);
    std::lock_guard lock(mutex_);
    ++calls_[call.operation];
    for (const aws::Rate& rate : rates) {
      Used& used = used_[account + "/" + call.region + "/" + rate.bucket];
      used.tokens += rate.cost;
      used.rate = rate;
    }
    return answer(account, call.region, call.operation, input);
  }

  std::map<std::string, int> calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  int total() {
    int sum = 0;
    for (const auto& [operation, count] : calls()) sum += count;
    return sum;
  }
  /// What the fullest bucket takes to give the tokens that were used.
  double bound() {
    std::lock_guard lock(mutex_);
    double longest = 0;
    for (const auto& [bucket, used] : used_) {
      longest = std::max(longest, (used.tokens - used.rate.size) / used.rate.refill);
    }
    return longest;
  }
  void forget() {
    std::lock_guard lock(mutex_);
    calls_.clear();
    used_.clear();
  }
  /// An image of our own in the first region, as building leaves it.
  std::string add_image(const Value& tags, const std::string& name) {
    std::lock_guard lock(mutex_);
    return make_image(kHomeAccount, kRegions.front(), name, tags);
  }

 private:
  struct Used {
    double tokens = 0;
    aws::Rate rate;
  };

  std::string make_image(const std::string& account, const std::string& region,
                         const std::string& name, const Value& tags) {
    const std::string id = fmt::format("ami-{:017x}", ++made_);
    images_[region][id] = {
        {"ImageId", id},
        {"Name", name},
        {"State", "available"},
        {"OwnerId", account},
        {"Architecture", "x86_64"},
        {"RootDeviceName", "/dev/xvda"},
        {"BlockDeviceMappings", Value::array({{{"DeviceName", "/dev/xvda"},
                                               {"Ebs",
                                                {{"SnapshotId", fmt::format("snap-{:017x}", made_)},
                                                 {"VolumeSize", 8},
                                                 {"Encrypted", false}}}}})},
        {"Tags", tags}};
    return id;
  }

  Value described(const std::string& account, const std::string& region, const Value& input) {
    Value found = Value::array();
    for (const auto& [id, image] : images_[region]) {
      if (input.contains("ImageIds") && input["ImageIds"][0] != id) continue;
      if (image["OwnerId"] != account && !shares_[id].contains(account)) continue;
      if (input.contains("Owners") && image["OwnerId"] != account) continue;
      found.push_back(image);
    }
    return {{"Images", found}};
  }

  Value answer(const std::string& account, const std::string& region, const std::string& operation,
               const Value& input) {
    if (operation == "DescribeImages") return described(account, region, input);
    if (operation == "DescribeSnapshots") return {{"Snapshots", Value::array()}};
    if (operation == "CopyImage") {
      return {{"ImageId",
               make_image(account, region, input["Name"], input["TagSpecifications"][0]["Tags"])}};
    }
    if (operation == "ModifyImageAttribute") {
      const Value& change = input["LaunchPermission"];
      for (const Value& who : change.value("Add", Value::array())) {
        shares_[input["ImageId"]].insert(who["UserId"].get<std::string>());
      }
      return Value::object();
    }
    if (operation == "DescribeImageAttribute") {
      Value permissions = Value::array();
      for (const std::string& who : shares_[input["ImageId"]]) {
        permissions.push_back({{"UserId", who}});
      }
      return {{"LaunchPermissions", permissions}};
    }
    if (operation == "ModifySnapshotAttribute" || operation == "DeleteTags") {
      return Value::object();
    }
    auto& parameters = parameters_[account + "/" + region];
    const std::string name = input.value("Name", "");
    if (operation == "GetParameter") {
      const auto found = parameters.find(name);
      if (found == parameters.end()) throw refusal(ErrorKind::not_found, "ParameterNotFound");
      return {
          {"Parameter",
           {{"Name", name}, {"Value", found->second.first}, {"Version", found->second.second}}}};
    }
    if (operation == "PutParameter") {
      const bool is_there = parameters.contains(name);
      if (is_there && !input.value("Overwrite", false)) {
        throw refusal(ErrorKind::conflict, "ParameterAlreadyExists");
      }
      auto& [value, version] = parameters[name];
      value = input["Value"].get<std::string>();
      return {{"Version", ++version}};
    }
    if (operation == "DeleteParameter") {
      parameters.erase(name);
      return Value::object();
    }
    throw Error(ErrorKind::internal, "the bench's AWS has no {}", operation);
  }

  Clock& clock_;
  aws::RateLimiter limiter_;
  std::mutex mutex_;
  std::map<std::string, int> calls_;
  std::map<std::string, Used> used_;
  std::map<std::string, std::map<std::string, Value>> images_;
  std::map<std::string, std::set<std::string>> shares_;
  std::map<std::string, std::map<std::string, std::pair<std::string, std::int64_t>>> parameters_;
  int made_ = 0;
};

std::string account(int number) { return fmt::format("{:012}", 200'000'000'000 + number); }

std::shared_ptr<aws::CredentialProvider> keys_of(const std::string& account_id) {
  aws::Credentials keys;
  keys.account_id = account_id;
  return std::make_shared<aws::FixedCredentials>(keys);
}

model::Pipeline made_pipeline(int accounts) {
  model::Pipeline pipeline;
  pipeline.product = "Web-1.0";
  pipeline.os = "Debian-12";
  pipeline.version = "1";
  pipeline.build.region = kRegions.front();
  pipeline.targets.push_back({.account_id = kHomeAccount, .regions = kRegions});
  for (int i = 0; i < accounts; ++i) {
    pipeline.targets.push_back({.account_id = account(i), .regions = kRegions});
  }
  return pipeline;
}

/// One installation: everything but AWS.
struct Installation {
  explicit Installation(std::shared_ptr<MemoryAws> caller) {
    cloud::AwsCloudConfig config{.account_id = kHomeAccount};
    for (const std::string& region : kRegions) config.regions.push_back({.name = region});
    aws = cloud::make_aws_cloud(config, caller, keys_of, clock);
    catalog = cloud::make_aws_catalog(config, std::move(caller), keys_of, clock);
    database = db::Database::open("sqlite://" + (directory.path() / "hallmark.db").string());
    ledger = std::make_unique<workflow::Ledger>(*database, clock);
    audit = std::make_unique<audit::Log>(*database, directory.path() / "audit", clock);
    context =
        std::make_unique<pipeline::Context>(pipeline::Context{.cloud = *aws,
                                                              .catalog = *catalog,
                                                              .database = *database,
                                                              .ledger = *ledger,
                                                              .audit = *audit,
                                                              .clock = clock,
                                                              .state_directory = directory.path(),
                                                              .scanner = {},
                                                              .secret = {},
                                                              .fetch = {},
                                                              .aws_identity = {},
                                                              .outside_scanner = {}});
  }
  std::unique_ptr<workflow::Engine> engine() {
    return std::make_unique<workflow::Engine>(
        *database, clock, pipeline::workflows(*context),
        workflow::EngineOptions{.log_directory = directory.path() / "runs"});
  }

  TempDir directory;
  SystemClock clock;
  std::unique_ptr<cloud::Cloud> aws;
  std::unique_ptr<cloud::Catalog> catalog;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<workflow::Ledger> ledger;
  std::unique_ptr<audit::Log> audit;
  std::unique_ptr<pipeline::Context> context;
};

void require_success(const workflow::RunInfo& run) {
  if (run.error) throw Error(*run.error);
  if (run.state != workflow::RunState::succeeded) {
    throw Error(ErrorKind::failed, "the run is {}", workflow::to_string(run.state));
  }
}

/// Seconds that the original takes for the targets: CopyAndShareAMI's loop, one call after the
/// other, measured for some of them.
double serial_seconds(int targets, Clock& clock) {
  const auto start = steady_clock::now();
  for (int i = 0; i < kSerialSample; ++i) {
    // ModifyImageAttribute; AssumeRole; in the child GetParameter and PutParameter of the list, and
    // PutParameter of the version.
    for (int call = 0; call < 5; ++call) clock.sleep_until(clock.now() + kCallTime, {});
  }
  return seconds_since(start) / kSerialSample * targets;
}

std::vector<Result> bench_distribute(int accounts) {
  SystemClock clock;
  auto caller = std::make_shared<MemoryAws>(clock);
  Installation installation(caller);
  const model::Pipeline pipeline = made_pipeline(accounts);
  const int targets = accounts * static_cast<int>(kRegions.size());
  pipeline::GoldenImage image{.run_id = "run-golden",
                              .image_key = model::image_key(pipeline),
                              .product = pipeline.product,
                              .os = pipeline.os,
                              .version = pipeline.version,
                              .home = {kHomeAccount, kRegions.front()},
                              .requested_by = "bench",
                              .pipeline = pipeline,
                              .created_at = to_rfc3339(clock.now())};
  reserve_version(*installation.context, image);
  const std::string id = caller->add_image(Value::array(), model::image_name(pipeline));
  change_image(*installation.context, image.run_id,
               {.state = pipeline::GoldenState::active, .image_id = id});
  image = pipeline::get_golden_image(*installation.database, image.run_id);

  forget_peak();
  auto engine = installation.engine();
  const std::string run_id = start_distribute(*engine, *installation.context, image, {});
  // Half way it is stopped, as by a reboot, and taken up by another engine.
  std::stop_source half_way;
  std::atomic<bool> ended = false;
  std::jthread watch([&] {
    while (!ended && caller->calls()["ModifyImageAttribute"] < targets / 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    half_way.request_stop();
  });
  const auto start = steady_clock::now();
  engine->drive(run_id, Duration{3600'000}, half_way.get_token());
  ended = true;
  const double first = seconds_since(start);
  const int first_calls = caller->total();
  const auto done = pipeline::list_targets(*installation.database, image.run_id).size();
  engine = installation.engine();
  const auto again = steady_clock::now();
  const workflow::RunInfo run = engine->drive(run_id, Duration{3600'000}, {});
  require_success(run);
  const double second = seconds_since(again);
  const double total = first + second;
  const double bound = caller->bound();
  const int calls = caller->total();
  for (const auto& [operation, count] : caller->calls()) {
    fmt::print(stderr, "  {:24} {}\n", operation, count);
  }
  const double peak = own_status("VmHWM") / 1024;

  caller->forget();
  const auto third = steady_clock::now();
  require_success(engine->drive(start_distribute(*engine, *installation.context, image, {}),
                                Duration{3600'000}, {}));
  const double repeated = seconds_since(third);
  const double serial = serial_seconds(targets, clock);
  const auto per = [&](double what, double of) { return of > 0 ? what / of : 0; };
  return {
      {"distribute, interrupted half way", total, "s"},
      {"  bound by the buckets alone", bound, "s"},
      {"  times the bound", per(total, bound), "times"},
      {"  calls", static_cast<double>(calls), "calls"},
      {"  calls per target", per(calls, targets), "calls"},
      {"  peak memory", peak, "MiB"},
      {"the original's serial loop, multiplied", serial, "s"},
      {"  as fast", per(serial, total), "times"},
      {"places done when it was interrupted", static_cast<double>(done), "places"},
      {"calls after that, per place missing",
       per(calls - first_calls, static_cast<double>(targets) + 4 - static_cast<double>(done)),
       "calls"},
      {"distribute again, all correct", repeated, "s"},
      {"  calls per target", per(caller->total(), targets), "calls"},
      {"  bound by the buckets alone", caller->bound(), "s"},
  };
}

}  // namespace
}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark::bench;
  const int accounts = argc > 1 ? std::stoi(argv[1]) : 1000;
  return report("distribution", fmt::format("{} accounts in {} regions, 50 ms a call", accounts, 4),
                {[&] { return bench_distribute(accounts); }});
}
