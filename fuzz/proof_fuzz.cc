#include <cstddef>
#include <cstdint>

#include "aws/caller_identity.h"
#include "base/json.h"
#include "fuzz/only_errors.h"
#include "fuzz/signing_key.h"
#include "pipeline/decision.h"

namespace aws = hallmark::aws;
namespace net = hallmark::net;
namespace pipeline = hallmark::pipeline;
using hallmark::Json;

namespace {

const hallmark::TimePoint kNow = hallmark::from_rfc3339("2026-11-22T17:05:01Z");

/// What AWS would answer; nothing else may be asked.
net::ExchangeResponse answer(const net::ExchangeRequest& request, const std::string& body) {
  const bool is_sts =
      request.url.starts_with("https://sts.") || request.url.starts_with("https://sts-fips.");
  if (!is_sts || request.method != "POST" ||
      request.body != "Action=GetCallerIdentity&Version=2011-06-15") {
    __builtin_trap();
  }
  return {.status = 200, .body = body};
}

}  // namespace

/// The input is a decision as it stands in the database, and behind a line break what AWS answers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static aws::ModelLibrary models;
  static const std::vector<pipeline::User> kUsers = {
      {.name = "ada",
       .roles = {"approver"},
       .public_key = hallmark::well_known_key().public_key()}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string body(end == text.npos ? "" : text.substr(end + 1));
  const Json json = Json::parse(text.substr(0, end), nullptr, false);
  if (json.is_discarded()) return 0;
  const pipeline::GoldenImage image{.image_key = "p/o/v", .run_id = "r"};
  pipeline::Decision decision{.approver = "ada",
                              .approve = true,
                              .evidence_digest = "e",
                              .decided_at = "2026-11-22T17:05:00Z",
                              .proof = json};
  if (json.is_object() && json.contains("approver") && json["approver"].is_string()) {
    decision.approver = json["approver"];
  }
  hallmark::model::ApprovalPolicy policy;
  policy.approvers = {"role:approver", "arn:aws:iam::1:role/r"};
  pipeline::refusal(policy, kUsers, "bob", decision.approver);
  pipeline::is_proved(kUsers, image, decision);
  pipeline::is_proved({}, image, decision);
  hallmark::only_errors([&] {
    pipeline::checked_proof(
        kUsers,
        [&](const Json& request, const std::string&) {
          // The digest of the statement is in no seed; "d" is.
          const aws::ProvedCaller caller = aws::proved_caller(
              request, "d", "", models,
              [&](const net::ExchangeRequest& sent, std::stop_token) { return answer(sent, body); },
              {});
          return pipeline::AwsCaller{caller.arn, caller.request_id, caller.host};
        },
        image, decision, kNow);
  });
  return 0;
}
