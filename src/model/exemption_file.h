#pragma once
/// Loading and checking a file of exemptions: what may run from an image that is not golden, for a
/// while, because somebody answers for it.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/yaml_document.h"

namespace hallmark::model {

/// At least one of the first four is named, and all that are named must fit.
struct Exemption {
  std::string machine_id;  ///< or that of a launch template or auto scaling group
  std::string image_id;
  std::string account_id;
  std::string tag;  ///< "Team=forensics-*": key, and value with * and ?; a key alone: any value
  std::string reason;
  std::string by;        ///< who answers for it
  TimePoint expires_at;  ///< from then on it counts as none
};

/// "i-0123456789abcdef0, account 444455556666": what it is for, for people.
std::string subject_of(const Exemption& exemption);

/// Every exemption of the text, also those whose end has come: that they count as none is the
/// check's business, and it says so. Adds a problem for everything that is wrong: unknown keys,
/// exemptions of nothing in particular, two for one thing, dates that are none.
std::vector<Exemption> read_exemptions(std::string_view text, std::vector<Problem>& problems);

/// The JSON Schema of the file, for editors.
std::string_view exemptions_schema();

}  // namespace hallmark::model
