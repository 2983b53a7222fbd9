#include "scan/tenable/details.h"

#include <array>

#include "model/finding.h"
#include "scan/tenable/api.h"
#include "scan/tenable/nessus_item.h"

namespace hallmark::scan::tenable {
namespace {

const Json& object(const Json& json, const char* key) {
  static const Json kNone = Json::object();
  return json.is_object() && json.contains(key) && json[key].is_object() ? json[key] : kNone;
}

/// Seconds since 1970; times that no clock shows are none.
std::string rfc3339_of(const Json& json, const char* key) {
  constexpr std::int64_t kLast = 253402300799;  // the end of the year 9999
  if (!json.contains(key) || !json[key].is_number()) return {};
  const double seconds = json[key].get<double>();
  if (!(seconds > 0 && seconds < static_cast<double>(kLast))) return {};
  return to_rfc3339(TimePoint(std::chrono::seconds(static_cast<std::int64_t>(seconds))));
}

}  // namespace

RunDetails run_details(const Json& answer, const std::string& run_uuid) {
  const Json& info = object(answer, "info");
  RunDetails run{.uuid = word(info, "uuid"),
                 .status = word(info, "status"),
                 .policy = model::safe_text(word(info, "policy"), 512),
                 .started_at = rfc3339_of(info, "scan_start")};
  for (const Json& entry : list(answer, "history")) {
    if (word(entry, "uuid") == run_uuid && !run_uuid.empty()) {
      run.history_id = word(entry, "history_id");
    }
  }
  return run;
}

std::string host_number(const Json& answer, const ScanTarget& target) {
  const std::string& wanted = target.ip.empty() ? target.machine_id : target.ip;
  for (const Json& host : list(answer, "hosts")) {
    if (word(host, "hostname") == wanted) return word(host, "host_id");
  }
  return {};
}

NessusHost host_from_pages(const Json& answer, const std::string& name,
                           const std::string& scan_information) {
  NessusHost host;
  host.name = name;
  host.whole = true;
  for (auto [key, property] :
       {std::pair{"host-ip", "host-ip"}, std::pair{"host_end", "HOST_END"}}) {
    const std::string value = word(object(answer, "info"), key);
    if (!value.empty()) host.properties[property] = model::safe_text(value, 512);
  }
  host.scanner_version = model::safe_text(line_value(scan_information, "Nessus version"), 64);
  host.plugin_feed = model::safe_text(line_value(scan_information, "Plugin feed version"), 64);
  host.credential_word = model::safe_text(line_value(scan_information, "Credentialed checks"), 64);
  for (const Json& entry : list(answer, "vulnerabilities")) {
    NessusItem item;
    item.attributes = {{"pluginID", word(entry, "plugin_id")},
                       {"pluginName", word(entry, "plugin_name")},
                       {"severity", word(entry, "severity")}};
    for (model::Finding& finding : findings_of(item)) host.findings.push_back(std::move(finding));
    ++host.item_count;
  }
  return host;
}

std::string plugin_output(const Json& answer) {
  const Json& outputs = list(answer, "outputs");
  return outputs.empty() ? std::string() : word(outputs.front(), "plugin_output");
}

}  // namespace hallmark::scan::tenable
