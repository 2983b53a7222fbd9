#pragma once
/// What somebody says does not affect an image, though a version says it would: VEX.

#include <string>
#include <string_view>
#include <vector>

#include "model/assessment.h"

namespace hallmark::scan {

/// From a document in OpenVEX or CycloneDX; views of nothing.
struct VexStatement {
  std::vector<std::string> flaws;  ///< the vulnerability's id and other names
  std::string package;  ///< "deb/debian/openssl": a package URL's type, namespace and name
  std::string version;  ///< empty: any
  std::string why;      ///< justification, or what is said instead
  std::string author;
};

/// Those that say "not affected" or "fixed". Throws `corrupt`, with the way out, for what is
/// neither.
std::vector<VexStatement> read_vex(std::string_view text, std::string_view origin);

/// Findings all of whose flaws are spoken of become `suppressed`, with the reason as evidence: they
/// are shown, and gates say that they were.
void apply_vex(model::Assessment& assessment, const std::vector<VexStatement>& statements);

}  // namespace hallmark::scan
