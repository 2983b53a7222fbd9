#include <algorithm>
#include <array>
#include <unordered_set>

#include "evidence/documents.h"
#include "evidence/purl.h"

namespace hallmark::evidence {
namespace {

using scan::MergedFinding;

Json identified(const std::string& url) { return {{"@id", url}, {"identifiers", {{"purl", url}}}}; }

Json image_of(const Subject& subject) {
  std::string url = "pkg:generic/" + percent_encode(subject.product) + "@" +
                    percent_encode(subject.version, ":") + "?os=" + percent_encode(subject.os);
  Json product = identified(url);
  if (!subject.disk_sha256.empty()) product["hashes"] = {{"sha-256", subject.disk_sha256}};
  return product;
}

/// The image, and in it the packages that are meant.
Json product_of(const Subject& subject, const Index& index, const MergedFinding& finding) {
  Json product = image_of(subject);
  Json parts = Json::array();
  for (std::size_t place : index.packages_of(finding)) {
    Json part =
        identified(package_url(subject.inventory.packages[place], subject.inventory.distribution));
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  // A scanner may see what no package database lists.
  if (parts.empty() && !finding.package.empty()) {
    parts.push_back(identified(package_url(
        {.name = finding.package, .version = finding.installed_version}, model::Distribution{})));
  }
  if (!parts.empty()) product["subcomponents"] = std::move(parts);
  return product;
}

Json vulnerability_of(const MergedFinding& finding) {
  Json json = {{"name", line(finding.id)}};
  if (!finding.title.empty()) json["description"] = model::safe_text(finding.title);
  return json;
}

std::string action_of(const MergedFinding& finding) {
  if (finding.fixable) {
    const std::string what = finding.package.empty() ? "the image" : line(finding.package);
    return finding.fixed_version.empty()
               ? "Update " + what + "."
               : "Update " + what + " to " + line(finding.fixed_version) + " or later.";
  }
  return "No fix is known. Watch the advisory and build a new version when there is one.";
}

Json statement_of(const Subject& subject, const Index& index, const MergedFinding& finding) {
  Json statement = {{"vulnerability", vulnerability_of(finding)},
                    {"products", Json::array({product_of(subject, index, finding)})}};
  const Verdict* verdict = index.verdict_of(finding);
  if (verdict != nullptr && verdict->waived) {
    const Waived& waived = *verdict->waived;
    const std::string words = model::safe_text("waived by " + waived.by + " until " +
                                               waived.expires_at + ": " + waived.reason);
    if (is_vex_justification(waived.justification)) {
      statement["status"] = "not_affected";
      statement["justification"] = waived.justification;
      statement["impact_statement"] = words;
    } else {
      statement["status"] = "affected";
      statement["action_statement"] = "The risk is accepted, " + words;
    }
    return statement;
  }
  if (verdict != nullptr) statement["status_notes"] = model::safe_text(verdict->why);
  if (finding.kind == model::FindingKind::potential) {
    statement["status"] = "under_investigation";
  } else {
    statement["status"] = "affected";
    statement["action_statement"] = action_of(finding);
  }
  return statement;
}

}  // namespace

bool is_vex_justification(std::string_view word) {
  constexpr std::array<std::string_view, 5> kWords = {
      "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
      "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

std::optional<Json> openvex(const Subject& subject) {
  const Index index(subject);
  Json statements = Json::array();
  std::unordered_set<std::string> still_there;
  std::unordered_set<std::string> said;
  auto say = [&](Json statement) {
    // Names that were made safe may have become alike, and the format wants each statement once.
    if (said.insert(compact(statement)).second) statements.push_back(std::move(statement));
  };
  for (const MergedFinding& finding : subject.findings) {
    still_there.insert(finding.id);
    if (is_vulnerability(finding)) say(statement_of(subject, index, finding));
  }
  // Not seen is not fixed unless every scanner saw everything.
  if (subject.previous && completeness(subject) == model::Completeness::complete) {
    for (const MergedFinding& gone : subject.previous->findings) {
      if (!is_vulnerability(gone) || !still_there.insert(gone.id).second) continue;
      say({{"vulnerability", vulnerability_of(gone)},
           {"products", Json::array({image_of(subject)})},
           {"status", "fixed"},
           {"status_notes", line(subject.previous->image_key) + " had it"}});
    }
  }
  if (statements.empty()) return std::nullopt;
  Json document = {{"@context", "https://openvex.dev/ns/v0.2.0"},
                   {"author", line(subject.builder_id)},
                   {"timestamp", subject.made_at},
                   {"version", 1},
                   {"tooling", "hallmark " + line(subject.tool_version)},
                   {"statements", std::move(statements)}};
  document["@id"] = "urn:uuid:" + uuid_of(compact(document));
  return document;
}

}  // namespace hallmark::evidence
