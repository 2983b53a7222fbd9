#include "scan/tenable/tenable.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "scan/tenable/api.h"
#include "scan/tenable/details.h"
#include "scan/tenable/ssh_key.h"
#include "scan/tenable/verdict.h"

namespace hallmark::scan {
namespace tenable {
namespace {

using namespace std::chrono_literals;
using model::Completeness;

/// A launch shows in the status at once, a new scan in the list within seconds.
constexpr Duration kSettle = 2s;
constexpr int kLooks = 3;
/// Plugin "Nessus Scan Information".
constexpr const char* kScanInformation = "19506";

struct ScanId {
  std::string number;
  std::string run_uuid;
};

ScanId parse_id(const std::string& scan_id) {
  const std::size_t slash = scan_id.find('/');
  if (slash == std::string::npos) return {.number = scan_id};
  return {scan_id.substr(0, slash), scan_id.substr(slash + 1)};
}

std::string text_of(const ListedScan& scan) { return scan.id + "/" + scan.run_uuid; }

/// Whether another way to the results may work where this one did not.
bool can_do_without(ErrorKind kind) {
  return kind != ErrorKind::cancelled && kind != ErrorKind::internal;
}

ServiceConfig service_config(const TenableConfig& config) {
  if (config.access_key.empty() || config.secret_key.empty()) {
    throw Error(ErrorKind::usage, "Tenable needs an access key and a secret key");
  }
  redact(config.access_key);
  redact(config.secret_key);
  if (!config.ssh_passphrase.empty()) redact(config.ssh_passphrase);
  return {.name = "Tenable",
          .url = config.url,
          .headers = {{"Accept", "application/json, application/octet-stream;q=0.9, */*;q=0.5"},
                      {"User-Agent", "Hallmark"}},
          .secret_headers = {{"X-ApiKeys", "accessKey=" + config.access_key +
                                               "; secretKey=" + config.secret_key + ";"}},
          .ca_file = config.ca_file,
          .judge = judge};
}

void check_config(const TenableConfig& config) {
  if (config.ssh_private_key.empty()) return;
  if (!config.credential_id.empty()) {
    throw Error(ErrorKind::usage,
                "a credential of Tenable's and a key to upload: only one is used");
  }
  if (config.ssh_user.empty()) {
    throw Error(ErrorKind::usage, "a key for Tenable needs the name of its user");
  }
  if (config.ssh_passphrase.empty() || !is_locked_key(config.ssh_private_key)) {
    throw Error(
        ErrorKind::usage,
        "the key for Tenable has no passphrase, and Tenable keeps an uploaded file for ever")
        .hint("give the key a passphrase (ssh-keygen -p), or use a credential kept at Tenable");
  }
}

class TenableScanner : public OutsideScanner {
 public:
  TenableScanner(TenableConfig config, Clock& clock)
      : config_(std::move(config)), clock_(clock), api_(service_config(config_), clock) {
    check_config(config_);
  }

  std::string name() const override { return "tenable"; }
  Duration poll_interval() const override { return config_.poll_interval; }

  void check(std::stop_token stop) override {
    template_uuid(stop);
    scanner_id(stop);
    folder_id(stop);
    if (!config_.credential_id.empty()) managed_credential(stop);
  }

  std::string launch(const ScanTarget& target, std::stop_token stop) override {
    if (target.ip.empty()) {
      throw Error(ErrorKind::usage, "machine {} has no address that Tenable could reach",
                  target.machine_id);
    }
    std::optional<ListedScan> scan = find(target.title, stop);
    if (!scan) scan = create(target, stop);
    if (!scan->run_uuid.empty()) return text_of(*scan);
    scan->run_uuid = start(*scan, target, stop);
    return text_of(*scan);
  }

  ScanProgress look(const ScanTarget&, const std::string& scan_id, std::stop_token stop) override {
    const ScanId id = parse_id(scan_id);
    const std::optional<std::string> status = api_.status(id.number, id.run_uuid, stop);
    if (!status) return {.ended = false, .state = "shows an earlier run"};
    return {.ended = has_ended(*status), .state = model::safe_text(*status, 64)};
  }

  model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                            const KeepRaw& keep_raw, std::stop_token stop) override {
    const ScanId id = parse_id(scan_id);
    model::Assessment assessment{.scanner = name(),
                                 .profile = config_.template_title,
                                 .native_id = scan_id,
                                 .completeness = Completeness::complete,
                                 .login = model::Login::unknown,
                                 .assessed_at = to_rfc3339(clock_.now())};
    const std::string path = "/scans/" + percent_encode(id.number);
    std::string query;
    std::string raw;
    Json details = api_.get(path, stop, query, raw);
    RunDetails run = run_details(details, id.run_uuid);
    if (!id.run_uuid.empty() && run.uuid != id.run_uuid) {
      // By itself the service shows whichever run it takes for the latest.
      query = run.history_id.empty() ? "history_uuid=" + percent_encode(id.run_uuid)
                                     : "history_id=" + percent_encode(run.history_id);
      details = api_.get(path, stop, query, raw);
      run = run_details(details, id.run_uuid);
    } else if (!run.history_id.empty()) {
      query = "history_id=" + percent_encode(run.history_id);
    }
    assessment.raw.push_back(keep_raw("tenable/scan.json", "application/json", raw));
    assessment.started_at = run.started_at;
    assessment.native_state = model::safe_text(run.status, 64);
    if (!id.run_uuid.empty() && run.uuid != id.run_uuid) {
      lower(assessment, Completeness::inconclusive,
            "Tenable shows the results of another run of the scan");
      return assessment;
    }
    judge_status(run.status, assessment);
    if (!has_results(run.status)) return assessment;
    try {
      const std::string report = api_.exported(id.number, query, config_.export_limit, stop);
      assessment.raw.push_back(keep_raw("tenable/report.nessus", "application/xml", report));
      take_report(read_nessus(report), target, assessment);
      return assessment;
    } catch (const Error& e) {
      if (!can_do_without(e.kind())) throw;
      lower(assessment, Completeness::partial,
            fmt::format("the report could not be had, so that findings come without CVEs, packages "
                        "and evidence: {}",
                        e.message()));
    }
    take_pages(target, path, query, details, keep_raw, assessment, stop);
    return assessment;
  }

  void clean_up(const ScanTarget& target, const std::string& scan_id,
                std::stop_token stop) override {
    std::vector<std::string> numbers;
    if (!scan_id.empty()) numbers.push_back(parse_id(scan_id).number);
    for (const ListedScan& scan : api_.scans_named(target.title, stop)) numbers.push_back(scan.id);
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const std::string& number : numbers) remove(number, stop);
  }

 private:
  /// The scan with that name; of several the one that has been launched.
  std::optional<ListedScan> find(const std::string& title, std::stop_token stop) {
    std::vector<ListedScan> scans = api_.scans_named(title, stop);
    if (scans.empty()) return std::nullopt;
    auto ran = std::find_if(scans.begin(), scans.end(),
                            [](const ListedScan& scan) { return !scan.run_uuid.empty(); });
    return ran == scans.end() ? scans.front() : *ran;
  }

  ListedScan create(const ScanTarget& target, std::stop_token stop) {
    Json settings = {{"name", target.title},
                     {"text_targets", target.ip},
                     {"enabled", true},
                     {"launch", "ON_DEMAND"}};
    if (std::string id = scanner_id(stop); !id.empty()) settings["scanner_id"] = id;
    if (std::optional<Json> id = folder_id(stop)) settings["folder_id"] = *id;
    Json body = {{"uuid", template_uuid(stop)}, {"settings", settings}};
    if (Json credentials = credentials_for(target, stop); !credentials.is_null()) {
      body["credentials"] = {{"add", credentials}};
    }
    for (int look = 1;; ++look) {
      try {
        const Json answer = api_.post("/scans", body, false, stop);
        const std::string id =
            answer.is_object() && answer.contains("scan") ? word(answer["scan"], "id") : "";
        if (id.empty()) throw Error(ErrorKind::corrupt, "Tenable does not name the new scan");
        return {.id = id, .status = "empty"};
      } catch (const Error& e) {
        if (!may_have_happened(e.kind())) throw;
        log_warning("{}; looking whether the scan was created", e.message());
        api_.wait(kSettle, stop);
        if (std::optional<ListedScan> made = find(target.title, stop)) return *made;
        if (look == kLooks) throw;
      }
    }
  }

  /// The run's uuid. The scan has none yet as far as we know.
  std::string start(const ListedScan& scan, const ScanTarget& target, std::stop_token stop) {
    for (int look = 1;; ++look) {
      try {
        const std::string path = "/scans/" + percent_encode(scan.id) + "/launch";
        const std::string uuid = word(api_.post(path, nullptr, false, stop), "scan_uuid");
        if (uuid.empty()) throw Error(ErrorKind::corrupt, "Tenable does not name the run");
        return uuid;
      } catch (const Error& e) {
        // `conflict`: it runs already, so that an earlier call came through.
        if (!may_have_happened(e.kind()) && e.kind() != ErrorKind::conflict) throw;
        log_warning("{}; looking whether the scan runs", e.message());
        api_.wait(kSettle, stop);
        for (const ListedScan& now : api_.scans_named(target.title, stop)) {
          if (now.id == scan.id && !now.run_uuid.empty()) return now.run_uuid;
        }
        if (look == kLooks) throw;
      }
    }
  }

  void take_pages(const ScanTarget& target, const std::string& path, const std::string& query,
                  const Json& details, const KeepRaw& keep_raw, model::Assessment& assessment,
                  std::stop_token stop) {
    NessusReport report;
    for (const Json& host : list(details, "hosts")) {
      if (word(host, "hostname") != target.ip) {
        report.hosts.push_back({.name = model::safe_text(word(host, "hostname"), 512)});
      }
    }
    if (const std::string number = host_number(details, target); !number.empty()) {
      const std::string host_path = path + "/hosts/" + percent_encode(number);
      std::string raw;
      const Json host = api_.get(host_path, stop, query, raw);
      assessment.raw.push_back(keep_raw("tenable/host.json", "application/json", raw));
      std::string information;
      try {
        information =
            plugin_output(api_.get(host_path + "/plugins/" + kScanInformation, stop, query, raw));
        assessment.raw.push_back(
            keep_raw("tenable/scan-information.json", "application/json", raw));
      } catch (const Error& e) {
        // Without it the login stays unknown, and the verdict says so.
        if (!can_do_without(e.kind())) throw;
      }
      report.hosts.push_back(host_from_pages(host, target.ip, information));
    }
    take_report(std::move(report), target, assessment);
  }

  void remove(const std::string& number, std::stop_token stop) {
    try {
      const TimePoint deadline = clock_.now() + config_.stop_limit;
      if (!api_.stopped(number, deadline, stop)) {
        throw Error(ErrorKind::timeout, "scan {} at Tenable does not stop", number)
            .hint("stop and delete it there; it may go on for hours");
      }
      api_.remove(number, stop);
    } catch (Error& e) {
      if (e.kind() == ErrorKind::not_found) return;
      e.note(fmt::format("while removing scan {} at Tenable", number));
      throw;
    }
  }

  [[noreturn]] void unknown(const std::string& what, const std::string& wanted,
                            const std::vector<std::string>& known) {
    Error error(ErrorKind::usage, "Tenable has no {} \"{}\"", what, wanted);
    std::optional<std::string> close = suggestion(wanted, known);
    error.hint((close ? "did you mean \"" + *close + "\"? " : std::string()) +
               (known.empty() ? "it shows none" : "there are: " + join(known, ", ")));
    throw error;
  }

  std::string template_uuid(std::stop_token stop) {
    const Json answer = api_.get("/editor/scan/templates", stop);
    std::vector<std::string> known;
    for (const Json& entry : list(answer, "templates")) {
      const std::string title = word(entry, "title");
      if (title == config_.template_title) return word(entry, "uuid");
      known.push_back(model::safe_text(title, 128));
    }
    unknown("scan template", config_.template_title, known);
  }

  std::string scanner_id(std::stop_token stop) {
    if (config_.scanner_name.empty()) return {};
    const Json answer = api_.get("/scanners", stop);
    std::vector<std::string> known;
    for (const Json& entry : list(answer, "scanners")) {
      const std::string scanner = word(entry, "name");
      if (scanner != config_.scanner_name) {
        known.push_back(model::safe_text(scanner, 128));
        continue;
      }
      if (const std::string status = word(entry, "status"); !status.empty() && status != "on") {
        throw Error(ErrorKind::unavailable, "Tenable's scanner \"{}\" is {}", scanner,
                    model::safe_text(status, 64));
      }
      // A uuid means the same in a list of scanners that changes.
      const std::string uuid = word(entry, "uuid");
      return uuid.empty() ? word(entry, "id") : uuid;
    }
    unknown("scanner", config_.scanner_name, known);
  }

  std::optional<Json> folder_id(std::stop_token stop) {
    if (config_.folder.empty()) return std::nullopt;
    const Json answer = api_.get("/scans", stop);
    std::vector<std::string> known;
    for (const Json& entry : list(answer, "folders")) {
      if (word(entry, "name") == config_.folder && entry.contains("id")) return entry["id"];
      known.push_back(model::safe_text(word(entry, "name"), 128));
    }
    unknown("folder", config_.folder, known);
  }

  /// Category and type that the service files it under: "Host", "SSH".
  std::pair<std::string, std::string> managed_credential(std::stop_token stop) {
    try {
      const Json answer = api_.get("/credentials/" + percent_encode(config_.credential_id), stop);
      auto id_of = [&](const char* key) {
        return answer.is_object() && answer.contains(key) ? word(answer[key], "id") : std::string();
      };
      std::pair<std::string, std::string> place(id_of("category"), id_of("type"));
      if (place.first.empty()) place.first = "Host";
      if (place.second.empty()) place.second = "SSH";
      return place;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::not_found) throw;
      throw Error(ErrorKind::usage, "Tenable has no credential {}", config_.credential_id)
          .hint("its uuid, not its name; a Nessus without Tenable's cloud keeps none");
    }
  }

  Json credentials_for(const ScanTarget& target, std::stop_token stop) {
    if (!config_.credential_id.empty()) {
      auto [category, type] = managed_credential(stop);
      Json credentials;
      credentials[category][type].push_back(Json::object({{"id", config_.credential_id}}));
      return credentials;
    }
    if (config_.ssh_private_key.empty()) return nullptr;
    // A title may hold anything; the name travels in a header of the form.
    const std::string name = id_from_token("hallmark", target.title) + ".pem";
    const Json login = {{"auth_method", "public key"},
                        {"username", config_.ssh_user},
                        {"private_key", api_.upload(name, config_.ssh_private_key, stop)},
                        {"private_key_passphrase", config_.ssh_passphrase},
                        {"elevate_privileges_with", config_.elevate_with}};
    Json credentials;
    credentials["Host"]["SSH"].push_back(login);
    return credentials;
  }

  const TenableConfig config_;
  Clock& clock_;
  Api api_;
};

}  // namespace
}  // namespace tenable

std::unique_ptr<OutsideScanner> make_tenable_scanner(TenableConfig config, Clock& clock) {
  return std::make_unique<tenable::TenableScanner>(std::move(config), clock);
}

}  // namespace hallmark::scan
