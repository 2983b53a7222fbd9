#pragma once
/// A subject in the words of others. Pure: the same subject gives the same bytes. Text of outside
/// origin is made valid and harmless, never dropped; what is not known is left out, never guessed.

#include <optional>

#include "base/json.h"
#include "evidence/subject.h"

namespace hallmark::evidence {

/// CycloneDX 1.6: every package, every vulnerability with every scanner's rating, and what was
/// decided on it (VEX). https://cyclonedx.org/docs/1.6/json/
Json cyclonedx(const Subject& subject);

/// SPDX 2.3: every package and what it was built from. https://spdx.github.io/spdx-spec/v2.3/
Json spdx(const Subject& subject);

/// SARIF 2.1.0: every finding, hardening rules and notes too; waived ones as suppressed. With a
/// previous version each result says whether it is new, and those that are gone are there as
/// `absent`. https://docs.oasis-open.org/sarif/sarif/v2.1.0/
Json sarif(const Subject& subject);

/// OpenVEX 0.2.0: what holds for each vulnerability; one that the previous version had and that is
/// gone is `fixed`, if every scanner saw everything. Nothing if there is no statement to make: the
/// format has no empty document. https://github.com/openvex/spec
std::optional<Json> openvex(const Subject& subject);

/// Whether `word` is one of OpenVEX's reasons for "not affected".
bool is_vex_justification(std::string_view word);

}  // namespace hallmark::evidence
