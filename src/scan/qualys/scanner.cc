#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "scan/qualys/api.h"
#include "scan/qualys/assessment.h"
#include "scan/qualys/qualys.h"

namespace hallmark::scan {

using namespace std::chrono_literals;

namespace qualys {
namespace {

using model::Completeness;

// As long as an answer takes to be known to be lost, and a launch to be listed.
constexpr int kLooksAfterLoss = 6;
// A form of ten kilobytes passes everywhere, and each call takes from 300 an hour.
constexpr std::size_t kKnowledgeBatch = 1000;
// A page has a thousand hosts; one scan has one.
constexpr int kMostPages = 1000;
constexpr Duration kShortPoll = 15s;
// A machine's clock and Qualys' may differ; a title is unique anyway.
constexpr Duration kClockSkew = 24h;

/// Whether the assessment can do without: not if somebody stops us, nor if a later try may help
/// with all of it.
bool is_bearable(ErrorKind kind) {
  return kind != ErrorKind::cancelled && kind != ErrorKind::throttled && kind != ErrorKind::denied;
}

std::string to_seconds(TimePoint time) {
  std::string text = to_rfc3339(time);
  return text.substr(0, 19) + "Z";
}

void check_config(const QualysConfig& config) {
  auto refuse = [](const char* text) { throw Error(ErrorKind::usage, "qualys: {}", text); };
  if (config.username.empty() || config.password.empty())
    refuse("username and password are needed");
  if (config.option_title.empty() == config.option_id.empty()) {
    refuse("exactly one of option_title and option_id names the option profile");
  }
  if (config.target == QualysConfig::Target::ec2 && config.connector_name.empty()) {
    refuse("connector_name is needed to find EC2 instances");
  }
}

class QualysScanner : public OutsideScanner {
 public:
  QualysScanner(QualysConfig config, Clock& clock)
      : config_(std::move(config)), clock_(clock), api_(config_, clock) {}

  std::string name() const override { return "qualys"; }
  Duration poll_interval() const override { return config_.limits.poll_interval; }
  void check(std::stop_token stop) override;
  std::string launch(const ScanTarget& target, std::stop_token stop) override;
  ScanProgress look(const ScanTarget& target, const std::string& scan_id,
                    std::stop_token stop) override;
  model::Assessment collect(const ScanTarget& target, const std::string& scan_id,
                            const KeepRaw& keep_raw, std::stop_token stop) override;
  void clean_up(const ScanTarget& target, const std::string& scan_id,
                std::stop_token stop) override;

 private:
  std::optional<ListedScan> find_ref(const std::string& ref, std::stop_token stop);
  std::vector<ListedScan> find_title(const ScanTarget& target, std::stop_token stop);
  /// Looks twice with a pause, since a scan that was just launched is not listed yet.
  std::vector<ListedScan> find_title_for_sure(const ScanTarget& target, std::stop_token stop);
  TextPairs launch_parameters(const ScanTarget& target) const;
  void make_known(const ScanTarget& target, std::stop_token stop);
  void await_connector(std::stop_token stop);
  void pause(Duration time, std::stop_token stop);

  void read_hosts(const ScanTarget& target, ScanAnswers& answers, const KeepRaw& keep_raw,
                  std::stop_token stop);
  void read_knowledge(ScanAnswers& answers, const KeepRaw& keep_raw, std::stop_token stop);
  void read_report(const ScanTarget& target, const std::string& ref, const KeepRaw& keep_raw,
                   std::stop_token stop);
  void remove_scan(const std::string& ref, std::stop_token stop);
  void remove_reports(const ScanTarget& target, std::stop_token stop);

  QualysConfig config_;
  Clock& clock_;
  Api api_;
  Sync<Knowledge> knowledge_;
};

void QualysScanner::pause(Duration time, std::stop_token stop) {
  if (!clock_.sleep_until(clock_.now() + time, stop)) {
    throw Error(ErrorKind::cancelled, "stopped while waiting for Qualys");
  }
}

void QualysScanner::check(std::stop_token stop) {
  // An account that may list scans is one that exists, has not ended, and speaks to this platform.
  parse_scan_list(api_.list_scans({{"launched_after_datetime", to_seconds(clock_.now())}}, stop));
}

std::optional<ListedScan> QualysScanner::find_ref(const std::string& ref, std::stop_token stop) {
  for (ListedScan& scan : parse_scan_list(api_.list_scans({{"scan_ref", ref}}, stop))) {
    if (scan.ref == ref) return std::move(scan);
  }
  return {};
}

std::vector<ListedScan> QualysScanner::find_title(const ScanTarget& target, std::stop_token stop) {
  std::string since = to_seconds(target.launched_at - kClockSkew);
  std::vector<ListedScan> scans =
      parse_scan_list(api_.list_scans({{"launched_after_datetime", since}}, stop));
  std::erase_if(scans, [&](const ListedScan& scan) { return scan.title != trim(target.title); });
  return scans;
}

std::vector<ListedScan> QualysScanner::find_title_for_sure(const ScanTarget& target,
                                                           std::stop_token stop) {
  std::vector<ListedScan> scans = find_title(target, stop);
  if (!scans.empty()) return scans;
  pause(config_.limits.listed_after, stop);
  return find_title(target, stop);
}

TextPairs QualysScanner::launch_parameters(const ScanTarget& target) const {
  TextPairs form = {{"action", "launch"}, {"scan_title", target.title}};
  if (!config_.option_id.empty()) {
    form.emplace_back("option_id", config_.option_id);
  } else {
    form.emplace_back("option_title", config_.option_title);
  }
  if (config_.iscanner_name.empty()) {
    form.emplace_back("default_scanner", "1");
  } else {
    form.emplace_back("iscanner_name", config_.iscanner_name);
  }
  if (config_.target == QualysConfig::Target::ip) {
    form.emplace_back("ip", target.ip);
    return form;
  }
  form.emplace_back("ec2_instance_ids", target.machine_id);
  form.emplace_back("connector_name", config_.connector_name);
  form.emplace_back("ec2_endpoint",
                    config_.ec2_endpoint.empty() ? target.region : config_.ec2_endpoint);
  return form;
}

void QualysScanner::await_connector(std::stop_token stop) {
  api_.run_connector(stop);
  TimePoint deadline = clock_.now() + config_.limits.connector_limit;
  while (true) {
    std::string state = api_.connector_state(stop);
    if (state == "FINISHED_SUCCESS" || state == "SUCCESS") return;
    if (state != "RUNNING" && state != "PROCESSING" && state != "QUEUED" && state != "PENDING") {
      throw Error(ErrorKind::usage, "Qualys' connector {} ended as {}", config_.connector_name,
                  model::safe_text(state, 100))
          .hint("its role must be able to list the account's instances");
    }
    if (clock_.now() >= deadline) {
      throw Error(ErrorKind::timeout, "Qualys' connector {} has not ended in {}",
                  config_.connector_name, format_duration(config_.limits.connector_limit));
    }
    pause(kShortPoll, stop);
  }
}

void QualysScanner::make_known(const ScanTarget& target, std::stop_token stop) {
  if (config_.target == QualysConfig::Target::ip) {
    if (target.ip.empty()) {
      throw Error(ErrorKind::usage, "{} has no address at which Qualys could reach it",
                  target.machine_id);
    }
    if (config_.add_ip) api_.add_ip(target.ip, stop);
  } else if (!config_.connector_id.empty()) {
    await_connector(stop);
  }
}

std::string QualysScanner::launch(const ScanTarget& target, std::stop_token stop) {
  if (trim(target.title).empty()) throw Error(ErrorKind::usage, "a scan needs a title");
  std::vector<ListedScan> scans = find_title_for_sure(target, stop);
  if (!scans.empty()) return scans.front().ref;
  make_known(target, stop);
  try {
    return api_.launch(launch_parameters(target), stop);
  } catch (Error& error) {
    if (!may_have_happened(error.kind())) throw;
    // It may run although we were not told.
    for (int i = 0; i < kLooksAfterLoss; ++i) {
      pause(config_.limits.listed_after, stop);
      scans = find_title(target, stop);
      if (!scans.empty()) return scans.front().ref;
    }
    throw error.note("no scan of that title appeared since");
  }
}

ScanProgress QualysScanner::look(const ScanTarget&, const std::string& scan_id,
                                 std::stop_token stop) {
  std::optional<ListedScan> scan = find_ref(scan_id, stop);
  if (!scan) return {.ended = false, .state = "not listed yet"};
  return {.ended = course_of(*scan) == Course::ended,
          .state = model::safe_text(describe_state(*scan), 200)};
}

void QualysScanner::read_hosts(const ScanTarget& target, ScanAnswers& answers,
                               const KeepRaw& keep_raw, std::stop_token stop) {
  std::vector<std::string> ips;
  if (!target.ip.empty()) ips.push_back(target.ip);
  // Where only the instance is known, the results say which addresses to ask for.
  for (const ResultRow& row : answers.results->rows) {
    if (ips.size() < 10 && std::find(ips.begin(), ips.end(), row.ip) == ips.end()) {
      ips.push_back(row.ip);
    }
  }
  if (ips.empty()) return;
  TextPairs filter = {{"ips", join(ips, ",")}};
  std::uint64_t last = 0;
  for (int number = 1; number <= kMostPages; ++number) {
    std::string body = api_.list_detections(filter, stop);
    keep_raw(fmt::format("qualys/detections-{}.xml", number), "application/xml", body);
    DetectionPage page = parse_detections(body);
    std::move(page.hosts.begin(), page.hosts.end(), std::back_inserter(answers.hosts));
    if (!page.next_id_min) return;
    if (*page.next_id_min <= last) break;
    last = *page.next_id_min;
    filter = {{"ips", join(ips, ",")}, {"id_min", std::to_string(last)}};
  }
  throw Error(ErrorKind::corrupt, "Qualys' pages of detections have no end");
}

void QualysScanner::read_knowledge(ScanAnswers& answers, const KeepRaw& keep_raw,
                                   std::stop_token stop) {
  std::vector<std::string> missing;
  {
    auto cache = knowledge_.lock();
    for (const std::string& qid : qids_of(*answers.results)) {
      auto known = cache->find(qid);
      if (known != cache->end()) {
        answers.knowledge.insert(*known);
      } else {
        missing.push_back(qid);
      }
    }
  }
  for (std::size_t at = 0, number = 1; at < missing.size(); at += kKnowledgeBatch, ++number) {
    auto begin = missing.begin() + static_cast<std::ptrdiff_t>(at);
    auto end = missing.begin() +
               static_cast<std::ptrdiff_t>(std::min(at + kKnowledgeBatch, missing.size()));
    std::string body = api_.list_knowledge({begin, end}, stop);
    keep_raw(fmt::format("qualys/knowledge-{}.xml", number), "application/xml", body);
    auto cache = knowledge_.lock();
    for (KnowledgeEntry& entry : parse_knowledge(body)) {
      answers.knowledge.emplace(entry.qid, entry);
      cache->emplace(entry.qid, std::move(entry));
    }
  }
}

void QualysScanner::read_report(const ScanTarget& target, const std::string& ref,
                                const KeepRaw& keep_raw, std::stop_token stop) {
  std::string id;
  for (const ListedReport& report : parse_report_list(api_.list_reports("", stop))) {
    if (report.title == trim(target.title)) id = report.id;
  }
  if (id.empty()) id = api_.launch_report(ref, target.title, stop);
  TimePoint deadline = clock_.now() + config_.limits.report_limit;
  while (true) {
    std::string state, message;
    for (const ListedReport& report : parse_report_list(api_.list_reports(id, stop))) {
      if (report.id != id) continue;
      state = report.state;
      message = report.message;
    }
    if (state == "Finished") break;
    if (state == "Errors" || state == "Canceled") {
      throw Error(ErrorKind::failed, "Qualys' report ended as {}: {}", state,
                  model::safe_text(message, 200));
    }
    if (clock_.now() >= deadline) {
      throw Error(ErrorKind::timeout, "Qualys' report was not made in {}",
                  format_duration(config_.limits.report_limit));
    }
    pause(kShortPoll, stop);
  }
  std::string media = config_.report_format == "pdf"    ? "application/pdf"
                      : config_.report_format == "html" ? "text/html"
                                                        : "application/octet-stream";
  keep_raw("qualys/report." + config_.report_format, media, api_.fetch_report(id, stop));
}

model::Assessment QualysScanner::collect(const ScanTarget& target, const std::string& scan_id,
                                         const KeepRaw& keep_raw, std::stop_token stop) {
  std::vector<model::RawResult> raw;
  KeepRaw keep = [&](const std::string& name, const std::string& media_type,
                     std::string_view bytes) {
    raw.push_back(keep_raw(name, media_type, bytes));
    return raw.back();
  };
  std::vector<std::pair<Completeness, std::string>> lacks;
  auto bearably = [&](Completeness to, const std::string& what, const std::function<void()>& read) {
    try {
      read();
    } catch (const Error& error) {
      if (!is_bearable(error.kind())) throw;
      lacks.emplace_back(to, what + ": " + redacted(model::safe_text(error.message(), 500)));
    }
  };

  ScanAnswers answers;
  std::string list = api_.list_scans({{"scan_ref", scan_id}}, stop);
  keep("qualys/scan-list.xml", "application/xml", list);
  for (ListedScan& scan : parse_scan_list(list)) {
    if (scan.ref == scan_id) answers.listed = std::move(scan);
  }
  bool finished = answers.listed && answers.listed->state == "Finished";
  auto read_results = [&] {
    std::string body = api_.fetch(scan_id, stop);
    keep("qualys/results.json", "application/json", body);
    answers.results = parse_results(body);
  };
  if (finished) {
    read_results();
  } else if (answers.listed && course_of(*answers.listed) != Course::running) {
    // There may be results of a scan that did not come to its end; it is no loss if there are none.
    bearably(Completeness::failed, "it left no results", read_results);
  }
  if (answers.results) {
    bearably(Completeness::partial, "the host's history could not be read",
             [&] { read_hosts(target, answers, keep, stop); });
    bearably(Completeness::partial, "the knowledge base could not be read",
             [&] { read_knowledge(answers, keep, stop); });
  }
  if (finished && !config_.report_template_id.empty()) {
    try {
      read_report(target, scan_id, keep, stop);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      log_warning("no report of {}: {}", scan_id, error.message());
    }
  }

  model::Assessment assessment = assess(config_, target, answers);
  for (auto& [to, why] : lacks) lower(assessment, to, std::move(why));
  if (assessment.native_id.empty()) assessment.native_id = model::safe_text(scan_id, 200);
  assessment.assessed_at = to_rfc3339(clock_.now());
  assessment.raw = std::move(raw);
  return assessment;
}

void QualysScanner::remove_scan(const std::string& ref, std::stop_token stop) {
  TimePoint deadline = clock_.now() + config_.limits.cancel_limit;
  bool cancelled = false;
  // Cancelling takes a while at the appliance, and only what has ended can be deleted.
  for (std::optional<ListedScan> scan = find_ref(ref, stop);; scan = find_ref(ref, stop)) {
    // Cancelled and still not listed: deleted all the same, in case it comes into the list later.
    bool ended = scan ? scan->state == "Finished" || course_of(*scan) == Course::ended : cancelled;
    try {
      if (!ended && !cancelled) api_.act_on_scan("cancel", ref, stop);
      cancelled = true;
      if (ended) return api_.act_on_scan("delete", ref, stop);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::not_found) throw;
      // Refused: gone, if it is not listed either; else it has just changed its state.
      if (!scan) return;
      cancelled = false;
    }
    if (clock_.now() >= deadline) {
      throw Error(ErrorKind::timeout, "the scan {} at Qualys has not ended in {}", ref,
                  format_duration(config_.limits.cancel_limit))
          .hint("delete it at Qualys, or let it be cleaned up again");
    }
    pause(kShortPoll, stop);
  }
}

void QualysScanner::remove_reports(const ScanTarget& target, std::stop_token stop) {
  for (const ListedReport& report : parse_report_list(api_.list_reports("", stop))) {
    if (report.title != trim(target.title)) continue;
    bool made =
        report.state == "Finished" || report.state == "Errors" || report.state == "Canceled";
    if (!made) api_.act_on_report("cancel", report.id, stop);
    api_.act_on_report("delete", report.id, stop);
  }
}

void QualysScanner::clean_up(const ScanTarget& target, const std::string& scan_id,
                             std::stop_token stop) {
  if (!scan_id.empty()) {
    remove_scan(scan_id, stop);
  } else {
    for (const ListedScan& scan : find_title_for_sure(target, stop)) remove_scan(scan.ref, stop);
  }
  if (!config_.report_template_id.empty()) remove_reports(target, stop);
}

}  // namespace
}  // namespace qualys

std::unique_ptr<OutsideScanner> make_qualys_scanner(QualysConfig config, Clock& clock) {
  qualys::check_config(config);
  return std::make_unique<qualys::QualysScanner>(std::move(config), clock);
}

}  // namespace hallmark::scan
