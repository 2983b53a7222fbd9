#pragma once
/// Inspector's scan of a list of packages: at once, without a machine.

#include "base/json.h"
#include "model/assessment.h"
#include "scan/inspector/inspector.h"

namespace hallmark::scan {

/// What Inspector knows of a CycloneDX document's components, in as many calls as it takes: the
/// service takes 5,000 at once, and only version 1.5, so what is sent is written anew and holds
/// nothing but what it matches. An assessment of scanner "inspector-sbom"; components that the
/// service cannot know or says to have skipped are gaps in it. Throws `usage` for what is no
/// CycloneDX document, and what aws::Caller throws.
model::Assessment scan_sbom(const InspectorAccess& access, const InspectorPlace& place,
                            const Json& cyclonedx, const KeepRaw& keep_raw, Clock& clock,
                            std::stop_token stop);

/// The same as a scanner that needs ScanTarget::sbom and no machine. `clock` outlives it.
std::unique_ptr<OutsideScanner> make_inspector_sbom_scanner(InspectorPlace place,
                                                            InspectorAccess access, Clock& clock);

}  // namespace hallmark::scan
