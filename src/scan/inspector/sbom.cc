#include "scan/inspector/sbom.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "scan/inspector/api.h"
#include "scan/inspector/findings.h"
#include "scan/inspector/sbom_answer.h"

namespace hallmark::scan {
namespace inspector {
namespace {

using model::Completeness;

// Amazon Inspector API Reference, "ScanSbom".
constexpr std::size_t kComponentsAtOnce = 5000;
// Components contain components; nothing real is nested deeper.
constexpr int kDepth = 20;

void check_document(const Json& document) {
  bool right = document.is_object() && document.value("bomFormat", Json()) == "CycloneDX" &&
               document.value("specVersion", Json()).is_string();
  if (!right) throw Error(ErrorKind::usage, "what is to be scanned is no CycloneDX document");
}

/// Each component once, those inside of others too. An operating system and the like are no
/// packages that could have a vulnerability of their own.
void gather(const Json& object, std::vector<AskedComponent>& asked, int depth) {
  auto found = object.find("components");
  if (found == object.end() || !found->is_array()) return;
  if (depth > kDepth)
    throw Error(ErrorKind::usage, "the document's components are nested too deep");
  for (const Json& json : *found) {
    if (!json.is_object()) continue;
    // Ordered like the service's, so that one set of functions reads both.
    const Value component = json;
    const std::string type = text_of(component, "type");
    if (type != "operating-system" && type != "platform" && type != "device" && type != "file") {
      AskedComponent one{.name = text_of(component, "name"),
                         .version = text_of(component, "version"),
                         .purl = text_of(component, "purl")};
      for (const Value& property : list_of(component, "properties")) {
        if (text_of(property, "name") == "hallmark:source_package") {
          one.source_name = text_of(property, "value");
        }
      }
      asked.push_back(std::move(one));
    }
    gather(json, asked, depth + 1);
  }
}

/// Nothing but what is matched, so that the answer stays within its limit too.
Value request_of(const std::vector<AskedComponent>& asked) {
  Value components = Value::array();
  for (const AskedComponent& component : asked) {
    components.push_back({{"type", "library"},
                          {"bom-ref", component.reference},
                          {"name", component.name},
                          {"version", component.version},
                          {"purl", component.purl}});
  }
  return {{"sbom",
           {{"bomFormat", "CycloneDX"},
            {"specVersion", "1.5"},
            {"version", 1},
            {"components", std::move(components)}}},
          {"outputFormat", "CYCLONE_DX_1_5"}};
}

}  // namespace
}  // namespace inspector

model::Assessment scan_sbom(const InspectorAccess& access, const InspectorPlace& place,
                            const Json& cyclonedx, const KeepRaw& keep_raw, Clock& clock,
                            std::stop_token stop) {
  using namespace inspector;
  check_document(cyclonedx);
  model::Assessment assessment;
  assessment.scanner = "inspector-sbom";
  assessment.completeness = Completeness::complete;
  assessment.native_state = "scanned";
  assessment.started_at = to_rfc3339(clock.now());
  const std::string serial = cyclonedx.value("serialNumber", Json("")).is_string()
                                 ? cyclonedx.value("serialNumber", "")
                                 : "";
  assessment.native_id = serial.empty() ? "sha256:" + sha256_hex(hallmark::compact(cyclonedx))
                                        : model::safe_text(serial, kName);
  std::vector<AskedComponent> asked;
  gather(cyclonedx, asked, 0);
  assessment.package_count = static_cast<int>(asked.size());
  for (const AskedComponent& component : asked) {
    std::string why = why_unknowable(component);
    if (why.empty()) continue;
    assessment.gaps.push_back(
        {model::safe_text("component " + component.name + " " + component.version, kName), why});
  }
  std::erase_if(asked, [](const AskedComponent& one) { return !why_unknowable(one).empty(); });
  const Api api(access, place);
  for (std::size_t at = 0, number = 1; at < asked.size(); at += kComponentsAtOnce, ++number) {
    std::vector<AskedComponent> part(asked.begin() + static_cast<std::ptrdiff_t>(at),
                                     asked.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                         at + kComponentsAtOnce, asked.size())));
    for (std::size_t i = 0; i < part.size(); ++i) {
      part[i].reference = fmt::format("component-{}", at + i + 1);
    }
    Value answer = api.call_service("inspector-scan", "ScanSbom", request_of(part), stop);
    assessment.raw.push_back(keep_raw(fmt::format("inspector-sbom/answer-{}.json", number),
                                      "application/json", inspector::compact(answer)));
    take_sbom(answer, part, assessment);
  }
  sort(assessment.findings);
  assessment.assessed_at = to_rfc3339(clock.now());
  if (asked.empty()) {
    lower(assessment, Completeness::inconclusive,
          "the list of packages holds none that Inspector could know");
  } else {
    // It matches with what it knows at that time; it does not say of when that is.
    assessment.advisories.push_back(
        {.name = "Amazon Inspector", .fetched_at = assessment.assessed_at});
  }
  if (!assessment.gaps.empty()) {
    lower(assessment, Completeness::partial,
          fmt::format("of {} components nothing can be said", assessment.gaps.size()));
  }
  return assessment;
}

}  // namespace hallmark::scan
