#pragma once
/// Statements on an image for others to check: what it was made from, what scanners found and who
/// let it pass. in-toto Statement v1: https://github.com/in-toto/attestation/tree/main/spec/v1

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "evidence/subject.h"

namespace hallmark::evidence {

/// SLSA provenance v1: https://slsa.dev/spec/v1.0/provenance
/// All of these throw `usage` if the subject has no digest of a disk: a statement binds to bytes.
Json provenance(const Subject& subject);

/// One scanner's findings, https://in-toto.io/attestation/vulns. Its empty list says "there are
/// none", so there is no statement unless the assessment is complete. `assessment` is a place in
/// subject.assessments.
std::optional<Json> vulnerabilities(const Subject& subject, std::size_t assessment);

/// A statement that a summary rests on.
struct Input {
  std::string name;
  std::string sha256;
};

/// The decision, https://slsa.dev/spec/v1.0/verification_summary. Nothing while there is none.
std::optional<Json> verification_summary(const Subject& subject, const std::vector<Input>& inputs);

}  // namespace hallmark::evidence
