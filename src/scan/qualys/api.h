#pragma once
/// Qualys' calls, one function each. They throw as OutsideScanner says.

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "scan/qualys/answers.h"
#include "scan/qualys/qualys.h"
#include "scan/service.h"

namespace hallmark::scan::qualys {

/// What Qualys means by an answer: codes before headers before the HTTP status, since it refuses
/// under 200 and says "later" by 409.
ServiceVerdict judge(const ServiceCall& call, const ServiceAnswer& answer, TimePoint now);

class Api {
 public:
  /// Throws `usage` for a configuration that cannot work.
  Api(const QualysConfig& config, Clock& clock);

  /// Answers as they came, for whoever keeps them.
  std::string list_scans(const TextPairs& filter, std::stop_token stop) const;
  std::string fetch(const std::string& ref, std::stop_token stop) const;
  std::string list_detections(const TextPairs& filter, std::stop_token stop) const;
  std::string list_knowledge(const std::vector<std::string>& qids, std::stop_token stop) const;
  std::string list_reports(const std::string& id, std::stop_token stop) const;
  std::string fetch_report(const std::string& id, std::stop_token stop) const;

  void add_ip(const std::string& ip, std::stop_token stop) const;
  /// The scan's name at Qualys. Not repeated: after an error it may have been launched.
  std::string launch(const TextPairs& parameters, std::stop_token stop) const;
  std::string launch_report(const std::string& ref, const std::string& title,
                            std::stop_token stop) const;
  void act_on_scan(const std::string& action, const std::string& ref, std::stop_token stop) const;
  void act_on_report(const std::string& action, const std::string& id, std::stop_token stop) const;
  void run_connector(std::stop_token stop) const;
  /// "RUNNING", "FINISHED_SUCCESS".
  std::string connector_state(std::stop_token stop) const;

 private:
  std::string post(const std::string& path, const TextPairs& form, bool repeatable,
                   std::stop_token stop, bool html_is_data = false) const;

  QualysConfig config_;
  Service service_;
};

}  // namespace hallmark::scan::qualys
