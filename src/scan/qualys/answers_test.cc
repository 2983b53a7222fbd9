#include "scan/qualys/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "scan/qualys/api.h"

namespace hallmark::scan::qualys {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string recorded(const std::string& name) {
  return read_file(Path(HALLMARK_QUALYS_TESTDATA) / name);
}

template <typename Call>
std::optional<ErrorKind> kind_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

TEST(QualysAnswers, ReadsARecordedKnowledgeBase) {
  auto entries = parse_knowledge(recorded("knowledge.xml"));
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].qid, "316760");
  EXPECT_EQ(entries[0].patchable, "1");
  EXPECT_THAT(entries[0].cves, ElementsAre("CVE-2020-3403"));
  EXPECT_THAT(entries[0].reference_ids, ElementsAre("cisco-sa-iosxe-cmdinj-2MzhjM6K"));
  EXPECT_THAT(entries[0].title, HasSubstr("Cisco IOS XE"));
  EXPECT_THAT(parse_knowledge(recorded("knowledge_unknown.xml")), IsEmpty());
}

TEST(QualysAnswers, ReadsRecordedDetections) {
  EXPECT_THAT(parse_detections(recorded("detections_none.xml")).hosts, IsEmpty());
  EXPECT_THAT(parse_detections(recorded("detections_unknown.xml")).hosts, IsEmpty());
}

TEST(QualysAnswers, FindsRecordedRefusals) {
  auto refusal = find_refusal(recorded("detections_bad_id.xml"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, 1905);
  EXPECT_EQ(find_refusal(recorded("expired.xml")).value().code, 2001);
  EXPECT_FALSE(find_refusal(recorded("knowledge.xml")));
  EXPECT_FALSE(find_refusal("<html>"));
  EXPECT_FALSE(find_refusal("[]"));
  EXPECT_FALSE(find_refusal(""));
}

TEST(QualysAnswers, ReadsADetectionPage) {
  DetectionPage page = parse_detections(R"(<?xml version="1.0"?>
<!DOCTYPE HOST_LIST_VM_DETECTION_OUTPUT SYSTEM "https://x/y.dtd">
<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><HOST_LIST><HOST><ID>135151</ID><IP>10.0.0.9</IP>
<EC2_INSTANCE_ID>
  <![CDATA[i-0bb87c]]>
</EC2_INSTANCE_ID><LAST_VM_AUTH_SCANNED_DATE>2026-11-22T10:00:00Z</LAST_VM_AUTH_SCANNED_DATE>
<DETECTION_LIST><DETECTION><QID>38739</QID><PORT>22</PORT><STATUS>New</STATUS>
<FIRST_FOUND_DATETIME>2026-11-01T10:00:00Z</FIRST_FOUND_DATETIME><IS_IGNORED>1</IS_IGNORED>
</DETECTION></DETECTION_LIST></HOST></HOST_LIST>
<WARNING><CODE>1980</CODE><URL>
  <![CDATA[https://x/api/5.0/fo/asset/host/?action=list&details=None&id_min=145359]]>
</URL></WARNING></RESPONSE></HOST_LIST_VM_DETECTION_OUTPUT>)");
  ASSERT_THAT(page.hosts, SizeIs(1));
  EXPECT_EQ(page.hosts[0].instance_id, "i-0bb87c");
  EXPECT_EQ(page.hosts[0].login_at, "2026-11-22T10:00:00Z");
  ASSERT_THAT(page.hosts[0].detections, SizeIs(1));
  EXPECT_TRUE(page.hosts[0].detections[0].hidden);
  EXPECT_EQ(page.next_id_min, 145359u);
}

TEST(QualysAnswers, ReadsUnlikeRowsOfResults) {
  ScanResults results = parse_results(
      "\xef\xbb\xbf"
      R"json( [
    {"company": "X", "add1": ""},
    {"active_hosts": "1", "reference": "scan/1.2", "status": "Finished", "asset_groups": null,
     "scanner_appliance": "1.1.1.1 (Scanner 1-1, Vulnerability Signatures 2-2)"},
    {"ip": "10.0.0.9", "qid": 38739, "severity": 3, "port": "22", "cve_id": null,
     "results": {"odd": 1}, "unknown": [1]},
    {"target_distribution_across_scanner_appliances": "x: 10.0.0.9"},
    {"hosts_not_scanned_host_not_alive_ip": "10.0.0.10"}])json");
  EXPECT_EQ(results.reference, "scan/1.2");
  EXPECT_EQ(results.active_hosts, 1);
  ASSERT_THAT(results.rows, SizeIs(1));
  EXPECT_EQ(results.rows[0].qid, "38739");
  EXPECT_EQ(results.rows[0].severity, "3");
  EXPECT_EQ(results.rows[0].cve_id, "");
  EXPECT_EQ(results.rows[0].results, "");
  EXPECT_THAT(results.not_scanned,
              ElementsAre(::testing::Pair("hosts_not_scanned_host_not_alive_ip", "10.0.0.10")));
}

TEST(QualysAnswers, RefusesWhatIsNoAnswer) {
  const std::vector<std::string> bad = {"",
                                        "{}",
                                        "null",
                                        "[1]",
                                        "<html></html>",
                                        "<a>",
                                        "[{\"qid\": 1}",
                                        "<SCAN_LIST_OUTPUT/>",
                                        "<SCAN_LIST_OUTPUT><RESPONSE><SCAN_LIST>",
                                        std::string("\0\xff\xfe", 3)};
  for (const std::string& body : bad) {
    EXPECT_EQ(kind_of([&] { parse_results(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_scan_list(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_detections(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_knowledge(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_report_list(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_simple_return(body); }), ErrorKind::corrupt) << body;
    EXPECT_EQ(kind_of([&] { parse_connector_state(body); }), ErrorKind::corrupt) << body;
  }
}

TEST(QualysAnswers, NeverExpandsEntities) {
  std::string bomb =
      "<!DOCTYPE SCAN_LIST_OUTPUT [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>"
      "<!ENTITY f SYSTEM 'file:///etc/passwd'>]><SCAN_LIST_OUTPUT><RESPONSE><SCAN_LIST>"
      "<SCAN><REF>&b;</REF><TITLE>&f;&amp;</TITLE></SCAN></SCAN_LIST></RESPONSE>"
      "</SCAN_LIST_OUTPUT>";
  auto scans = parse_scan_list(bomb);
  ASSERT_THAT(scans, SizeIs(1));
  EXPECT_EQ(scans[0].ref, "&b;");
  EXPECT_EQ(scans[0].title, "&f;&");
}

TEST(QualysAnswers, RefusesDeepDocuments) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  for (int i = 0; i < 100000; ++i) deep += "</a>";
  EXPECT_EQ(
      kind_of([&] {
        parse_scan_list("<SCAN_LIST_OUTPUT><RESPONSE>" + deep + "</RESPONSE></SCAN_LIST_OUTPUT>");
      }),
      ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { parse_results(R"([{"ip": "10.0.0.9", "qid": 1e999}])"); }),
            ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { parse_results(std::string(100000, '[')); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([&] { parse_results(std::string(100000, '[') + std::string(100000, ']')); }),
            ErrorKind::corrupt);
}

TEST(QualysAnswers, ReadsConnectors) {
  EXPECT_EQ(parse_connector_state("<ServiceResponse><responseCode>SUCCESS</responseCode><data>"
                                  "<AssetDataConnector><connectorState>RUNNING</connectorState>"
                                  "</AssetDataConnector></data></ServiceResponse>"),
            "RUNNING");
  EXPECT_EQ(kind_of([] {
              parse_connector_state(
                  "<ServiceResponse><responseCode>INVALID_CREDENTIALS</responseCode>"
                  "</ServiceResponse>");
            }),
            ErrorKind::denied);
}

ServiceVerdict judged(int status, const std::string& code, const TextPairs& headers = {},
                      const std::string& text = "x", int attempts = 1) {
  std::string body = code.empty()
                         ? ""
                         : "<SIMPLE_RETURN><RESPONSE><CODE>" + code + "</CODE><TEXT>" + text +
                               "</TEXT><ITEM_LIST><ITEM><KEY>SECONDS_TO_WAIT</KEY>"
                               "<VALUE>77</VALUE></ITEM></ITEM_LIST></RESPONSE>"
                               "</SIMPLE_RETURN>";
  return judge({}, {.status = status, .headers = headers, .body = body, .attempts = attempts},
               TimePoint());
}

TEST(QualysAnswers, JudgesByCodeThenHeaderThenStatus) {
  using Kind = ServiceVerdict::Kind;
  ServiceVerdict verdict = judged(409, "1965", {{"x-ratelimit-towait-sec", "9"}});
  EXPECT_EQ(verdict.kind, Kind::later);
  EXPECT_EQ(verdict.error, ErrorKind::throttled);
  EXPECT_EQ(verdict.wait, 9s);
  EXPECT_EQ(judged(400, "1965").wait, 77s) << "the documents' table says 400";
  EXPECT_EQ(judged(409, "1960").kind, Kind::later);
  EXPECT_EQ(judged(409, "").kind, Kind::later);
  EXPECT_EQ(judged(409, "", {{"X-RateLimit-ToWait-Sec", "4"}}).wait, 4s);
  EXPECT_EQ(judged(200, "2001").error, ErrorKind::denied);
  EXPECT_EQ(judged(200, "2001").kind, Kind::refused);
  EXPECT_EQ(judged(401, "2000").error, ErrorKind::denied);
  EXPECT_EQ(judged(403, "2012").error, ErrorKind::denied);
  EXPECT_EQ(judged(400, "1905").error, ErrorKind::usage);
  EXPECT_EQ(judged(200, "nonsense").kind, Kind::refused);
  EXPECT_EQ(judged(500, "999").kind, Kind::uncertain);
  EXPECT_EQ(judged(500, "999", {}, "x", 2).kind, Kind::refused) << "once";
  EXPECT_EQ(judged(500, "999", {}, "QAPI999 One or more IPs are not approved").error,
            ErrorKind::denied);
  EXPECT_EQ(judged(503, "").kind, Kind::uncertain);
  EXPECT_EQ(judged(200, "").kind, Kind::good);
  EXPECT_EQ(judged(410, "").error, ErrorKind::not_found);
}

}  // namespace
}  // namespace hallmark::scan::qualys
