/// OpenVEX: https://github.com/openvex/spec. CycloneDX: https://cyclonedx.org/capabilities/vex/

#include <charconv>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "scan/advisory/vex.h"

namespace hallmark::scan {
namespace {

std::string text_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& member_of(const Json& json, const char* key) {
  static const Json none;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() ? none : *found;
}

Json list_of(const Json& json, const char* key) {
  const Json& list = member_of(json, key);
  return list.is_array() ? list : Json::array();
}

/// With a zone, as these documents may have it: "2023-01-08T18:02:03.647787998-06:00".
std::optional<TimePoint> time_of(std::string_view text) {
  Duration zone{};
  std::string plain(text);
  if (plain.size() > 19 && !plain.ends_with('Z')) {
    const std::size_t sign = plain.find_last_of("+-");
    int hours = 0, minutes = 0;
    if (sign < 19 || plain.size() != sign + 6 || plain[sign + 3] != ':') return std::nullopt;
    const char* digits = plain.data() + sign + 1;
    if (std::from_chars(digits, digits + 2, hours).ptr != digits + 2 ||
        std::from_chars(digits + 3, digits + 5, minutes).ptr != digits + 5) {
      return std::nullopt;
    }
    zone = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (plain[sign] == '-') zone = -zone;
    plain = plain.substr(0, sign) + "Z";
  }
  try {
    return from_rfc3339(plain) - zone;
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The product's or part's package URL: its id, or among its identifiers.
std::string purl_in(const Json& component) {
  if (component.is_string()) return component.get<std::string>();
  const std::string id = text_of(component, "@id");
  const std::string named = text_of(member_of(component, "identifiers"), "purl");
  return named.empty() ? id : named;
}

void take(VexStatement statement, const std::string& purl, std::vector<VexStatement>& statements) {
  const auto url = parse_purl(purl);
  // An image or a thing of another kind: no finding names it.
  if (!url) return;
  statement.package = *url;
  statements.push_back(std::move(statement));
}

std::optional<VexStatus> openvex_status(std::string_view word) {
  if (word == "not_affected") return VexStatus::not_affected;
  if (word == "fixed") return VexStatus::fixed;
  if (word == "affected") return VexStatus::affected;
  if (word == "under_investigation") return VexStatus::under_investigation;
  return std::nullopt;
}

void take_openvex(const Json& document, std::vector<VexStatement>& statements) {
  for (const Json& each : list_of(document, "statements")) {
    const std::string word = text_of(each, "status");
    const auto status = openvex_status(word);
    if (!status) continue;
    VexStatement statement{.status = *status};
    const Json& flaw = member_of(each, "vulnerability");
    statement.flaws.push_back(flaw.is_string() ? flaw.get<std::string>() : text_of(flaw, "name"));
    for (const Json& alias : list_of(flaw, "aliases")) {
      if (alias.is_string()) statement.flaws.push_back(alias);
    }
    // A statement has its document's time unless it has its own.
    for (const auto& [from, key] :
         {std::pair(&each, "last_updated"), std::pair(&each, "timestamp"),
          std::pair(&document, "last_updated"), std::pair(&document, "timestamp")}) {
      if (!statement.said_at) statement.said_at = time_of(text_of(*from, key));
    }
    statement.author = text_of(document, "author");
    statement.why = text_of(each, "justification");
    if (statement.why.empty()) statement.why = text_of(each, "impact_statement");
    if (statement.why.empty()) statement.why = word;
    for (const Json& product : list_of(each, "products")) {
      const std::string name = purl_in(product);
      const Json parts = list_of(product, "subcomponents");
      if (parts.empty()) take(statement, name, statements);
      for (const Json& part : parts) {
        VexStatement one = statement;
        // A part is spoken of in its product, not wherever else it is.
        one.product = name.empty() ? "a product without a name" : name;
        take(std::move(one), purl_in(part), statements);
      }
    }
  }
}

std::optional<VexStatus> cyclonedx_status(std::string_view state) {
  if (state == "not_affected" || state == "false_positive") return VexStatus::not_affected;
  if (state == "resolved" || state == "resolved_with_pedigree") return VexStatus::fixed;
  if (state == "exploitable") return VexStatus::affected;
  if (state == "in_triage") return VexStatus::under_investigation;
  return std::nullopt;
}

/// One of a component's versions that are listed; a range of them is not told apart here, so that
/// it suppresses nothing.
void take_versions(const VexStatement& statement, const std::string& purl, const Json& versions,
                   std::vector<VexStatement>& statements) {
  for (const Json& each : versions) {
    const std::string version = text_of(each, "version");
    const std::size_t before = statements.size();
    if (!version.empty()) take(statement, purl, statements);
    if (statements.size() > before) statements.back().package.version = version;
  }
}

void take_cyclonedx(const Json& document, std::vector<VexStatement>& statements) {
  std::map<std::string, std::string> purls;
  for (const Json& component : list_of(document, "components")) {
    purls[text_of(component, "bom-ref")] = text_of(component, "purl");
  }
  for (const Json& flaw : list_of(document, "vulnerabilities")) {
    const Json& analysis = member_of(flaw, "analysis");
    const std::string state = text_of(analysis, "state");
    const auto status = cyclonedx_status(state);
    if (!status) continue;
    VexStatement statement{.flaws = {text_of(flaw, "id")}, .status = *status};
    for (const Json& other : list_of(flaw, "references")) {
      if (const std::string id = text_of(other, "id"); !id.empty()) statement.flaws.push_back(id);
    }
    statement.said_at = time_of(text_of(analysis, "lastUpdated"));
    for (const auto& [from, key] :
         {std::pair(&analysis, "firstIssued"), std::pair(&flaw, "updated"),
          std::pair(&member_of(document, "metadata"), "timestamp")}) {
      if (!statement.said_at) statement.said_at = time_of(text_of(*from, key));
    }
    statement.why = text_of(analysis, "justification");
    if (statement.why.empty()) statement.why = state;
    for (const Json& affects : list_of(flaw, "affects")) {
      std::string ref = text_of(affects, "ref");
      VexStatement one = statement;
      // A link into another list of packages speaks of what that one describes:
      // urn:cdx:SERIAL/VERSION#REF.
      if (ref.starts_with("urn:cdx:")) {
        const std::size_t hash = std::min(ref.find('#'), ref.size());
        one.product = "urn:uuid:" + ref.substr(8, std::min(ref.find('/', 8), hash) - 8);
        ref = percent_decoded(std::string_view(ref).substr(std::min(hash + 1, ref.size())));
      }
      const auto known = purls.find(ref);
      const std::string& purl = known == purls.end() ? ref : known->second;
      const Json versions = list_of(affects, "versions");
      if (versions.empty()) {
        take(std::move(one), purl, statements);
      } else {
        take_versions(one, purl, versions, statements);
      }
    }
  }
}

}  // namespace

std::vector<VexStatement> read_vex(std::string_view text, std::string_view origin) {
  const Json document = parse_json(text, origin);
  std::vector<VexStatement> statements;
  if (text_of(document, "@context").find("openvex") != std::string::npos) {
    take_openvex(document, statements);
  } else if (text_of(document, "bomFormat") == "CycloneDX") {
    take_cyclonedx(document, statements);
  } else {
    throw Error(ErrorKind::corrupt, "{} is no VEX document", origin)
        .hint(
            "OpenVEX and CycloneDX are read; CSAF is a feed: `hallmark advisory import --kind "
            "csaf`");
  }
  return statements;
}

}  // namespace hallmark::scan
