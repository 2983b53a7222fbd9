#pragma once
/// Qualys Vulnerability Management as an outside scanner.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scan/scanner.h"

namespace hallmark::scan {

/// Versions of Qualys' calls end at different times, so each has its own path. These are the ones
/// of the API guide 10.39.1 (July 2026).
struct QualysPaths {
  std::string scan = "/api/2.0/fo/scan/";  ///< launch, fetch, cancel, delete
  std::string scan_list = "/api/3.0/fo/scan/";
  std::string ip = "/api/2.0/fo/asset/ip/";
  std::string detection = "/api/5.0/fo/asset/host/vm/detection/";
  std::string knowledge = "/api/2.0/fo/knowledge_base/vuln/";
  std::string report = "/api/2.0/fo/report/";
  std::string connector = "/qps/rest/2.0/";
};

struct QualysLimits {
  Duration poll_interval = std::chrono::seconds(60);  ///< every look takes from 300 calls an hour
  Duration call_limit = std::chrono::minutes(5);      ///< of one call with its repetitions
  /// A scan is in the list only a while after its launch: nothing is concluded from its absence
  /// before this has passed.
  Duration listed_after = std::chrono::seconds(30);
  Duration cancel_limit = std::chrono::minutes(3);   ///< until a cancelled scan has ended
  Duration report_limit = std::chrono::minutes(10);  ///< until a report is made
  Duration connector_limit = std::chrono::minutes(15);
  std::uint64_t max_bytes = 512u << 20;  ///< of an answer
};

struct QualysConfig {
  std::string url;  ///< of the platform: "https://qualysapi.qualys.com"
  std::string username;
  std::string password;
  std::string ca_file;
  std::string option_title;  ///< the option profile, by title or by id: exactly one
  std::string option_id;
  std::string iscanner_name;  ///< "External" for Qualys' own; empty: the profile's default
  enum class Target { ip, ec2 } target = Target::ip;
  bool add_ip = true;              ///< false: the machines' addresses are subscribed already
  std::string connector_name;      ///< ec2: the connector that knows the account
  std::string connector_id;        ///< ec2: run first, so that it knows the machine; empty: not run
  std::string ec2_endpoint;        ///< ec2: a region or VPC; empty: the machine's region
  bool needs_login = true;         ///< false: what shows from outside is all that is asked for
  std::string report_template_id;  ///< a report for people is kept with the evidence; empty: none
  std::string report_format = "pdf";
  /// What in the results says whether the scanner was logged in, besides the host's own date.
  std::vector<std::string> login_qids = {"38307", "70053"};
  std::vector<std::string> no_login_qids = {"105053", "105015"};
  QualysPaths paths;
  QualysLimits limits;
};

/// Throws `usage` for a configuration that cannot work. `clock` outlives the scanner.
std::unique_ptr<OutsideScanner> make_qualys_scanner(QualysConfig config, Clock& clock);

}  // namespace hallmark::scan
