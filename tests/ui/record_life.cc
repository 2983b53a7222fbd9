// Lives through some weeks of golden images on the cloud in memory and keeps what commands answer
// of them, as --json would print it: what the page is developed and tested with.
//   ui_record_life DIRECTORY [STATE]     writes DIRECTORY/<name>.json, and leaves the state
//   directory of that life,
//                                        for a server to answer from
#include <cstdio>
#include <sstream>

#include "app/commands.h"
#include "base/error.h"
#include "cli/command_line.h"
#include "pipeline/fixture.h"

namespace {

using namespace hallmark;
using namespace hallmark::pipeline;
using model::Severity;

constexpr Duration kHour{3600'000LL};

struct Known {
  const char *cve, *package, *installed, *fixed;
  Severity severity;
  const char* title;
  bool exploited = false;
};

const std::vector<Known>& known() {
  static const std::vector<Known> all = {
      {"CVE-2026-2041", "openssl", "3.0.15-1", "3.0.16-1", Severity::critical,
       "a crafted certificate is read past its end", true},
      {"CVE-2026-1187", "libc6", "2.36-9", "2.36-10", Severity::high,
       "a long host name overflows a buffer of the resolver"},
      {"CVE-2026-1300", "curl", "7.88.1-10", "7.88.1-11", Severity::high,
       "a redirect sends credentials to another host"},
      {"CVE-2026-1422", "libxml2", "2.9.14-1", "", Severity::medium,
       "an entity is expanded without a limit"},
      {"CVE-2026-1555", "tar", "1.34-1", "", Severity::low,
       "a link of an archive may leave the directory"},
      {"CVE-2025-9120", "vim-common", "9.0.1378-2", "9.0.1378-3", Severity::medium,
       "a swap file is trusted too early"},
      {"CVE-2026-3007", "linux-image-amd64", "6.1.90-1", "6.1.99-1", Severity::high,
       "a local user may gain rights by a race in io_uring"},
      {"CVE-2026-3110", "sudo", "1.9.13p3-1", "", Severity::medium,
       "a rule with a wildcard matches too much"},
  };
  return all;
}

model::Finding finding(const Known& one) {
  model::Finding made;
  made.finding_id = std::string("suite:") + one.cve;
  made.cves = {one.cve};
  made.package = one.package;
  made.installed_version = one.installed;
  made.fixed_version = one.fixed;
  made.severity = one.severity;
  made.title = one.title;
  made.known_exploited = one.exploited;
  return made;
}

model::Assessment seen(std::vector<std::size_t> which, std::optional<double> score = {}) {
  model::Assessment assessment = assessment_with(0);
  assessment.package_count = 412;
  assessment.hardening_score = score;
  for (std::size_t i : which) assessment.findings.push_back(finding(known().at(i)));
  return assessment;
}

model::Pipeline pipeline_of(const std::string& product, const std::string& version) {
  model::Pipeline pipeline = sample_pipeline();
  pipeline.product = product;
  pipeline.version = version;
  pipeline.scanners = {{.name = "qualys"}};
  pipeline.gate.max_pending_updates = std::nullopt;
  pipeline.gate.findings = {{Severity::critical, {.fixable = model::Judgement::fail}},
                            {Severity::high, {.fixable = model::Judgement::review}},
                            {Severity::medium, {.unfixable = model::Judgement::review}}};
  pipeline.gate.waivers = {{.finding = "CVE-2026-2041",
                            .reason = "no certificate of others is ever read there",
                            .by = "bob",
                            .expires_at = from_rfc3339("2026-11-30T00:00:00Z"),
                            .known_exploited = true,
                            .justification = "vulnerable_code_not_in_execute_path"}};
  pipeline.catalog =
      model::CatalogOffer{.template_name = "templates/product.json",
                          .template_text = std::string(model::default_product_template()),
                          .principals = {"role/developers"}};
  return pipeline;
}

/// The commands, in a process whose workplace is the product's.
class Desk {
 public:
  Desk(Product& product, Clock& clock, Path to)
      : to_(std::move(to)),
        workplace_{.engine = *product.engine,
                   .context = *product.context,
                   .observe = [](workflow::Observer) {},
                   .schedules = schedules_,
                   .enforcement = nullptr,
                   .triggers = triggers_},
        app_{.out = {.stream = out_},
             .err = {.stream = err_},
             .clock = clock,
             .state_directory = product.directory,
             .user = "ada",
             .command_prefix = "hallmark",
             .json = true,
             .workplace = [this]() -> cli::Workplace& { return workplace_; },
             .scanner = product.context->scanner} {}

  /// What the command answers; of one that streams, its last line.
  std::string ask(const std::vector<std::string>& words) {
    out_.str("");
    cli::run_command(app_, cli::parse_command_line(app::commands(), words));
    std::string text = out_.str();
    if (!text.starts_with("{\n")) {
      text.pop_back();
      text = pretty(parse_json(text.substr(text.rfind('\n') + 1), "the last line")) + "\n";
    }
    return text;
  }
  void record(const std::string& name, const std::vector<std::string>& words) {
    write_file(to_ / (name + ".json"), ask(words));
  }
  /// As a server sends it, of its files only what the page itself reads.
  void record_bundle(const std::string& name, const std::string& reference) {
    TempDir directory;
    const Path bundle = directory.path() / "evidence";
    Json record = parse_json(ask({"image", "evidence", reference, "-o", bundle.string(), "--json"}),
                             "the bundle");
    Json files = Json::array();
    for (const char* file : {"sbom.cdx.json", "manifest.dsse.json"}) {
      files.push_back(
          {{"name", std::string("evidence/") + file}, {"content", read_file(bundle / file)}});
    }
    record["directory"] = "evidence";
    record["key_file"] = "evidence.pub";
    record["written_files"] = {{"o", files}};
    write_file(to_ / (name + ".json"), pretty(record) + "\n");
  }

 private:
  Path to_;
  std::ostringstream out_, err_;
  std::vector<Schedule> schedules_;
  Triggers triggers_;
  cli::Workplace workplace_;
  cli::App app_;
};

struct Life {
  explicit Life(Path directory) : kept(std::move(directory)) {}

  ManualClock clock{from_rfc3339("2026-10-26T08:00:00Z")};
  TempDir services, passing;
  const Path kept;  ///< empty: it is not kept
  std::vector<std::size_t> ours, theirs;
  double score = 88.0;
  FakeService service{.directory = services.path(), .see = [this] { return seen(theirs, score); }};
  std::shared_ptr<cloud::MemoryWorld> world =
      std::make_shared<cloud::MemoryWorld>(clock, cloud::MemoryOptions{});
  Product product{clock,
                  world,
                  {.assess =
                       [this](const model::Inventory&) {
                         model::Assessment assessment = seen(ours);
                         assessment.scanner = "hallmark";
                         assessment.login = model::Login::not_needed;
                         return assessment;
                       },
                   .outside_scanner = fake_scanners(service),
                   .directory = kept.empty() ? passing.path() : kept}};

  GoldenImage golden(const model::Pipeline& pipeline) {
    const std::string run_id = product.start(pipeline);
    const workflow::RunInfo built = product.drive(run_id);
    if (built.error) throw *built.error;
    decide(*product.engine, *product.context, product.image(run_id),
           {.approver = "ada", .approve = true, .comment = "read the report; fine"});
    product.drive(run_id);
    GoldenImage image = product.image(run_id);
    product.drive(start_distribute(*product.engine, *product.context, image, {}));
    return product.image(run_id);
  }
  std::string id_at(const GoldenImage& image, const cloud::Place& place) {
    return find_target(*product.database, image.run_id, place).value().image_id;
  }
  void launch(const cloud::Place& place, const std::string& image_id, const std::string& name,
              cloud::Tags tags = {}) {
    product.cloud->launch_machine(
        place, {.image_id = image_id, .name = name, .tags = std::move(tags)}, name, {});
  }
};

void live(const Path& to, const Path& state) {
  Life life(state);
  Product& product = life.product;
  Desk desk(product, life.clock, to);
  const std::string source = product.import_source();
  const std::string others = product.cloud->import_image(
      kChildWest, product.directory / "source.raw", {.name = "made-by-hand"}, "made-by-hand", {});
  life.ours = {0, 1, 2, 3, 4, 5};
  life.theirs = {0, 2, 3, 7};
  const GoldenImage base = life.golden(pipeline_of("Base-1.0", "2026.10"));
  const GoldenImage first = life.golden(pipeline_of("Web-1.0", "1.0.0"));
  life.launch(kChildWest, life.id_at(first, kChildWest), "web-1",
              {{"aws:autoscaling:groupName", "web"}});
  life.launch(kWest, life.id_at(first, kWest), "web-2");
  for (int day = 0; day < 12; ++day) {
    life.clock.advance(24 * kHour);
    if (day == 3) life.launch(kHome, source, "forgotten");
    if (day == 6) life.launch(kChildWest, others, "experiment", {{"Team", "data"}});
    desk.ask({"compliance", "check", "--json"});
  }
  life.ours = {0, 3, 4, 5};
  life.theirs = {0, 3, 7};
  life.score = 91.5;
  const GoldenImage second = life.golden(pipeline_of("Web-1.0", "1.1.0"));
  desk.ask({"channel", "promote", "Web-1.0/Debian-12/1.1.0", "--to", "prod", "--json"});
  life.launch(kChildWest, life.id_at(second, kChildWest), "web-3");
  life.launch(kHome, life.id_at(second, kHome), "web-4", {{"aws:autoscaling:groupName", "web"}});
  for (int day = 0; day < 9; ++day) {
    life.clock.advance(24 * kHour);
    desk.ask({"compliance", "check", "--json"});
  }
  // A build that fails, one that is turned down, one that nobody drives yet, and one that waits.
  model::Pipeline broken = pipeline_of("Base-1.0", "2026.11");
  broken.source.name = "debian-sorce";
  const std::string failed = product.start(broken);
  product.drive(failed);
  life.ours = {1, 2, 3, 4, 5};
  const std::string refused = product.start(pipeline_of("Base-1.0", "2026.11.1"));
  product.drive(refused);
  product.decide(refused, false, "eve");
  product.drive(refused);
  life.clock.advance(24 * kHour);
  desk.ask({"compliance", "check", "--json"});
  life.ours = {0, 3, 4, 6};
  life.theirs = {0, 3, 6};
  life.score = 94.0;
  const std::string waiting = product.start(pipeline_of("Web-1.0", "1.2.0"));
  product.drive(waiting);
  product.start(pipeline_of("Base-1.0", "2026.12"));
  const std::vector<std::string> developer = {
      "--account", kChildAccount, "--region",
      "us-west-2", "--as",        "arn:aws:iam::444455556666:role/developers"};
  auto as_developer = [&](std::vector<std::string> words) {
    words.insert(words.end(), developer.begin(), developer.end());
    words.push_back("--json");
    return words;
  };
  std::vector<std::string> launch =
      as_developer({"catalog", "launch", "Web-1.0/Debian-12", "shop"});
  desk.record("catalog_launch", launch);
  life.clock.advance(2 * kHour);

  desk.record("image_list", {"image", "list", "--all", "--json"});
  desk.record("image_show_active", {"image", "show", "Web-1.0/Debian-12/1.1.0", "--json"});
  desk.record("image_show_waiting", {"image", "show", "Web-1.0/Debian-12/1.2.0", "--json"});
  desk.record("image_report_waiting", {"image", "report", "Web-1.0/Debian-12/1.2.0", "--json"});
  desk.record("image_report_active", {"image", "report", "Web-1.0/Debian-12/1.1.0", "--json"});
  desk.record("image_tree", {"image", "tree", "--all", "--json"});
  desk.record("image_ages", {"image", "ages", "--days", "30", "--json"});
  desk.record("channel_list", {"channel", "list", "--json"});
  desk.record("run_list", {"run", "list", "--json"});
  desk.record("run_show_waiting", {"run", "show", waiting, "--why", "--json"});
  desk.record("run_show_failed", {"run", "show", failed, "--why", "--json"});
  desk.record("run_log_waiting", {"run", "log", waiting, "--json"});
  desk.record("compliance_check", {"compliance", "check", "--json"});
  desk.record("compliance_show", {"compliance", "show", "--json"});
  desk.record("compliance_trend", {"compliance", "trend", "--json"});
  desk.record("notice_list", {"notice", "list", "--json"});
  desk.record("catalog_list", as_developer({"catalog", "list"}));
  desk.record("catalog_launched", as_developer({"catalog", "list", "--launched"}));
  desk.record("schedule_list", {"schedule", "list", "--json"});
  desk.record_bundle("image_evidence_active", "Web-1.0/Debian-12/1.1.0");
  desk.record_bundle("image_evidence_waiting", "Web-1.0/Debian-12/1.2.0");
  desk.record("audit_list", {"audit", "list", "--json"});
  desk.record("audit_verify", {"audit", "verify", "--json"});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  try {
    make_directories(argv[1], 0755);
    if (argc == 3) make_directories(argv[2], 0700);
    live(argv[1], argc == 3 ? argv[2] : "");
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.full_text().c_str());
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
