#include "scan/qualys/answers.h"

#include <charconv>
#include <pugixml.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "model/finding.h"

namespace hallmark::scan::qualys {
namespace {

using Node = pugi::xml_node;

// Lists of this size hold hundreds of thousands of elements; the tree takes ten times as much.
constexpr std::size_t kLargestXml = 64u << 20;
// Twice what any of Qualys' document types has.
constexpr int kDeepest = 32;
// A refusal has a few lines; looking into large answers for one would parse them twice.
constexpr std::size_t kLargestRefusal = 64u << 10;

/// Walks without recursion, which a deep document would turn against us.
bool is_too_deep(Node root) {
  int depth = 0;
  Node node = root;
  while (true) {
    if (Node child = node.first_child()) {
      if (++depth > kDeepest) return true;
      node = child;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return false;
    node = node.next_sibling();
  }
}

std::string_view without_mark(std::string_view body) {
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
  return body;
}

void load(pugi::xml_document& document, std::string_view body) {
  if (body.size() > kLargestXml) {
    throw Error(ErrorKind::corrupt, "Qualys' answer has {}, more than is read of XML",
                format_size(body.size()));
  }
  body = without_mark(body);
  // The default leaves document types alone, and knows no entities but the five of XML itself.
  pugi::xml_parse_result result =
      document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!result) {
    throw Error(ErrorKind::corrupt, "Qualys' answer is not XML: {} at byte {}",
                result.description(), result.offset);
  }
  if (is_too_deep(document)) {
    throw Error(ErrorKind::corrupt, "Qualys' answer is nested more than {} levels deep", kDeepest);
  }
}

/// The element RESPONSE in the root `root`.
Node load_response(pugi::xml_document& document, std::string_view body, const char* root) {
  load(document, body);
  Node found = document.child(root);
  if (!found) {
    throw Error(ErrorKind::corrupt, "Qualys answered \"{}\" where {} was expected",
                model::safe_text(document.document_element().name(), 60), root);
  }
  Node response = found.child("RESPONSE");
  if (!response) throw Error(ErrorKind::corrupt, "Qualys' {} has no RESPONSE", root);
  return response;
}

/// All text of the element; Qualys writes CDATA on lines of its own.
std::string text_of(Node node) {
  std::string text;
  for (Node child : node.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      text += child.value();
    }
  }
  return std::string(trim(text));
}

std::string text_of(Node parent, const char* name) { return text_of(parent.child(name)); }

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

SimpleReturn simple_return(Node response) {
  SimpleReturn answer;
  if (Node code = response.child("CODE")) {
    // Its presence is the refusal, also if it is no number.
    answer.code = number_of<int>(text_of(code)).value_or(-1);
    if (answer.code == 0) answer.code = -1;
  }
  answer.text = text_of(response, "TEXT");
  for (Node item : response.child("ITEM_LIST").children("ITEM")) {
    answer.items.emplace_back(text_of(item, "KEY"), text_of(item, "VALUE"));
  }
  return answer;
}

/// "id_min=145359" of the URL of the next page.
std::optional<std::uint64_t> id_min_of(std::string_view url) {
  for (std::size_t at = url.find("id_min="); at != url.npos; at = url.find("id_min=", at + 1)) {
    if (at > 0 && url[at - 1] != '?' && url[at - 1] != '&' && url[at - 1] != ';') continue;
    std::string_view rest = url.substr(at + 7);
    return number_of<std::uint64_t>(rest.substr(0, rest.find_first_of("& \r\n")));
  }
  return {};
}

/// Of a member that is text, a number, null or absent.
std::string text_of(const Json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return std::string(trim(found->get_ref<const std::string&>()));
  return found->is_structured() ? std::string() : compact(*found);
}

ResultRow row_of(const Json& object) {
  return {.ip = text_of(object, "ip"),
          .qid = text_of(object, "qid"),
          .os = text_of(object, "os"),
          .title = text_of(object, "title"),
          .type = text_of(object, "type"),
          .severity = text_of(object, "severity"),
          .port = text_of(object, "port"),
          .protocol = text_of(object, "protocol"),
          .cve_id = text_of(object, "cve_id"),
          .vendor_reference = text_of(object, "vendor_reference"),
          .threat = text_of(object, "threat"),
          .impact = text_of(object, "impact"),
          .solution = text_of(object, "solution"),
          .results = text_of(object, "results")};
}

KnowledgeEntry entry_of(Node vuln) {
  KnowledgeEntry entry{.qid = text_of(vuln, "QID"),
                       .title = text_of(vuln, "TITLE"),
                       .severity = text_of(vuln, "SEVERITY_LEVEL"),
                       .patchable = text_of(vuln, "PATCHABLE"),
                       .diagnosis = text_of(vuln, "DIAGNOSIS"),
                       .consequence = text_of(vuln, "CONSEQUENCE"),
                       .solution = text_of(vuln, "SOLUTION")};
  Node score = vuln.child("CVSS_V3");
  entry.cvss3_base = text_of(score, "BASE");
  entry.cvss3_vector = text_of(score, "VECTOR_STRING");
  entry.cvss3_version = text_of(score, "CVSS3_VERSION");
  for (Node cve : vuln.child("CVE_LIST").children("CVE")) {
    entry.cves.push_back(text_of(cve, "ID"));
  }
  for (Node reference : vuln.child("VENDOR_REFERENCE_LIST").children("VENDOR_REFERENCE")) {
    entry.reference_ids.push_back(text_of(reference, "ID"));
    entry.urls.push_back(text_of(reference, "URL"));
  }
  return entry;
}

DetectedHost host_of(Node host) {
  DetectedHost result{.host_id = text_of(host, "ID"),
                      .ip = text_of(host, "IP"),
                      .instance_id = text_of(host, "EC2_INSTANCE_ID"),
                      .scanned_at = text_of(host, "LAST_VM_SCANNED_DATE"),
                      .login_at = text_of(host, "LAST_VM_AUTH_SCANNED_DATE")};
  for (Node detection : host.child("DETECTION_LIST").children("DETECTION")) {
    result.detections.push_back({.qid = text_of(detection, "QID"),
                                 .port = text_of(detection, "PORT"),
                                 .protocol = text_of(detection, "PROTOCOL"),
                                 .status = text_of(detection, "STATUS"),
                                 .first_found_at = text_of(detection, "FIRST_FOUND_DATETIME"),
                                 .hidden = text_of(detection, "IS_IGNORED") == "1" ||
                                           text_of(detection, "IS_DISABLED") == "1"});
  }
  return result;
}

}  // namespace

std::string SimpleReturn::item(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name == key) return value;
  }
  return {};
}

std::optional<SimpleReturn> find_refusal(std::string_view body) {
  body = trim(without_mark(body));
  if (body.empty() || body[0] != '<' || body.size() > kLargestRefusal) return {};
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8)) {
    return {};
  }
  Node response = document.document_element().child("RESPONSE");
  if (!response.child("CODE")) return {};
  return simple_return(response);
}

SimpleReturn parse_simple_return(std::string_view body) {
  pugi::xml_document document;
  return simple_return(load_response(document, body, "SIMPLE_RETURN"));
}

std::vector<ListedScan> parse_scan_list(std::string_view body) {
  pugi::xml_document document;
  Node response = load_response(document, body, "SCAN_LIST_OUTPUT");
  std::vector<ListedScan> scans;
  for (Node scan : response.child("SCAN_LIST").children("SCAN")) {
    Node status = scan.child("STATUS");
    scans.push_back({.ref = text_of(scan, "REF"),
                     .title = text_of(scan, "TITLE"),
                     .launched_at = text_of(scan, "LAUNCH_DATETIME"),
                     .state = text_of(status, "STATE"),
                     .sub_state = text_of(status, "SUB_STATE"),
                     .option_profile = text_of(scan.child("OPTION_PROFILE"), "TITLE"),
                     .processed = text_of(scan, "PROCESSED") == "1"});
  }
  return scans;
}

namespace {

/// Rows of several kinds stand in one list; what they are shows in their members.
void add_result(ScanResults& results, const Json& object) {
  if (object.contains("qid")) {
    results.rows.push_back(row_of(object));
    return;
  }
  if (object.contains("scanner_appliance") || object.contains("reference")) {
    results.reference = text_of(object, "reference");
    results.status = text_of(object, "status");
    results.appliance = text_of(object, "scanner_appliance");
    results.option_profile = text_of(object, "option_profile");
    results.active_hosts = number_of<int>(text_of(object, "active_hosts"));
  }
  for (const auto& [name, value] : object.items()) {
    if (!name.starts_with("hosts_not_scanned")) continue;
    results.not_scanned.emplace_back(name, text_of(object, name.c_str()));
  }
}

}  // namespace

ScanResults parse_results(std::string_view body) {
  ScanResults results;
  // Each row is taken when it ends and not kept: all of them together take four times the text.
  auto take = [&](int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    if (depth != 1 || event == Event::object_start || event == Event::key) return true;
    if (event != Event::object_end) {
      throw Error(ErrorKind::corrupt, "Qualys' scan results hold something that is no object");
    }
    add_result(results, value);
    return false;
  };
  Json document;
  try {
    document = Json::parse(without_mark(body), take);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorKind::corrupt, "Qualys' scan results: not valid JSON at byte {}: {}",
                error.byte, error.what());
  } catch (const Json::out_of_range& error) {
    throw Error(ErrorKind::corrupt, "Qualys' scan results: {}", error.what());
  }
  if (!document.is_array()) {
    throw Error(ErrorKind::corrupt, "Qualys' scan results are not a list");
  }
  return results;
}

DetectionPage parse_detections(std::string_view body) {
  pugi::xml_document document;
  Node response = load_response(document, body, "HOST_LIST_VM_DETECTION_OUTPUT");
  DetectionPage page;
  for (Node host : response.child("HOST_LIST").children("HOST")) {
    page.hosts.push_back(host_of(host));
  }
  if (Node warning = response.child("WARNING"); text_of(warning, "CODE") == "1980") {
    page.next_id_min = id_min_of(text_of(warning, "URL"));
    if (!page.next_id_min) {
      throw Error(ErrorKind::corrupt, "Qualys says that there is more, but not where");
    }
  }
  return page;
}

std::vector<KnowledgeEntry> parse_knowledge(std::string_view body) {
  pugi::xml_document document;
  Node response = load_response(document, body, "KNOWLEDGE_BASE_VULN_LIST_OUTPUT");
  std::vector<KnowledgeEntry> entries;
  for (Node vuln : response.child("VULN_LIST").children("VULN")) {
    entries.push_back(entry_of(vuln));
  }
  return entries;
}

std::vector<ListedReport> parse_report_list(std::string_view body) {
  pugi::xml_document document;
  Node response = load_response(document, body, "REPORT_LIST_OUTPUT");
  std::vector<ListedReport> reports;
  for (Node report : response.child("REPORT_LIST").children("REPORT")) {
    reports.push_back({.id = text_of(report, "ID"),
                       .title = text_of(report, "TITLE"),
                       .state = text_of(report.child("STATUS"), "STATE"),
                       .message = text_of(report.child("STATUS"), "MESSAGE")});
  }
  return reports;
}

std::string parse_connector_state(std::string_view body) {
  pugi::xml_document document;
  load(document, body);
  Node response = document.child("ServiceResponse");
  std::string code = text_of(response, "responseCode");
  if (code.empty()) throw Error(ErrorKind::corrupt, "Qualys' answer of a connector has no code");
  if (code != "SUCCESS") {
    std::string why = text_of(response.child("responseErrorDetails"), "errorMessage");
    throw Error(code == "INVALID_CREDENTIALS" ? ErrorKind::denied : ErrorKind::usage,
                "Qualys refuses to run the connector: {} {}", model::safe_text(code, 60),
                model::safe_text(why, 300));
  }
  return text_of(response.child("data").child("AssetDataConnector"), "connectorState");
}

}  // namespace hallmark::scan::qualys
