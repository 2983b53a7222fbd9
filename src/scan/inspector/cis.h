#pragma once
/// Inspector's CIS benchmark of one machine: a configuration that runs once, found by its name, and
/// the machine found by a tag that no other has.

#include <optional>
#include <string>
#include <vector>

#include "model/assessment.h"
#include "scan/inspector/api.h"
#include "scan/scanner.h"

namespace hallmark::scan::inspector {

/// The name of the configuration of a scan: its title, shortened if need be.
std::string cis_name(const std::string& title);

/// Starts the benchmark and returns the configuration's ARN.
std::string start_cis(const Api& api, const InspectorConfig& config, const ScanTarget& target,
                      std::stop_token stop);
/// ARNs of the configurations of that name.
std::vector<std::string> find_cis(const Api& api, const std::string& name, std::stop_token stop);
/// One that is gone is success. What a scan saw stays in Inspector's history; that cannot be
/// removed.
void remove_cis(const Api& api, const std::string& configuration, std::stop_token stop);

struct CisScan {
  std::string arn;
  std::string status;  ///< "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"; empty if unsaid
};

/// Nothing until it has started.
std::optional<CisScan> find_cis_scan(const Api& api, const std::string& configuration,
                                     std::stop_token stop, RawPages* raw = nullptr);
bool has_ended(const CisScan& scan);

/// Findings for the checks that failed, counts and score; lowers the assessment if the benchmark
/// did not run to its end on the machine.
void take_cis(const Api& api, const ScanTarget& target, const std::optional<CisScan>& scan,
              const KeepRaw& keep_raw, model::Assessment& assessment, std::stop_token stop);

/// One page of GetCisScanResultDetails. Returns how many of its results are of other machines.
std::size_t take_checks(const Value& page, const std::string& machine_id, model::Checks& checks,
                        std::vector<model::Finding>& findings);

}  // namespace hallmark::scan::inspector
