#pragma once
/// Calls of Tenable's web API, with their answers read. All throw what Service::call() throws, and
/// `corrupt` for answers that make no sense.

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "scan/service.h"

namespace hallmark::scan::tenable {

/// How Tenable says things: 429 of a proxy in HTML, 412 of a Nessus without an API, {"error"}.
ServiceVerdict judge(const ServiceCall& call, const ServiceAnswer& answer, TimePoint now);

/// A scan as the list of scans has it.
struct ListedScan {
  std::string id;
  std::string run_uuid;  ///< of its latest run; empty if it never ran
  std::string status;
};

/// A member as text whether it came as text or as a number; empty for null and anything else.
std::string word(const Json& json, std::string_view key);
/// A member's list, empty for null.
const Json& list(const Json& json, std::string_view key);

class Api {
 public:
  Api(ServiceConfig config, Clock& clock) : service_(std::move(config), clock), clock_(clock) {}

  Json get(const std::string& path, std::stop_token stop, const std::string& query = "") const;
  /// The same, with the bytes as they came.
  Json get(const std::string& path, std::stop_token stop, const std::string& query,
           std::string& raw) const;
  Json post(const std::string& path, const Json& body, bool repeatable, std::stop_token stop,
            const std::string& query = "") const;

  /// With that very name, the first made first.
  std::vector<ListedScan> scans_named(const std::string& name, std::stop_token stop) const;
  /// Of the latest run. Nothing if `run_uuid` is given and the service shows another run.
  std::optional<std::string> status(const std::string& scan_id, const std::string& run_uuid,
                                    std::stop_token stop) const;
  /// The name that the file got there.
  std::string upload(const std::string& name, const std::string& content,
                     std::stop_token stop) const;
  /// The whole report of a run; `query` names the run. Throws `failed` if the service cannot make
  /// it.
  std::string exported(const std::string& scan_id, const std::string& query, Duration limit,
                       std::stop_token stop) const;
  /// Stops what runs. Returns whether it has ended by `deadline`.
  bool stopped(const std::string& scan_id, TimePoint deadline, std::stop_token stop) const;
  /// One that is not there is fine. Throws `conflict` if it still runs.
  void remove(const std::string& scan_id, std::stop_token stop) const;
  /// Throws `cancelled`.
  void wait(Duration duration, std::stop_token stop) const;

 private:
  Service service_;
  Clock& clock_;
};

}  // namespace hallmark::scan::tenable
