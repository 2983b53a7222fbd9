#pragma once
/// What is asked of ScanSbom, and what its answers say.

#include <string>
#include <vector>

#include "model/assessment.h"
#include "scan/inspector/answers.h"

namespace hallmark::scan::inspector {

/// What is asked about: a component of the document.
struct AskedComponent {
  std::string reference;  ///< ours, of this call: "component-17"
  std::string name;
  std::string version;
  std::string purl;
  std::string source_name;  ///< of the source package; may be empty
};

/// "amd64" of "pkg:deb/debian/openssl@3.0.9?arch=amd64&distro=debian-12"; "" if there is none.
std::string purl_qualifier(const std::string& purl, const std::string& name);
/// Why the service cannot know a component, one sentence; empty if it may. For these it says
/// nothing, which looks like "nothing found".
std::string why_unknowable(const AskedComponent& component);

/// Findings and gaps of one answer. Throws `corrupt` if it is no answer to what was asked.
void take_sbom(const Value& answer, const std::vector<AskedComponent>& asked,
               model::Assessment& assessment);

}  // namespace hallmark::scan::inspector
