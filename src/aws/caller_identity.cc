#include "aws/caller_identity.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "aws/signing/sigv4.h"
#include "aws/url.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

constexpr const char* kDigestHeader = "x-hallmark-decision";
constexpr const char* kBody = "Action=GetCallerIdentity&Version=2011-06-15";

Call question(HttpClient& client) {
  return {.service = "sts", .operation = "GetCallerIdentity", .region = client.default_region()};
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::denied, "the proof of AWS credentials does not hold: {}", why);
}

/// sts.amazonaws.com, sts.<region>.amazonaws.com[.cn] and sts-fips of the same.
bool is_sts(const std::string& host) {
  const std::vector<std::string> parts = split(host, '.');
  if (parts.size() < 2 || (parts[0] != "sts" && parts[0] != "sts-fips")) return false;
  const std::string rest = host.substr(parts[0].size() + 1);
  auto ends_region = [&](const std::string& suffix) {
    if (rest == suffix) return true;
    return parts.size() > 2 && rest == parts[1] + "." + suffix;
  };
  return ends_region("amazonaws.com") || ends_region("amazonaws.com.cn");
}

/// "a;b;c" of Authorization's SignedHeaders; nothing if it has any form but the one that sign()
/// gives it: a second list must not hide from us which one AWS goes by.
std::vector<std::string> signed_headers(const std::string& authorization) {
  constexpr std::string_view kName = "SignedHeaders=";
  const std::vector<std::string> parts = split(authorization, ',');
  if (parts.size() != 3 || !parts[0].starts_with("AWS4-HMAC-SHA256 Credential=") ||
      !trim(parts[1]).starts_with(kName) || !trim(parts[2]).starts_with("Signature=")) {
    return {};
  }
  return split(trim(parts[1]).substr(kName.size()), ';');
}

/// The caller in an answer to the question.
std::string arn_of(const Value& answer) {
  auto arn = answer.find("Arn");
  if (arn == answer.end() || !arn->is_string()) {
    throw Error(ErrorKind::corrupt, "AWS's answer does not say who the caller is");
  }
  return arn->get<std::string>();
}

Request request_from(const Value& proof, const std::string& statement_digest,
                     const std::string& own_endpoint) {
  auto text = [&](const char* key) -> std::string {
    auto found = proof.find(key);
    if (found == proof.end() || !found->is_string()) refuse(std::string("it has no ") + key);
    return found->get<std::string>();
  };
  Request request{.method = text("method"),
                  .scheme = text("scheme"),
                  .host = text("host"),
                  .path = "/",
                  .body = text("body")};
  auto headers = proof.find("headers");
  if (headers == proof.end() || !headers->is_object()) refuse("it has no headers");
  for (const auto& [name, value] : headers->items()) {
    if (!value.is_string()) continue;
    // Of two only one would be looked at here, and perhaps the other one at AWS.
    if (header(request.headers, name)) refuse("it has a header twice");
    request.headers.emplace_back(name, value.get<std::string>());
  }
  if (request.method != "POST" || request.body != kBody) refuse("it is no GetCallerIdentity");
  const bool is_own =
      !own_endpoint.empty() && own_endpoint == request.scheme + "://" + request.host;
  if (!is_own && (request.scheme != "https" || !is_sts(request.host))) {
    refuse(request.host + " is not AWS's Security Token Service");
  }
  const std::vector<std::string> covered =
      signed_headers(header(request.headers, "authorization").value_or(""));
  if (std::find(covered.begin(), covered.end(), kDigestHeader) == covered.end() ||
      header(request.headers, kDigestHeader) != statement_digest) {
    refuse("it is not for this decision");
  }
  return request;
}

}  // namespace

std::string caller_arn(HttpClient& client, std::stop_token stop) {
  return arn_of(client.call(question(client), Value::object(), std::move(stop)));
}

Value identity_proof(HttpClient& client, const std::string& statement_digest, Clock& clock,
                     std::stop_token stop) {
  const Call call = question(client);
  Request request = client.prepare(call, Value::object(), stop);
  request.headers.emplace_back(kDigestHeader, statement_digest);
  // With one more header to cover, the signature is another one.
  sign(request, client.default_credentials()->get(std::move(stop)),
       signing_rules("sts", call.region), clock.now());
  Value headers = Value::object();
  for (const auto& [name, value] : request.headers) headers[name] = value;
  return {{"kind", "aws"},        {"method", request.method}, {"scheme", request.scheme},
          {"host", request.host}, {"headers", headers},       {"body", request.body}};
}

ProvedCaller proved_caller(const Value& proof, const std::string& statement_digest,
                           const std::string& own_endpoint, ModelLibrary& models,
                           const HttpExchange& exchange, std::stop_token stop) {
  const Request request = request_from(proof, statement_digest, own_endpoint);
  auto model = models.get("sts");
  try {
    net::ExchangeResponse answer = exchange({.method = request.method,
                                             .url = request_url(request),
                                             .headers = request.headers,
                                             .body = request.body},
                                            std::move(stop));
    const Response response{answer.status, std::move(answer.headers), std::move(answer.body)};
    const Value identity = read_answer(*model, model->operation("GetCallerIdentity"), response);
    return {.arn = arn_of(identity),
            .request_id = header(response.headers, "x-amzn-requestid").value_or(""),
            .host = request.host};
  } catch (const ApiError& e) {
    if (traits(e.kind()).retry) throw;
    refuse("AWS says: " + e.message());
  }
}

}  // namespace hallmark::aws
