#pragma once
/// A scan as Tenable's pages show it: what is left when its report cannot be had.

#include <functional>
#include <string>

#include "base/json.h"
#include "scan/scanner.h"
#include "scan/tenable/nessus.h"

namespace hallmark::scan::tenable {

/// One run in the answer to GET /scans/{id}.
struct RunDetails {
  std::string uuid;
  std::string status;
  std::string history_id;  ///< of the run that was asked for; empty if the history has none
  std::string policy;
  std::string started_at;  ///< RFC 3339
};

/// `run_uuid`: the run that is wanted; the answer may be of another one.
RunDetails run_details(const Json& answer, const std::string& run_uuid);
/// The number of the host with that name; empty if there is none.
std::string host_number(const Json& answer, const ScanTarget& target);
/// The target as GET /scans/{id}/hosts/{host} tells of it, by far not all that a report says.
/// `scan_information` is the output of the check that reports on the scan itself.
NessusHost host_from_pages(const Json& host, const std::string& name,
                           const std::string& scan_information);
/// "plugin_output" of GET /scans/{id}/hosts/{host}/plugins/{plugin}; empty if there is none.
std::string plugin_output(const Json& answer);

}  // namespace hallmark::scan::tenable
