#include "scan/qualys/api.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"

namespace hallmark::scan::qualys {

using namespace std::chrono_literals;

namespace {

// Until a call that is under way has ended; such calls take seconds to minutes.
constexpr Duration kBusyWait = 5s;

std::optional<Duration> wait_of(const ServiceAnswer& answer,
                                const std::optional<SimpleReturn>& said, TimePoint now) {
  std::string seconds = header_of(answer.headers, "X-RateLimit-ToWait-Sec");
  auto wait = parse_retry_after(seconds, now);
  if (wait && *wait > 0ms) return wait;
  if (said) wait = parse_retry_after(said->item("SECONDS_TO_WAIT"), now);
  return wait && *wait > 0ms ? wait : std::nullopt;
}

ServiceVerdict refused(ErrorKind kind, std::string hint = {}) {
  return {.kind = ServiceVerdict::Kind::refused, .error = kind, .hint = std::move(hint)};
}

ServiceVerdict judge_code(int code, const std::string& text, const ServiceAnswer& answer) {
  using Kind = ServiceVerdict::Kind;
  switch (code) {
    case 1920:  // another operation blocks this one
    case 1960:  // as many of these calls run as may
    case 2014:  // as many are logged in as may
      return {.kind = Kind::later, .error = ErrorKind::throttled, .base_wait = kBusyWait};
    case 1965:  // as many calls were made as may
      return {.kind = Kind::later, .error = ErrorKind::throttled};
    case 2000:
    case 2002:
      return refused(ErrorKind::denied,
                     "are the user name and the password those of this platform?");
    case 2001:
      return refused(ErrorKind::denied, "the account must be renewed at Qualys");
    case 2012:
      return refused(ErrorKind::denied, "the account needs the role of a scanner or manager");
    case 999:
      if (text.find("not approved") != text.npos) {
        return refused(ErrorKind::denied, "the account may not scan the machine's address");
      }
      // Once: an internal error that comes twice comes always.
      return {.kind = answer.attempts == 1 ? Kind::uncertain : Kind::refused,
              .error = ErrorKind::unavailable};
    default:
      break;
  }
  if (code >= 1900 && code < 2000) return refused(ErrorKind::usage);
  if (answer.status == 401 || answer.status == 403) return refused(ErrorKind::denied);
  if (answer.status == 409 || answer.status == 429) {
    return {.kind = Kind::later, .error = ErrorKind::throttled, .base_wait = kBusyWait};
  }
  if (answer.status >= 500) return {.kind = Kind::uncertain, .error = ErrorKind::unavailable};
  return refused(ErrorKind::usage);
}

ServiceConfig service_config(const QualysConfig& config) {
  std::string key = base64_encode(config.username + ":" + config.password);
  redact(config.password);
  redact(key);
  ServiceConfig service;
  service.name = "Qualys";
  service.url = config.url;
  // Qualys refuses every call without it.
  service.headers = {{"X-Requested-With", "Hallmark"}};
  service.secret_headers = {{"Authorization", "Basic " + key}};
  service.ca_file = config.ca_file;
  service.max_bytes = config.limits.max_bytes;
  service.call_limit = config.limits.call_limit;
  service.judge = judge;
  return service;
}

}  // namespace

ServiceVerdict judge(const ServiceCall& call, const ServiceAnswer& answer, TimePoint now) {
  using Kind = ServiceVerdict::Kind;
  std::optional<SimpleReturn> said = find_refusal(answer.body);
  if (said) {
    ServiceVerdict verdict = judge_code(said->code, said->text, answer);
    verdict.message = fmt::format("code {}: {}", said->code, said->text);
    verdict.wait = wait_of(answer, said, now);
    return verdict;
  }
  ServiceVerdict verdict = judge_by_status(call, answer, now);
  if (answer.status == 409) {
    // Qualys' limits, even where something on the way has taken the body.
    verdict.kind = Kind::later;
    verdict.error = ErrorKind::throttled;
    verdict.base_wait = kBusyWait;
    verdict.wait = wait_of(answer, said, now);
  }
  if (answer.status == 410) verdict.hint = "this version of the call has ended: see \"paths\"";
  return verdict;
}

Api::Api(const QualysConfig& config, Clock& clock)
    : config_(config), service_(service_config(config), clock) {}

std::string Api::post(const std::string& path, const TextPairs& form, bool repeatable,
                      std::stop_token stop, bool html_is_data) const {
  return service_
      .call({.method = "POST",
             .path = path,
             .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
             .body = form_text(form),
             .repeatable = repeatable,
             .html_is_data = html_is_data},
            stop)
      .body;
}

std::string Api::list_scans(const TextPairs& filter, std::stop_token stop) const {
  TextPairs form = {{"action", "list"}, {"show_status", "1"}, {"show_op", "1"}};
  form.insert(form.end(), filter.begin(), filter.end());
  return post(config_.paths.scan_list, form, true, stop);
}

std::string Api::fetch(const std::string& ref, std::stop_token stop) const {
  return post(config_.paths.scan,
              {{"action", "fetch"},
               {"scan_ref", ref},
               {"mode", "extended"},
               {"output_format", "json_extended"}},
              true, stop);
}

std::string Api::list_detections(const TextPairs& filter, std::stop_token stop) const {
  // The results come with the scan; here only dates and states are wanted.
  TextPairs form = {{"action", "list"},
                    {"show_results", "0"},
                    {"show_igs", "0"},
                    {"status", "New,Active,Re-Opened"},
                    {"output_format", "XML"}};
  form.insert(form.end(), filter.begin(), filter.end());
  return post(config_.paths.detection, form, true, stop);
}

std::string Api::list_knowledge(const std::vector<std::string>& qids, std::stop_token stop) const {
  return post(config_.paths.knowledge,
              {{"action", "list"}, {"ids", join(qids, ",")}, {"details", "All"}}, true, stop);
}

std::string Api::list_reports(const std::string& id, std::stop_token stop) const {
  TextPairs form = {{"action", "list"}};
  if (!id.empty()) form.emplace_back("id", id);
  return post(config_.paths.report, form, true, stop);
}

std::string Api::fetch_report(const std::string& id, std::stop_token stop) const {
  return post(config_.paths.report, {{"action", "fetch"}, {"id", id}}, true, stop, true);
}

void Api::add_ip(const std::string& ip, std::stop_token stop) const {
  // An address that is there already stays as it is, so it may be sent twice.
  post(config_.paths.ip,
       {{"action", "add"}, {"ips", ip}, {"tracking_method", "IP"}, {"enable_vm", "1"}}, true, stop);
}

std::string Api::launch(const TextPairs& parameters, std::stop_token stop) const {
  std::string body = post(config_.paths.scan, parameters, false, stop);
  std::string ref = parse_simple_return(body).item("REFERENCE");
  if (ref.empty()) throw Error(ErrorKind::corrupt, "Qualys launched a scan without naming it");
  return ref;
}

std::string Api::launch_report(const std::string& ref, const std::string& title,
                               std::stop_token stop) const {
  std::string body = post(config_.paths.report,
                          {{"action", "launch"},
                           {"template_id", config_.report_template_id},
                           {"report_title", title},
                           {"output_format", config_.report_format},
                           {"report_type", "Scan"},
                           {"report_refs", ref}},
                          false, stop);
  std::string id = parse_simple_return(body).item("ID");
  if (id.empty()) throw Error(ErrorKind::corrupt, "Qualys launched a report without naming it");
  return id;
}

void Api::act_on_scan(const std::string& action, const std::string& ref,
                      std::stop_token stop) const {
  post(config_.paths.scan, {{"action", action}, {"scan_ref", ref}}, true, stop);
}

void Api::act_on_report(const std::string& action, const std::string& id,
                        std::stop_token stop) const {
  post(config_.paths.report, {{"action", action}, {"id", id}}, true, stop);
}

void Api::run_connector(std::stop_token stop) const {
  ServiceAnswer answer =
      service_.call({.method = "POST",
                     .path = config_.paths.connector + "run/am/assetdataconnector/" +
                             percent_encode(config_.connector_id),
                     .headers = {{"Content-Type", "text/xml"}, {"Accept", "application/xml"}},
                     .repeatable = true},
                    stop);
  parse_connector_state(answer.body);
}

std::string Api::connector_state(std::stop_token stop) const {
  ServiceAnswer answer =
      service_.call({.path = config_.paths.connector + "get/am/assetdataconnector/" +
                             percent_encode(config_.connector_id),
                     .headers = {{"Accept", "application/xml"}},
                     .repeatable = true},
                    stop);
  return parse_connector_state(answer.body);
}

}  // namespace hallmark::scan::qualys
