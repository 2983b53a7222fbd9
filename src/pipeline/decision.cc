#include "pipeline/decision.h"

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::pipeline {

namespace {

constexpr const char* kKeyProof = "key";
constexpr const char* kAwsProof = "aws";
constexpr const char* kSessionProof = "session";
constexpr const char* kTokenProof = "token";
constexpr const char* kNoProof = "none";
constexpr const char* kRolePrefix = "role:";

void check_time(const Decision& decision, TimePoint now) {
  const TimePoint at = from_rfc3339(decision.decided_at);
  if (at > now - kProofAge && at < now + kProofAge) return;
  throw Error(ErrorKind::denied, "the decision of {} was made at {}, too far from now",
              decision.approver, decision.decided_at)
      .hint("decide again; if that does not help, one of the two clocks is wrong");
}

/// A text in a proof, which may be anything; empty if there is none.
std::string text_in(const Json& proof, const char* key, const char* otherwise = "") {
  if (!proof.is_object()) return otherwise;
  auto found = proof.find(key);
  return found != proof.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

Json checked_key(const std::vector<User>& users, const GoldenImage& image,
                 const Decision& decision) {
  auto user = std::find_if(users.begin(), users.end(),
                           [&](const User& known) { return known.name == decision.approver; });
  if (user == users.end()) {
    throw Error(ErrorKind::denied, "there is no user {}", decision.approver)
        .hint("an operator adds one: hallmark user add NAME --key FILE.pub");
  }
  std::string signature;
  try {
    signature = base64_decode(member<std::string>(decision.proof, "signature"));
  } catch (const Error&) {
    // As good as none.
  }
  if (!verify(user->public_key, decision_statement(image, decision), signature)) {
    throw Error(ErrorKind::denied, "the signature is not that of {} on this decision",
                decision.approver)
        .hint("sign with the key that belongs to " + user->public_key.id());
  }
  return {{"kind", kKeyProof},
          {"key_id", user->public_key.id()},
          {"signature", member<std::string>(decision.proof, "signature")}};
}

/// Whether the policy takes such a proof. Where a bare name would do, a server's word does.
bool is_taken(const std::vector<User>& users, const std::vector<std::string>& proofs,
              const Json& proof) {
  const std::string kind = text_in(proof, "kind", kNoProof);
  if (kind == kNoProof || (users.empty() && is_servers_word(proof))) return true;
  return std::find(proofs.begin(), proofs.end(), kind) != proofs.end();
}

/// Whose session or token it is, the server has looked: here it must be theirs who decides. ARNs
/// are proved by AWS alone.
Json checked_word(const GoldenImage& image, const Decision& decision) {
  const std::string name = text_in(decision.proof, "name");
  if (name != decision.approver || name.empty() || name.starts_with("arn:")) {
    throw Error(ErrorKind::denied, "the {} is that of \"{}\" and does not prove that this is {}",
                text_in(decision.proof, "kind"), name, decision.approver);
  }
  return {{"kind", text_in(decision.proof, "kind")},
          {"id", text_in(decision.proof, "id")},
          {"name", name},
          {"statement_sha256", sha256_hex(decision_statement(image, decision))}};
}

}  // namespace

std::string decision_statement(const GoldenImage& image, const Decision& decision) {
  return fmt::format("hallmark-decision-v1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", image.image_key,
                     image.run_id, decision.evidence_digest,
                     decision.approve ? "approve" : "reject", decision.approver,
                     decision.decided_at, sha256_hex(decision.comment));
}

Json key_proof(const SigningKey& key, const GoldenImage& image, const Decision& decision) {
  return {{"kind", kKeyProof},
          {"signature", base64_encode(key.sign(decision_statement(image, decision)))}};
}

bool is_servers_word(const Json& proof) {
  const std::string kind = text_in(proof, "kind");
  return kind == kSessionProof || kind == kTokenProof;
}

Json checked_proof(const std::vector<User>& users, const std::vector<std::string>& proofs,
                   const AwsIdentity& aws_identity, const GoldenImage& image,
                   const Decision& decision, TimePoint now) {
  const std::string kind = text_in(decision.proof, "kind", kNoProof);
  if (!is_taken(users, proofs, decision.proof)) {
    throw Error(ErrorKind::denied, "the decision of {} is proved by {} only", decision.approver,
                is_servers_word(decision.proof) ? "the " + kind : "\"" + kind + "\"")
        .hint("this image takes " + join(proofs, ", ") +
              " (approval.proofs of golden.yaml); sign with hallmark image approve --key FILE");
  }
  if (is_servers_word(decision.proof)) {
    check_time(decision, now);
    return checked_word(image, decision);
  }
  if (kind == kKeyProof) {
    check_time(decision, now);
    return checked_key(users, image, decision);
  }
  if (kind == kAwsProof) {
    check_time(decision, now);
    if (!aws_identity) throw Error(ErrorKind::denied, "AWS credentials prove nothing here");
    const std::string digest = sha256_hex(decision_statement(image, decision));
    const AwsCaller caller = aws_identity(decision.proof, digest);
    if (caller.arn != decision.approver) {
      throw Error(ErrorKind::denied, "AWS says that this is {}, not {}", caller.arn,
                  decision.approver);
    }
    return {{"kind", kAwsProof},
            {"arn", caller.arn},
            {"statement_sha256", digest},
            {"request_id", caller.request_id},
            {"host", caller.host}};
  }
  if (!users.empty() || decision.approver.starts_with("arn:")) {
    throw Error(ErrorKind::denied, "the decision of {} is not proved", decision.approver)
        .hint("pass --key FILE, your private key, or --aws to prove it with your AWS credentials");
  }
  return {{"kind", kNoProof}};
}

bool is_proved(const std::vector<User>& users, const std::vector<std::string>& proofs,
               const GoldenImage& image, const Decision& decision) {
  const std::string kind = text_in(decision.proof, "kind", kNoProof);
  if (!is_taken(users, proofs, decision.proof)) return false;
  if (is_servers_word(decision.proof)) {
    return text_in(decision.proof, "name") == decision.approver &&
           text_in(decision.proof, "statement_sha256") ==
               sha256_hex(decision_statement(image, decision));
  }
  if (kind == kAwsProof) return text_in(decision.proof, "arn") == decision.approver;
  if (kind == kNoProof) return users.empty();
  try {
    checked_key(users, image, decision);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string role_of_session(const std::string& arn) {
  const std::vector<std::string> parts = split(arn, ':');
  constexpr std::size_t kParts = 6;
  if (parts.size() != kParts || parts[0] != "arn" || parts[2] != "sts") return arn;
  const std::vector<std::string> path = split(parts[5], '/');
  if (path.size() != 3 || path[0] != "assumed-role") return arn;
  return fmt::format("arn:{}:iam::{}:role/{}", parts[1], parts[4], path[1]);
}

std::string identity_of(const std::string& approver) {
  const std::string role = role_of_session(approver);
  // IAM Identity Center User Guide, "Referencing permission sets in resource policies".
  return role.find(":role/AWSReservedSSO_") != std::string::npos ? approver : role;
}

std::optional<std::string> refusal(const model::ApprovalPolicy& policy,
                                   const std::vector<User>& users, const std::string& requested_by,
                                   const std::string& approver) {
  if (approver.empty()) return "an approver has a name";
  if (identity_of(approver) == identity_of(requested_by)) {
    return approver + " requested the build and cannot be the one who approves it";
  }
  if (policy.approvers.empty()) return std::nullopt;
  auto user = std::find_if(users.begin(), users.end(),
                           [&](const User& known) { return known.name == approver; });
  auto may = [&](const std::string& named) {
    if (!named.starts_with(kRolePrefix)) {
      return named == approver || named == role_of_session(approver);
    }
    const std::string role = named.substr(std::string_view(kRolePrefix).size());
    return user != users.end() &&
           std::find(user->roles.begin(), user->roles.end(), role) != user->roles.end();
  };
  if (std::any_of(policy.approvers.begin(), policy.approvers.end(), may)) return std::nullopt;
  return approver + " is not one of the approvers: " + join(policy.approvers, ", ");
}

}  // namespace hallmark::pipeline
