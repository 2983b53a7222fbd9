#pragma once
/// Who may decide on an image, and what proves that a decision is theirs.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/signing.h"
#include "model/policy.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"
#include "pipeline/users.h"

namespace hallmark::pipeline {

/// Exactly what a proof covers, so that it fits no other image, evidence, verdict or time.
std::string decision_statement(const GoldenImage& image, const Decision& decision);

/// {"kind": "key", "signature"}: the statement signed with a user's own key.
Json key_proof(const SigningKey& key, const GoldenImage& image, const Decision& decision);

/// Whether the proof is that a server knows who asks, by a session of its page or an API token:
/// {"kind": "session" or "token", "id", "name"}. Only a server may say so, of its own caller:
/// whoever takes proofs from outside refuses these.
bool is_servers_word(const Json& proof);

/// Longer ago, or further in the future, and a decision's own time is not believed.
inline constexpr Duration kProofAge{15 * 60'000};

/// Checks a decision's proof and returns what is kept of it, without any secret. While no user is
/// known, a name without proof is taken on trust and kept as {"kind": "none"}. Of an AWS proof
/// {"kind": "aws", "arn", "statement_sha256", "request_id", "host"} is kept: the signed request is
/// of no use to anybody but AWS, and CloudTrail has its GetCallerIdentity under that id in the
/// approver's account (AWS CloudTrail User Guide, "CloudTrail record contents": requestID). Of the
/// server's word {"kind", "id", "name", "statement_sha256"} is kept. `proofs` are the kinds that
/// the approval policy takes. Throws `denied`.
Json checked_proof(const std::vector<User>& users, const std::vector<std::string>& proofs,
                   const AwsIdentity& aws_identity, const GoldenImage& image,
                   const Decision& decision, TimePoint now);

/// Whether a proof that was checked once still stands: nobody but a user with a key can have put a
/// signed decision into the database. Says nothing of its time.
bool is_proved(const std::vector<User>& users, const std::vector<std::string>& proofs,
               const GoldenImage& image, const Decision& decision);

/// Why this approver may not decide on this image; nothing if they may. Approvers in a policy are
/// users' names, roles ("role:security") or ARNs of IAM users and roles; an assumed role's session
/// counts as its role.
std::optional<std::string> refusal(const model::ApprovalPolicy& policy,
                                   const std::vector<User>& users, const std::string& requested_by,
                                   const std::string& approver);

/// "arn:aws:iam::1:role/r" for "arn:aws:sts::1:assumed-role/r/session", else the same ARN.
std::string role_of_session(const std::string& arn);

/// Who decides, as far as one person is told from another: whoever assumes a role names the session
/// as they like, so all sessions of a role are one; but for roles of IAM Identity Center, which
/// names the session after the person.
std::string identity_of(const std::string& approver);

}  // namespace hallmark::pipeline
