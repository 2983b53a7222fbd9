#include "scan/tenable/api.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "model/finding.h"
#include "scan/tenable/verdict.h"

namespace hallmark::scan::tenable {
namespace {

using namespace std::chrono_literals;

/// What the documentation recommends between looks at an export.
constexpr Duration kExportLook = 2500ms;
constexpr Duration kStopLook = 2s;
/// Exports fail now and then on the service's side.
constexpr int kExports = 2;

/// {"error": ".."} or {"statusCode", "error", "message"}; empty if it is neither.
std::string said(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  std::string message = word(json, "message");
  return message.empty() ? word(json, "error") : message;
}

std::string scan_path(const std::string& scan_id) { return "/scans/" + percent_encode(scan_id); }

}  // namespace

ServiceVerdict judge(const ServiceCall& call, const ServiceAnswer& answer, TimePoint now) {
  ServiceVerdict verdict = judge_by_status(call, answer, now);
  if (verdict.kind == ServiceVerdict::Kind::good) return verdict;
  if (verdict.message.empty()) verdict.message = said(answer.body);
  switch (answer.status) {
    case 401:
      verdict.hint = "see whether the access key and the secret key belong together";
      break;
    case 403:
      verdict.hint = "see what the keys' owner may do, and how many scans there may be";
      break;
    case 412:
      verdict.error = ErrorKind::usage;
      verdict.hint =
          "Nessus Professional, Expert and Essentials let no program start scans: use Tenable "
          "Vulnerability Management, or a Nessus that is managed by it";
      break;
    case 429:
      // Said by what stands in front of the service: the call never came through.
      verdict.kind = ServiceVerdict::Kind::later;
      break;
    default:
      break;
  }
  std::string request = header_of(answer.headers, "x-request-uuid");
  if (!request.empty() && !verdict.message.empty()) verdict.message += " (request " + request + ")";
  return verdict;
}

std::string word(const Json& json, std::string_view key) {
  if (!json.is_object()) return {};
  auto found = json.find(std::string(key));
  if (found == json.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

const Json& list(const Json& json, std::string_view key) {
  static const Json kNone = Json::array();
  if (!json.is_object()) return kNone;
  auto found = json.find(std::string(key));
  return found == json.end() || !found->is_array() ? kNone : *found;
}

Json Api::get(const std::string& path, std::stop_token stop, const std::string& query) const {
  std::string raw;
  return get(path, stop, query, raw);
}

Json Api::get(const std::string& path, std::stop_token stop, const std::string& query,
              std::string& raw) const {
  raw = service_.call({.path = path, .query = query, .repeatable = true}, stop).body;
  return parse_json(raw, "Tenable's answer to " + path);
}

Json Api::post(const std::string& path, const Json& body, bool repeatable, std::stop_token stop,
               const std::string& query) const {
  ServiceAnswer answer = service_.call({.method = "POST",
                                        .path = path,
                                        .query = query,
                                        .headers = {{"Content-Type", "application/json"}},
                                        .body = body.is_null() ? "{}" : compact(body),
                                        .repeatable = repeatable},
                                       stop);
  // Calls that only say "do" may answer nothing.
  if (trim(answer.body).empty()) return Json::object();
  return parse_json(answer.body, "Tenable's answer to " + path);
}

std::vector<ListedScan> Api::scans_named(const std::string& name, std::stop_token stop) const {
  std::vector<ListedScan> scans;
  const Json answer = get("/scans", stop);
  for (const Json& scan : list(answer, "scans")) {
    if (word(scan, "name") != name || word(scan, "id").empty()) continue;
    scans.push_back({word(scan, "id"), word(scan, "uuid"), word(scan, "status")});
  }
  std::sort(scans.begin(), scans.end(), [](const ListedScan& a, const ListedScan& b) {
    return std::pair(a.id.size(), a.id) < std::pair(b.id.size(), b.id);
  });
  return scans;
}

std::optional<std::string> Api::status(const std::string& scan_id, const std::string& run_uuid,
                                       std::stop_token stop) const {
  try {
    return word(get(scan_path(scan_id) + "/latest-status", stop), "status");
  } catch (const Error& e) {
    // Nessus has no such call, and answers as if the scan were missing.
    if (e.kind() != ErrorKind::not_found) throw;
  }
  const Json details = get(scan_path(scan_id), stop);
  const Json& info = details.is_object() && details.contains("info") ? details["info"] : details;
  const std::string shown = word(info, "uuid");
  if (!run_uuid.empty() && !shown.empty() && shown != run_uuid) return std::nullopt;
  return word(info, "status");
}

std::string Api::upload(const std::string& name, const std::string& content,
                        std::stop_token stop) const {
  const std::string boundary = random_id("hallmark");
  ServiceCall call{.method = "POST", .path = "/file/upload"};
  call.headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
  call.body = "--" + boundary +
              "\r\nContent-Disposition: form-data; name=\"Filedata\"; filename=\"" + name +
              "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + content + "\r\n--" +
              boundary + "--\r\n";
  const Json answer = parse_json(service_.call(call, stop).body, "Tenable's answer to an upload");
  std::string uploaded = word(answer, "fileuploaded");
  if (uploaded.empty()) throw Error(ErrorKind::corrupt, "Tenable does not name the uploaded file");
  return uploaded;
}

std::string Api::exported(const std::string& scan_id, const std::string& query, Duration limit,
                          std::stop_token stop) const {
  const TimePoint deadline = clock_.now() + limit;
  std::string status;
  for (int i = 0; i < kExports; ++i) {
    const std::string file = word(
        post(scan_path(scan_id) + "/export", {{"format", "nessus"}}, true, stop, query), "file");
    if (file.empty()) throw Error(ErrorKind::corrupt, "Tenable does not name the exported file");
    const std::string path = scan_path(scan_id) + "/export/" + percent_encode(file);
    while ((status = word(get(path + "/status", stop), "status")) != "ready" && status != "error") {
      if (clock_.now() + kExportLook >= deadline) {
        throw Error(ErrorKind::timeout, "Tenable's export was still \"{}\" after {}",
                    model::safe_text(status, 64), format_duration(limit));
      }
      wait(kExportLook, stop);
    }
    if (status == "error") continue;
    // Its status can be asked for and its file fetched again; a cut one never passes.
    ServiceAnswer answer = service_.call({.path = path + "/download", .repeatable = true}, stop);
    const std::string length = header_of(answer.headers, "content-length");
    const bool packed = !header_of(answer.headers, "content-encoding").empty();
    if (!packed && !length.empty() && length != std::to_string(answer.body.size())) {
      throw Error(ErrorKind::unavailable, "Tenable announced a report of {} bytes and sent {}",
                  model::safe_text(length, 32), answer.body.size());
    }
    return std::move(answer.body);
  }
  throw Error(ErrorKind::failed, "Tenable could not make the report: its export is \"{}\"", status);
}

bool Api::stopped(const std::string& scan_id, TimePoint deadline, std::stop_token stop) const {
  while (true) {
    const std::string now = status(scan_id, "", stop).value_or("");
    if (has_ended(now) || now == "empty") return true;
    const char* action = nullptr;
    if (now == "pending" || now == "running" || now == "resuming") action = "/stop";
    if (now == "stopping" || now == "publishing") action = "/force-stop";
    if (now == "paused") action = "/resume";  // a paused one takes no stop
    try {
      if (action) post(scan_path(scan_id) + action, nullptr, true, stop);
    } catch (const Error& e) {
      // It went on meanwhile, or ended; Nessus has no force-stop.
      if (e.kind() != ErrorKind::conflict && e.kind() != ErrorKind::not_found) throw;
    }
    if (clock_.now() + kStopLook >= deadline) return false;
    wait(kStopLook, stop);
  }
}

void Api::remove(const std::string& scan_id, std::stop_token stop) const {
  try {
    service_.call({.method = "DELETE", .path = scan_path(scan_id), .repeatable = true}, stop);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::not_found) throw;
  }
}

void Api::wait(Duration duration, std::stop_token stop) const {
  if (!clock_.sleep_until(clock_.now() + duration, stop)) {
    throw Error(ErrorKind::cancelled, "stopped while waiting for Tenable");
  }
}

}  // namespace hallmark::scan::tenable
