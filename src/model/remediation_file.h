#pragma once
/// Loading and checking a file that says what is to be done about machines that are not compliant.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "model/yaml_document.h"

namespace hallmark::model {

struct RemediationPolicy {
  std::string tag;      ///< key of a tag that says since when; empty: none is set
  bool notify = false;  ///< a notice of what is new, and of what was stopped
  /// Machines are stopped, never terminated, when they have been non-compliant for this long by our
  /// own records. Nothing: none is.
  std::optional<Duration> stop_after;
  // As for a check.
  bool accept_derived = false;
  std::optional<Duration> grace;
  std::string exemptions;  ///< text of a file of exemptions, which is not this one; empty: none

  bool does_anything() const { return !tag.empty() || notify || stop_after; }
};

void to_json(Json& json, const RemediationPolicy& value);
void from_json(const Json& json, RemediationPolicy& value);

/// Adds a problem for everything that is wrong; the policy then does nothing.
RemediationPolicy read_remediation(std::string_view text, std::vector<Problem>& problems);

/// Throws `usage` with all problems, one a line, and what reading the file throws.
RemediationPolicy load_remediation(const Path& file);

/// The JSON Schema of the file, for editors.
std::string_view remediation_schema();

}  // namespace hallmark::model
