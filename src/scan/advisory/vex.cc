#include "scan/advisory/vex.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace hallmark::scan {
namespace {

std::string text_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json list_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_array() ? *found : Json::array();
}

/// "pkg:deb/debian/openssl@3.0?arch=amd64" is "deb/debian/openssl" and "3.0".
void take_purl(std::string purl, VexStatement& statement) {
  if (!purl.starts_with("pkg:")) return;
  purl = purl.substr(4, purl.find_first_of("?#") - 4);
  const std::size_t at = purl.rfind('@');
  statement.package = purl.substr(0, at);
  if (at != purl.npos)
    statement.version = replace_all(replace_all(purl.substr(at + 1), "%2B", "+"), "%3A", ":");
}

void take_openvex(const Json& document, std::vector<VexStatement>& statements) {
  for (const Json& each : list_of(document, "statements")) {
    const std::string status = text_of(each, "status");
    if (status != "not_affected" && status != "fixed") continue;
    VexStatement statement;
    const Json flaw = each.is_object() ? each.value("vulnerability", Json()) : Json();
    statement.flaws.push_back(flaw.is_string() ? flaw.get<std::string>() : text_of(flaw, "name"));
    for (const Json& alias : list_of(flaw, "aliases")) {
      if (alias.is_string()) statement.flaws.push_back(alias);
    }
    statement.author = text_of(document, "author");
    statement.why = text_of(each, "justification");
    if (statement.why.empty()) statement.why = text_of(each, "impact_statement");
    if (statement.why.empty()) statement.why = status;
    for (const Json& product : list_of(each, "products")) {
      // What is in a product is meant, if it is named.
      Json parts = list_of(product, "subcomponents");
      if (parts.empty()) parts = Json::array({product});
      for (const Json& part : parts) {
        VexStatement one = statement;
        take_purl(text_of(part, "@id"), one);
        const Json names = part.is_object() ? part.value("identifiers", Json()) : Json();
        if (one.package.empty()) take_purl(text_of(names, "purl"), one);
        if (!one.package.empty()) statements.push_back(std::move(one));
      }
    }
  }
}

void take_cyclonedx(const Json& document, std::vector<VexStatement>& statements) {
  std::map<std::string, std::string> purls;
  for (const Json& component : list_of(document, "components")) {
    purls[text_of(component, "bom-ref")] = text_of(component, "purl");
  }
  for (const Json& flaw : list_of(document, "vulnerabilities")) {
    const Json analysis = flaw.is_object() ? flaw.value("analysis", Json()) : Json();
    const std::string state = text_of(analysis, "state");
    if (state != "not_affected" && state != "false_positive" && state != "resolved") continue;
    for (const Json& affects : list_of(flaw, "affects")) {
      const std::string ref = text_of(affects, "ref");
      VexStatement statement{.flaws = {text_of(flaw, "id")},
                             .why = text_of(analysis, "justification")};
      if (statement.why.empty()) statement.why = state;
      const auto known = purls.find(ref);
      take_purl(known == purls.end() ? ref : known->second, statement);
      if (!statement.package.empty()) statements.push_back(std::move(statement));
    }
  }
}

bool speaks_of(const VexStatement& statement, const model::Finding& finding,
               const std::string& flaw, const model::Distribution& distribution) {
  if (std::find(statement.flaws.begin(), statement.flaws.end(), flaw) == statement.flaws.end())
    return false;
  if (!statement.version.empty() && statement.version != finding.installed_version) return false;
  const auto parts = split(statement.package, '/');
  const std::string& name = parts.back();
  if (name != finding.package && name != finding.source_package) return false;
  // Another distribution's package of the same name is another package.
  const bool of_system = parts[0] == "deb" || parts[0] == "rpm" || parts[0] == "apk";
  return !of_system || parts.size() < 3 || parts[1] == distribution.id ||
         (parts[1] == "redhat" && distribution.id == "rhel") ||
         (parts[1] == "amazon" && distribution.id == "amzn");
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

void apply_vex(model::Assessment& assessment, const std::vector<VexStatement>& statements) {
  for (model::Finding& finding : assessment.findings) {
    std::vector<std::string> flaws = finding.cves.empty() ? finding.advisory_ids : finding.cves;
    const VexStatement* said = nullptr;
    const bool all =
        !flaws.empty() && std::all_of(flaws.begin(), flaws.end(), [&](const std::string& flaw) {
          const auto found = std::find_if(
              statements.begin(), statements.end(), [&](const VexStatement& statement) {
                return speaks_of(statement, finding, flaw, assessment.distribution);
              });
          if (found != statements.end()) said = &*found;
          return found != statements.end();
        });
    if (!all) continue;
    finding.status = model::FindingStatus::suppressed;
    finding.evidence = model::safe_text(
        fmt::format("not affected{}: {}",
                    said->author.empty() ? "" : " by the word of " + said->author, said->why));
  }
}

}  // namespace hallmark::scan
