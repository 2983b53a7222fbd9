#pragma once
/// What Qualys answers, as structs. Every function here takes bytes of outside origin and throws
/// `corrupt` for what is not such an answer; document types and entities are never resolved. Texts
/// are as they came, but without white space around them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hallmark::scan::qualys {

/// An answer to an action, or a refusal of any call.
struct SimpleReturn {
  int code = 0;  ///< present in every refusal, whatever the HTTP status; 0: none
  std::string text;
  std::vector<std::pair<std::string, std::string>> items;

  std::string item(std::string_view key) const;  ///< empty if there is none
};

struct ListedScan {
  std::string ref;
  std::string title;
  std::string launched_at;
  std::string state;
  std::string sub_state;
  std::string option_profile;
  bool processed = false;
};

/// One thing that a scan saw, as `fetch` tells it.
struct ResultRow {
  std::string ip;
  std::string qid;
  std::string os;
  std::string title;
  std::string type;
  std::string severity;
  std::string port;
  std::string protocol;
  std::string cve_id;
  std::string vendor_reference;
  std::string threat;
  std::string impact;
  std::string solution;
  std::string results;
};

struct ScanResults {
  std::string reference;
  std::string status;
  std::string appliance;  ///< carries the versions of scanner and signatures
  std::string option_profile;
  std::optional<int> active_hosts;
  std::vector<ResultRow> rows;
  /// "hosts_not_scanned_host_not_alive_ip" and its like, and the addresses they name.
  std::vector<std::pair<std::string, std::string>> not_scanned;
};

struct Detection {
  std::string qid;
  std::string port;
  std::string protocol;
  std::string status;
  std::string first_found_at;
  bool hidden = false;  ///< ignored or disabled on Qualys' side
};

struct DetectedHost {
  std::string host_id;
  std::string ip;
  std::string instance_id;
  std::string scanned_at;
  std::string login_at;  ///< the last scan that was logged in; empty: none ever
  std::vector<Detection> detections;
};

struct DetectionPage {
  std::vector<DetectedHost> hosts;
  std::optional<std::uint64_t> next_id_min;  ///< there is more, from this host's id on
};

struct KnowledgeEntry {
  std::string qid;
  std::string title;
  std::string severity;
  std::string patchable;  ///< "1", "0" or empty
  std::string diagnosis;
  std::string consequence;
  std::string solution;
  std::string cvss3_base;
  std::string cvss3_vector;
  std::string cvss3_version;
  std::vector<std::string> cves;
  std::vector<std::string> reference_ids;
  std::vector<std::string> urls;
};

struct ListedReport {
  std::string id;
  std::string title;
  std::string state;
  std::string message;
};

/// The refusal in the answer, if it is one. Never throws: what cannot be read is none.
std::optional<SimpleReturn> find_refusal(std::string_view body);
SimpleReturn parse_simple_return(std::string_view body);
std::vector<ListedScan> parse_scan_list(std::string_view body);
ScanResults parse_results(std::string_view body);
DetectionPage parse_detections(std::string_view body);
std::vector<KnowledgeEntry> parse_knowledge(std::string_view body);
std::vector<ListedReport> parse_report_list(std::string_view body);
/// The state of a connector, "FINISHED_SUCCESS". Throws `usage` with its text for a refusal, which
/// this family of calls writes under HTTP 200; empty if the answer tells no state.
std::string parse_connector_state(std::string_view body);

}  // namespace hallmark::scan::qualys
