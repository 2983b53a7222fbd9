#include "aws/refusal.h"

#include <optional>

#include "aws/error_codes.h"
#include "aws/protocol/customizations.h"
#include "aws/protocol/headers.h"
#include "aws/protocol/readers.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

/// As much of an unreadable answer as fits a line.
constexpr std::size_t kExcerptBytes = 200;

std::string_view phrase(int status) {
  switch (status) {
    case 301:
      return "moved permanently";
    case 304:
      return "not modified";
    case 307:
      return "temporary redirect";
    case 400:
      return "bad request";
    case 403:
      return "forbidden";
    case 404:
      return "not found";
    case 409:
      return "conflict";
    case 412:
      return "precondition failed";
    case 413:
      return "too large";
    case 429:
      return "too many requests";
    case 500:
      return "internal server error";
    case 502:
      return "bad gateway";
    case 503:
      return "service unavailable";
    case 504:
      return "gateway timeout";
    default:
      return "";
  }
}

/// "aws.protocol#FooError:http://.." is FooError.
std::string bare_code(std::string_view code) {
  code = trim(code.substr(0, code.find(':')));
  if (auto hash = code.rfind('#'); hash != std::string_view::npos) code.remove_prefix(hash + 1);
  return std::string(code);
}

bool is_json(Protocol protocol) {
  return protocol == Protocol::json || protocol == Protocol::rest_json;
}

bool is_rest(Protocol protocol) {
  return protocol == Protocol::rest_json || protocol == Protocol::rest_xml;
}

void take_document(ErrorDocument document, Refusal& refusal) {
  refusal.code = std::move(document.code);
  refusal.message = std::move(document.message);
  if (refusal.request_id.empty()) refusal.request_id = std::move(document.request_id);
}

void add_details(const Value& members, Refusal& refusal) {
  for (const auto& [name, value] : members.items()) refusal.details[name] = value;
}

const Shape* start_details(const Model& model, const Response& response, Refusal& refusal) {
  const Shape* shape = model.error(refusal.code);
  if (shape != nullptr && is_rest(model.metadata().protocol)) {
    add_details(read_header_members(*shape, response), refusal);
  }
  return shape;
}

void read_json(const Model& model, const Response& response, Refusal& refusal) {
  JsonDocument document(response.body);
  take_document(document.error(model.metadata().protocol), refusal);
  if (auto type = header(response.headers, "x-amzn-errortype")) refusal.code = *type;
  refusal.code = bare_code(refusal.code);
  const Shape* shape = start_details(model, response, refusal);
  if (auto compatible = header(response.headers, "x-amzn-query-error")) {
    // The code that the service had when it spoke the query protocol: "Code;Fault".
    std::string old = compatible->substr(0, compatible->find(';'));
    if (!old.empty() && old.size() < compatible->size()) refusal.code = old;
    if (shape == nullptr) shape = start_details(model, response, refusal);
  }
  if (shape == nullptr) return;
  Member top;
  top.shape = shape;
  Value members = document.read(top);
  if (members.is_object()) add_details(members, refusal);
}

void read_xml(const Model& model, const Response& response, Refusal& refusal) {
  XmlDocument document(response.body);
  take_document(document.error(), refusal);
  if (const Shape* shape = start_details(model, response, refusal)) {
    add_details(document.read_error(*shape), refusal);
  }
}

std::string excerpt(std::string_view body) {
  std::string line;
  for (char c : trim(body).substr(0, kExcerptBytes)) {
    bool control = static_cast<unsigned char>(c) < ' ';
    if (!control) line += c;
    if (control && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (trim(body).size() > kExcerptBytes) line += " ..";
  return line;
}

}  // namespace

bool is_refusal(const Model& model, const Operation& operation, const Response& response) {
  return response.status >= 300 || response.status < 200 ||
         is_late_refusal(model, operation, response);
}

Refusal read_refusal(const Model& model, const Operation& operation, const Response& response) {
  Refusal refusal;
  refusal.status = response.status;
  // Said with success because the work took longer than the answer's first line could wait.
  if (is_late_refusal(model, operation, response)) refusal.status = 500;
  for (const char* name : {"x-amzn-requestid", "x-amz-request-id", "x-amz-requestid"}) {
    if (refusal.request_id.empty())
      refusal.request_id = header(response.headers, name).value_or("");
  }
  std::string unreadable;
  try {
    if (is_json(model.metadata().protocol)) {
      read_json(model, response, refusal);
    } else if (!response.body.empty()) {
      read_xml(model, response, refusal);
    }
  } catch (const Error& error) {
    unreadable = error.message();
  }
  if (refusal.code.empty()) {
    refusal.code = std::to_string(refusal.status);
    if (refusal.message.empty()) refusal.message = phrase(refusal.status);
    if (!response.body.empty() && refusal.message == phrase(refusal.status)) {
      refusal.message += (refusal.message.empty() ? "" : "; ") + excerpt(response.body);
    }
  }
  if (!unreadable.empty()) {
    refusal.message += (refusal.message.empty() ? "" : " ") + ("(" + unreadable + ")");
  }
  return refusal;
}

ApiError to_error(const Refusal& refusal, std::string_view service, std::string_view operation) {
  ErrorKind kind = kind_of(service, refusal.code, refusal.status);
  std::string text = fmt::format("{} {}: {}", service, operation, refusal.code);
  if (!refusal.message.empty()) text += ": " + refusal.message;
  return {kind, std::move(text), refusal.code, refusal.status, refusal.request_id};
}

}  // namespace hallmark::aws
