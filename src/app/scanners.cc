#include "app/scanners.h"

#include <map>

#include "app/secrets.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/text.h"
#include "scan/inspector/inspector.h"
#include "scan/inspector/sbom.h"
#include "scan/openscap/openscap.h"
#include "scan/qualys/qualys.h"
#include "scan/tenable/tenable.h"

namespace hallmark::app {

namespace {

using Made = std::unique_ptr<scan::OutsideScanner>;

/// Makes one scanner of each kind out of its part of config.yaml, which follows its schema.
class Maker {
 public:
  Maker(Config config, AwsAccessOf aws, cloud::Cloud& cloud, Clock& clock)
      : config_(std::move(config)), aws_(std::move(aws)), cloud_(cloud), clock_(clock) {}

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, settings] : config_.scanners) names.push_back(name);
    return names;
  }

  Made make(const std::string& name) const {
    auto found = config_.scanners.find(name);
    if (found == config_.scanners.end()) {
      throw Error(ErrorKind::usage, "there is no scanner {} in {}", name, config_.file.string())
          .hint(config_.scanners.empty() ? "describe it there under scanners"
                                         : "there is: " + join(names(), ", "));
    }
    const Json& settings = found->second;
    const std::string kind = settings["kind"];
    if (kind == "qualys") return qualys(settings);
    if (kind == "tenable") return tenable(settings);
    if (kind == "openscap") return openscap(name, settings);
    if (kind == "inspector") return inspector(settings);
    if (kind == "inspector-image") return inspector_image(settings);
    return scan::make_inspector_sbom_scanner(
        {config_.cloud.account_id, settings.value("region", config_.cloud.regions.front())},
        inspector_access(), clock_);
  }

 private:
  /// Empty if the settings have no such member.
  std::string secret(const Json& settings, const char* key) const {
    if (!settings.contains(key)) return "";
    return secret_value(settings[key],
                        {.directory = config_.file.parent_path(),
                         .aws = [this] { return client(aws_()); },
                         .aws_region = config_.cloud.regions.front()},
                        {});
  }

  Path file(const Json& settings, const char* key) const {
    if (!settings.contains(key)) return {};
    return (config_.file.parent_path() / settings[key].get<std::string>()).lexically_normal();
  }

  static void set_duration(const Json& settings, const char* key, Duration& duration) {
    if (settings.contains(key)) duration = parse_duration(settings[key].get<std::string>());
  }

  static std::shared_ptr<aws::Caller> client(const std::shared_ptr<AwsAccess>& access) {
    return {access, &access->client};
  }

  Made qualys(const Json& json) const {
    scan::QualysConfig made{.url = json["url"],
                            .username = secret(json, "username"),
                            .password = secret(json, "password"),
                            .ca_file = file(json, "ca_file").string()};
    made.option_title = json.value("option_title", "");
    made.option_id = json.value("option_id", "");
    made.iscanner_name = json.value("scanner", "");
    if (json.value("target", "ip") == "ec2") made.target = scan::QualysConfig::Target::ec2;
    made.add_ip = json.value("add_ip", made.add_ip);
    made.connector_name = json.value("connector_name", "");
    made.connector_id = json.value("connector_id", "");
    made.ec2_endpoint = json.value("ec2_endpoint", "");
    made.needs_login = json.value("needs_login", made.needs_login);
    made.report_template_id = json.value("report_template_id", "");
    made.report_format = json.value("report_format", made.report_format);
    set_duration(json, "poll_interval", made.limits.poll_interval);
    return scan::make_qualys_scanner(std::move(made), clock_);
  }

  Made tenable(const Json& json) const {
    scan::TenableConfig made;
    made.url = json.value("url", made.url);
    made.access_key = secret(json, "access_key");
    made.secret_key = secret(json, "secret_key");
    made.template_title = json.value("template", made.template_title);
    made.scanner_name = json.value("scanner", "");
    made.folder = json.value("folder", "");
    made.credential_id = json.value("credential_id", "");
    made.ssh_user = json.value("ssh_user", "");
    made.ssh_private_key = secret(json, "ssh_private_key");
    made.ssh_passphrase = secret(json, "ssh_passphrase");
    made.elevate_with = json.value("elevate_with", made.elevate_with);
    made.ca_file = file(json, "ca_file").string();
    set_duration(json, "poll_interval", made.poll_interval);
    return scan::make_tenable_scanner(std::move(made), clock_);
  }

  scan::InspectorAccess inspector_access() const {
    std::shared_ptr<AwsAccess> access = aws_();
    return {.caller = client(access),
            .credentials_of = [access, own = config_.cloud.account_id,
                               child = child_credentials(access, config_.cloud.aws,
                                                         config_.cloud.regions.front())](
                                  const std::string& account_id) {
              return account_id == own ? nullptr : child(account_id);
            }};
  }

  void require_aws(const char* looks_at) const {
    if (config_.cloud.kind == "aws") return;
    throw Error(ErrorKind::usage, "Amazon Inspector looks at {}, and cloud.kind is {}", looks_at,
                config_.cloud.kind)
        .hint("kind inspector-sbom takes the image's list of packages instead");
  }

  scan::InspectorPlace home() const {
    return {config_.cloud.account_id, config_.cloud.regions.front()};
  }

  Made inspector_image(const Json& json) const {
    require_aws("AMIs");
    Duration poll_interval = scan::InspectorLimits{}.poll_interval;
    set_duration(json, "poll_interval", poll_interval);
    return scan::make_inspector_image_scanner(home(), inspector_access(), poll_interval, clock_);
  }

  Made inspector(const Json& json) const {
    require_aws("EC2 instances");
    scan::InspectorConfig made{.places = {home()},
                               .must_be_enabled = json.value("must_be_enabled", true),
                               .cis_level = json.value("cis_level", "")};
    set_duration(json, "poll_interval", made.limits.poll_interval);
    set_duration(json, "publish_delay", made.limits.publish_delay);
    return scan::make_inspector_scanner(std::move(made), inspector_access(), clock_);
  }

  /// Commands are the cloud's, and named after the scan.
  scan::MachineCommands machine_commands() const {
    auto place = [](const scan::ScanTarget& target) {
      return cloud::Place{target.account_id, target.region};
    };
    cloud::Cloud& cloud = cloud_;
    return {.start =
                [&cloud, place](const scan::ScanTarget& target, const std::string& script,
                                Duration time_limit) {
                  return cloud.start_command(place(target), target.machine_id,
                                             {.script = script, .time_limit = time_limit},
                                             sha256_hex(target.title));
                },
            .read =
                [&cloud, place](const scan::ScanTarget& target, const std::string& command_id) {
                  return read_whole(cloud, place(target), target.machine_id, command_id);
                },
            .cancel =
                [&cloud, place](const scan::ScanTarget& target, const std::string& command_id) {
                  if (command_id.empty()) return;
                  try {
                    cloud.cancel_command(place(target), target.machine_id, command_id);
                  } catch (const Error& e) {
                    // It went with the machine.
                    if (e.kind() != ErrorKind::not_found) throw;
                  }
                },
            .check =
                [this] {
                  const CloudConfig& config = config_.cloud;
                  auto region = config.aws.regions.find(config.regions.front());
                  if (config.kind != "aws" ||
                      (region != config.aws.regions.end() && !region->second.bucket.empty())) {
                    return;
                  }
                  throw Error(ErrorKind::usage, "results of OpenSCAP are too long for AWS to keep")
                      .hint("name a bucket for them: cloud.aws.regions." + config.regions.front() +
                            ".bucket");
                }};
  }

  /// Output comes in pieces, and until the last one is read a command counts as running.
  static scan::MachineCommand read_whole(cloud::Cloud& cloud, const cloud::Place& place,
                                         const std::string& machine_id,
                                         const std::string& command_id) {
    std::string output;
    cloud::CommandStatus status;
    do {
      status =
          cloud.read_command(place, machine_id, command_id, status.output_offset, Duration{}, {});
      output += status.output;
    } while (status.state == cloud::CommandState::running && !status.output.empty());
    return {.state = state_of(status.state),
            .exit_code = status.exit_code,
            .output = std::move(output),
            .output_truncated = status.output_truncated};
  }

  static scan::MachineCommand::State state_of(cloud::CommandState state) {
    using State = scan::MachineCommand::State;
    switch (state) {
      case cloud::CommandState::running:
        return State::running;
      case cloud::CommandState::finished:
        return State::finished;
      case cloud::CommandState::timed_out:
        return State::timed_out;
      case cloud::CommandState::interrupted:
        return State::interrupted;
    }
    throw Error(ErrorKind::internal, "no such state of a command");
  }

  Made openscap(const std::string& name, const Json& json) const {
    scan::OpenscapConfig made{.name = name,
                              .content = file(json, "content"),
                              .content_path = json.value("content_path", ""),
                              .profile = json.value("profile", ""),
                              .tailoring = file(json, "tailoring"),
                              .install = json.value("install", false),
                              .fetch_remote_resources = json.value("fetch_remote_resources", false),
                              .min_evaluated = json.value("min_evaluated", 1)};
    set_duration(json, "time_limit", made.limits.time_limit);
    set_duration(json, "poll_interval", made.limits.poll_interval);
    return scan::make_openscap_scanner(std::move(made), machine_commands(), clock_);
  }

  Config config_;
  AwsAccessOf aws_;
  cloud::Cloud& cloud_;
  Clock& clock_;
};

}  // namespace

pipeline::OutsideScanners outside_scanners(const Config& config, AwsAccessOf aws,
                                           cloud::Cloud& cloud, Clock& clock) {
  // Each is made once: it keeps connections, and its secrets are asked for once.
  using Known = Sync<std::map<std::string, std::shared_ptr<scan::OutsideScanner>>>;
  auto maker = std::make_shared<Maker>(config, std::move(aws), cloud, clock);
  auto known = std::make_shared<Known>();
  return [maker, known](const std::string& name) {
    auto scanners = known->lock();
    std::shared_ptr<scan::OutsideScanner>& scanner = (*scanners)[name];
    if (!scanner) scanner = maker->make(name);
    return scanner;
  };
}

}  // namespace hallmark::app
