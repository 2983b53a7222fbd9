/// The build of a golden image on AWS's protocols, killed at every checkpoint and before and after
/// every call that changes something, and with the answer of every such call lost: one image, one
/// machine at a time, nothing left. On the stand-in of tests/aws_fake.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloud/aws/service_catalog.h"
#include "cloud/aws/stand_in.h"
#include "cloud/hooks/hooked_cloud.h"
#include "cloud/hooks/retrying.h"
#include "net/exchange.h"
#include "pipeline/fixture.h"
#include "workflow/crash_everywhere.h"

namespace hallmark::app {
namespace {

using namespace std::chrono_literals;
using pipeline::kHomeAccount;
using workflow::CrashContext;
using workflow::CrashPlan;
using workflow::CrashReport;
using workflow::RunInfo;
using workflow::RunState;

const cloud::Place kHome{kHomeAccount, "us-east-1"};
constexpr const char* kProfile = "hallmark-machine";
constexpr const char* kSource = "debian-source";

/// Parsed once for all the clients of this process.
std::shared_ptr<aws::ModelLibrary> models() {
  static auto library = std::make_shared<aws::ModelLibrary>("");
  return library;
}

/// One for all the worlds of this process, each of which begins by resetting it.
cloud::StandIn& stand_in() {
  static cloud::StandIn one({kHomeAccount});
  return one;
}

/// "ec2 RunInstances" if the request makes, changes or removes something, else "". Told by how AWS
/// names its operations.
std::string change_in(const net::ExchangeRequest& request) {
  std::string operation;
  for (const auto& [name, value] : request.headers) {
    if (to_lower(name) == "x-amz-target") operation = value.substr(value.find('.') + 1);
  }
  constexpr std::string_view kAction = "Action=";
  if (operation.empty() && request.body.starts_with(kAction)) {
    operation = request.body.substr(kAction.size(), request.body.find('&') - kAction.size());
  }
  for (const char* reading : {"Describe", "Get", "List"}) {
    if (operation.starts_with(reading)) return "";
  }
  return operation;
}

/// A pipeline with everything that costs calls: a script with a secret, generalizing, a test.
model::Pipeline sample() {
  model::Pipeline pipeline = pipeline::sample_pipeline();
  pipeline.source.name = kSource;
  pipeline.build.mode = model::BuildMode::boot;
  pipeline.build.region = kHome.region;
  pipeline.updates.enabled = false;
  pipeline.post_update = std::nullopt;
  pipeline.secrets = {"API_KEY"};
  pipeline.targets = {};
  return pipeline;
}

/// What must be there in the end, each as "kind name".
using Things = std::vector<std::string>;

/// What AWS is asked to do to a build, and what there must be in the end however often the process
/// died and whatever answer was lost.
struct Scenario {
  Things things;
  std::map<std::string, int> made;
  std::vector<std::pair<std::string, Json>> arranged = {};  ///< on the stand-in, beforehand
  RunState outcome = RunState::succeeded;
};

constexpr const char* kIdParameters = "/GoldenAMI/ids/ami-";
constexpr const char* kOurProfile = "instance_profiles hallmark-machine";

Scenario good_build() {
  return {
      {"images Web-1.0-Debian-12-1", kOurProfile, "parameters /GoldenAMI/Debian-12/Web-1.0/1",
       "parameters /GoldenAMI/ids/ami-", "parameters /GoldenAMI/latest", "snapshots of hallmark"},
      {{"images", 1}, {"instances", 2}, {"commands", 3}}};
}

Things things_there() {
  Things things;
  const Json leftovers = stand_in().control("leftovers");
  for (const auto& [kind, entries] : leftovers.items()) {
    for (const Json& entry : entries) {
      // A snapshot has no name, and an instance none that says anything.
      std::string name = kind == "snapshots" ? "of hallmark" : member<std::string>(entry, "id");
      // Ids are the cloud's choice.
      if (name.starts_with(kIdParameters)) name = kIdParameters;
      things.push_back(kind + " " + entry.value("name", name));
    }
  }
  std::sort(things.begin(), things.end());
  return things;
}

void check_outcome(const Scenario& expected) {
  Things there = things_there();
  if (there != expected.things) {
    throw Error(ErrorKind::failed, "there is: {}; expected: {}", join(there, " | "),
                join(expected.things, " | "));
  }
  Json report = stand_in().control("made");
  if (member<int>(report, "most_instances") > 1) {
    throw Error(ErrorKind::failed, "{} instances existed at once",
                member<int>(report, "most_instances"));
  }
  for (const auto& [kind, count] : expected.made) {
    int made = report.at("made").value(kind, 0);
    if (made != count) {
      throw Error(ErrorKind::failed, "{} {} were made, not {}", made, kind, count);
    }
  }
}

std::string first_sector(disk::BlockReader& disk) {
  std::string sector(512, '\0');
  disk.read(0, std::as_writable_bytes(std::span(sector)));
  return sector;
}

class AwsWorld : public workflow::CrashWorld {
 public:
  AwsWorld(const CrashContext& crash, const Scenario& scenario)
      : crash_(crash), scenario_(scenario) {
    Path marker = crash.directory / "set-up";
    if (!read_file_if_exists(marker)) set_up();
    write_file(marker, "");
  }

  std::vector<workflow::WorkflowDefinition> workflows() override {
    context_.reset();
    client_ = std::make_shared<aws::HttpClient>(
        client_clock_,
        aws::ClientOptions{
            .models = models(),
            .endpoint_url = stand_in().endpoint(),
            .credentials = stand_in().credentials(kHomeAccount),
            .limit_rates = false,
            .environment = [](const std::string&) { return std::nullopt; },
            .home = "/nonexistent",
            .exchange = [this](const net::ExchangeRequest& request,
                               std::stop_token stop) { return exchange(request, std::move(stop)); },
            .random = [] { return 0.5; }});
    const cloud::AwsCloudConfig config{.account_id = kHomeAccount,
                                       .regions = {{.name = kHome.region}},
                                       .instance_profile = kProfile};
    auto credentials = [](const std::string& account) { return stand_in().credentials(account); };
    auto inner = cloud::make_aws_cloud(config, client_, credentials, crash_.clock);
    catalog_ = cloud::make_aws_catalog(config, client_, credentials, crash_.clock);
    // As the program has it.
    cloud_ = std::make_shared<cloud::HookedCloud>(
        std::move(inner),
        std::vector<std::shared_ptr<cloud::CallHook>>{
            std::make_shared<cloud::Retrying>(crash_.clock, cloud::RetryPolicy{}, 1)});
    ledger_ = std::make_unique<workflow::Ledger>(crash_.database, crash_.clock);
    audit_ =
        std::make_unique<audit::Log>(crash_.database, crash_.directory / "audit", crash_.clock);
    context_ = std::make_unique<pipeline::Context>(pipeline::Context{
        .cloud = *cloud_,
        .catalog = *catalog_,
        .database = crash_.database,
        .ledger = *ledger_,
        .audit = *audit_,
        .clock = crash_.clock,
        .state_directory = crash_.directory,
        .scanner = {.take_inventory =
                        [](disk::BlockReader& disk, const model::InventorySettings&) {
                          first_sector(disk);
                          return model::Inventory{};
                        },
                    .assess = [](const model::Inventory&,
                                 std::stop_token) { return pipeline::assessment_with(0); },
                    // A GiB of zeros takes more time than all the rest.
                    .digest = [](disk::BlockReader& disk,
                                 std::stop_token) { return sha256_hex(first_sector(disk)); }},
        .secret = [](const std::string&) { return "s3cr3t-value"; },
        .fetch = [](const std::string&, std::stop_token) { return std::string(); }});
    return pipeline::workflows(*context_);
  }

  bool answer(workflow::Engine& engine, const RunInfo& run) override {
    pipeline::GoldenImage image = pipeline::get_golden_image(crash_.database, run.run_id);
    engine.signal(run.run_id, pipeline::kDecisionSignal,
                  pipeline::Decision{.approver = "ada",
                                     .approve = true,
                                     .evidence_digest = image.evidence_digest,
                                     .decided_at = to_rfc3339(crash_.clock.now())});
    return true;
  }

  void check(const RunInfo&) override { check_outcome(scenario_); }

 private:
  net::ExchangeResponse exchange(const net::ExchangeRequest& request, std::stop_token stop) {
    // Destructors that call AWS run while this process is being unwound; a dead one sends nothing.
    if (crash_.plan.died()) throw net::NotSent(ErrorKind::unavailable, "this process is dead");
    std::string change = change_in(request);
    if (!change.empty()) crash_.plan.hit("before " + change);
    net::ExchangeResponse response = pool_.send(request, std::move(stop));
    if (!change.empty()) crash_.plan.hit("after " + change);
    return response;
  }

  void set_up() {
    cloud::StandIn& aws = stand_in();
    aws.control("reset", Json::object());
    // What happens on AWS happens by AWS's clock, and that must be near to ours.
    double theirs = member<double>(aws.control("clock", Json::object()), "now");
    double ours = std::chrono::duration<double>(crash_.clock.now().time_since_epoch()).count();
    aws.control("clock", Json{{"advance", ours - theirs}});
    Json delays = aws.control("delays");
    for (auto& [what, delay] : delays.items()) delay = 0;
    // Seen to be pending once.
    delays["image"] = delays["instance-start"] = delays["ssm-registration"] = Json{{"looks", 1}};
    aws.control("delays", delays);
    aws.control("switches", Json{{"run-commands", false}});
    aws.control("images", Json{{"region", kHome.region},
                               {"name", kSource},
                               {"owner", kHomeAccount},
                               {"size", 1},
                               {"blocks", {{"0", "a boot sector"}}}});
    aws.client(kHomeAccount, client_clock_)
        ->call({"iam", "CreateInstanceProfile", "us-east-1", nullptr},
               {{"InstanceProfileName", kProfile}}, {});
    for (const auto& [control, body] : scenario_.arranged) aws.control(control, body);
  }

  CrashContext crash_;
  const Scenario scenario_;
  net::ConnectionPool pool_;
  /// Signatures hold by the machine's clock; waits between attempts cost no time.
  ManualClock client_clock_{SystemClock().now()};
  std::shared_ptr<aws::HttpClient> client_;
  std::shared_ptr<cloud::Cloud> cloud_;
  std::unique_ptr<cloud::Catalog> catalog_;
  std::unique_ptr<workflow::Ledger> ledger_;
  std::unique_ptr<audit::Log> audit_;
  std::unique_ptr<pipeline::Context> context_;
};

Json input() { return {{"pipeline", sample()}, {"requested_by", "grace"}}; }

CrashReport survive(const Scenario& scenario, CrashPlan::Death death, bool again = false) {
  return workflow::crash_everywhere(
      {.workflow = "build",
       .input = input(),
       .make_world = [&](const CrashContext& crash) -> std::unique_ptr<workflow::CrashWorld> {
         return std::make_unique<AwsWorld>(crash, scenario);
       },
       // Ids are AWS's choice.
       .comparable =
           [](const Json& result) { return result.is_null() ? Json() : result["image_key"]; }},
      death, again);
}

void expect_survival(const Scenario& scenario, CrashPlan::Death death, bool again = false) {
  CrashReport report = survive(scenario, death, again);
  EXPECT_EQ(report.outcome.state, scenario.outcome)
      << (report.outcome.error ? report.outcome.error->full_text() : "");
  EXPECT_GT(report.points, 40);
  testing::Test::RecordProperty("crash_points", report.points);
}

/// The test machine's script says no.
Scenario build_whose_test_fails() {
  std::string script = base64_encode(sample().tests.at(0).script.text);
  return {{kOurProfile},
          {{"images", 1}, {"instances", 2}, {"commands", 3}},
          {{"switches", Json{{"command-rules", Json::array({{{"match", script}, {"exit", 1}}})}}}},
          RunState::failed};
}

Scenario build_whose_image_fails() {
  return {{kOurProfile},
          {{"images", 1}, {"instances", 1}, {"commands", 2}},
          {{"failures", Json{{"kind", "image"}, {"reason", "Client.InternalError: the disk"}}}},
          RunState::failed};
}

class AwsCrash : public testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = cloud::why_no_stand_in(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(AwsCrash, Build) { expect_survival(good_build(), CrashPlan::Death::unwind); }

TEST_F(AwsCrash, BuildWhoseTestFails) {
  expect_survival(build_whose_test_fails(), CrashPlan::Death::unwind);
}

TEST_F(AwsCrash, BuildWhoseImageFailsInProcessesThatReallyDie) {
  expect_survival(build_whose_image_fails(), CrashPlan::Death::process);
}

/// A computer on which nobody dies.
class Computer {
 public:
  explicit Computer(const Scenario& scenario)
      : database_(db::Database::open("sqlite://" + (directory_.path() / "state.db").string() +
                                     "?synchronous=off")),
        world_({directory_.path(), *database_, clock_, plan_}, scenario),
        outcome_(scenario.outcome) {}

  /// Builds with these faults in AWS; throws what is wrong afterwards.
  RunInfo build(const Json& faults) {
    if (!faults.empty()) stand_in().control("faults", faults);
    workflow::Engine engine(*database_, clock_, world_.workflows(),
                            {.log_directory = directory_.path() / "logs"});
    const std::string run_id = engine.start("build", "lost answers", input(), "run-lost");
    for (int drive = 0; drive < kMostDrives; ++drive) {
      RunInfo run = engine.drive(run_id, 24h * 365, {});
      if (!workflow::ended(run.state)) {
        world_.answer(engine, run);
        continue;
      }
      if (run.state != outcome_) throw run.error.value_or(Error(ErrorKind::failed, "it succeeded"));
      std::vector<workflow::LedgerEntry> owned = workflow::Ledger(*database_, clock_).open();
      if (!owned.empty()) {
        throw Error(ErrorKind::failed, "the ledger still has {} entries", owned.size());
      }
      world_.check(run);
      const Json state = stand_in().control("faults");
      for (const Json& fault : state.at("faults")) {
        if (fault.value("hit", 0) == 0) throw Error(ErrorKind::failed, "the fault met no call");
      }
      return run;
    }
    throw Error(ErrorKind::failed, "the build did not end");
  }

 private:
  static constexpr int kMostDrives = 20;
  TempDir directory_;
  ManualClock clock_{from_rfc3339("2026-01-01T00:00:00Z")};
  std::unique_ptr<db::Database> database_;
  CrashPlan plan_;
  AwsWorld world_;
  const RunState outcome_;
};

bool is_change(const std::string& operation) {
  return !operation.starts_with("Describe") && !operation.starts_with("Get") &&
         !operation.starts_with("List");
}

/// Each call of the build, as "service operation" and its number among its kind; of reading calls,
/// which have no effect that could be doubled, only the first of a kind.
std::vector<std::pair<std::string, int>> calls_of_a_build(const Scenario& scenario) {
  Computer(scenario).build(Json::array());
  std::map<std::string, int> seen;
  std::vector<std::pair<std::string, int>> calls;
  const Json log = stand_in().control("calls");
  for (const Json& call : log.at("calls")) {
    std::string operation = member<std::string>(call, "operation");
    if (operation == "CreateInstanceProfile") continue;
    std::string name = member<std::string>(call, "service") + " " + operation;
    int number = ++seen[name];
    if (number == 1 || is_change(operation)) calls.emplace_back(name, number);
  }
  return calls;
}

void build_with_each_call(const Scenario& scenario,
                          const std::vector<std::string>& kinds_of_fault) {
  std::vector<std::pair<std::string, int>> calls = calls_of_a_build(scenario);
  EXPECT_GT(calls.size(), 15u);
  int builds = 0;
  for (const auto& [name, number] : calls) {
    std::vector<std::string> words = split(name, ' ');
    for (const std::string& kind : kinds_of_fault) {
      SCOPED_TRACE(fmt::format("{}: {} number {}", kind, name, number));
      try {
        Computer(scenario).build(
            Json{{"kind", kind}, {"service", words[0]}, {"operation", words[1]}, {"nth", number}});
        ++builds;
      } catch (const Error& e) {
        ADD_FAILURE() << e.full_text();
      }
    }
  }
  testing::Test::RecordProperty("builds", builds);
}

TEST_F(AwsCrash, EveryAnswerLost) { build_with_each_call(good_build(), {"drop-after"}); }

TEST_F(AwsCrash, EveryAnswerLostToABuildThatFails) {
  build_with_each_call(build_whose_test_fails(), {"drop-after"});
  build_with_each_call(build_whose_image_fails(), {"drop-after"});
}

TEST_F(AwsCrash, EveryRequestDropped) { build_with_each_call(good_build(), {"drop-before"}); }

TEST_F(AwsCrash, EveryAnswerCutOff) { build_with_each_call(good_build(), {"cut"}); }

TEST_F(AwsCrash, NothingIsFoundAtFirst) {
  Scenario scenario = good_build();
  scenario.arranged = {{"switches", Json{{"lag", 2}}}};
  Computer(scenario).build(Json::array());
}

TEST_F(AwsCrash, AnImageThatFailsSaysWhy) {
  RunInfo run = Computer(build_whose_image_fails()).build(Json::array());
  EXPECT_EQ(run.error->kind(), ErrorKind::failed);
  EXPECT_THAT(run.error->full_text(), testing::HasSubstr("Client.InternalError: the disk"));
}

TEST_F(AwsCrash, AnImageThatStaysPendingIsGivenUp) {
  Scenario scenario = build_whose_image_fails();
  scenario.arranged = {{"delays", Json{{"image", {{"looks", 100'000}}}}}};
  RunInfo run = Computer(scenario).build(Json::array());
  EXPECT_EQ(run.error->kind(), ErrorKind::timeout);
  EXPECT_THAT(run.error->full_text(), testing::HasSubstr("Web-1.0-Debian-12-1"));
  EXPECT_THAT(run.error->full_text(), testing::HasSubstr("pending"));
  EXPECT_FALSE(run.error->hint().empty());
}

}  // namespace
}  // namespace hallmark::app
