#include "base/ids.h"
#include "evidence/documents.h"
#include "evidence/purl.h"

namespace hallmark::evidence {
namespace {

constexpr const char* kImage = "SPDXRef-Image";

/// Members that every package must or should have; nobody here has read licences.
Json package_of(const std::string& id, const std::string& name, const std::string& version) {
  Json package = {{"SPDXID", id},
                  {"name", name.empty() ? "unnamed" : name},
                  {"downloadLocation", "NOASSERTION"},
                  {"filesAnalyzed", false},
                  {"licenseConcluded", "NOASSERTION"},
                  {"licenseDeclared", "NOASSERTION"},
                  {"copyrightText", "NOASSERTION"},
                  {"supplier", "NOASSERTION"}};
  if (!version.empty()) package["versionInfo"] = version;
  return package;
}

Json relationship(const std::string& from, const char* type, const std::string& to) {
  return {{"spdxElementId", from}, {"relationshipType", type}, {"relatedSpdxElement", to}};
}

}  // namespace

Json spdx(const Subject& subject) {
  const model::Distribution& distribution = subject.inventory.distribution;
  Json image = package_of(kImage, line(subject.product + "/" + subject.os), line(subject.version));
  image["primaryPackagePurpose"] = "OPERATING-SYSTEM";
  if (!subject.disk_sha256.empty()) {
    image["checksums"] = {{{"algorithm", "SHA256"}, {"checksumValue", subject.disk_sha256}}};
    image["comment"] = "The checksum is of: " + line(subject.disk_digest_of);
  }
  std::string made_from = "image " + line(subject.image_id);
  if (!subject.source_image_id.empty()) made_from += ", made from " + line(subject.source_image_id);
  if (!subject.run_id.empty()) made_from += " by the run " + line(subject.run_id);
  image["sourceInfo"] = made_from;

  Json packages = Json::array({std::move(image)});
  Json relationships = Json::array({relationship("SPDXRef-DOCUMENT", "DESCRIBES", kImage)});
  std::size_t number = 0;
  for (const model::Package& package : subject.inventory.packages) {
    // Names hold characters that an SPDX id must not; a number is short and each once.
    const std::string id = "SPDXRef-Package-" + std::to_string(++number);
    Json json = package_of(id, line(package.name), line(package.version));
    json["externalRefs"] = {{{"referenceCategory", "PACKAGE-MANAGER"},
                             {"referenceType", "purl"},
                             {"referenceLocator", package_url(package, distribution)}}};
    if (!package.source_name.empty()) {
      json["sourceInfo"] = "built from source package: " + line(package.source_name) + " " +
                           line(package.source_version);
    }
    packages.push_back(std::move(json));
    relationships.push_back(relationship(kImage, "CONTAINS", id));
  }
  const std::string name = line(subject.image_key);
  Json document = {
      {"spdxVersion", "SPDX-2.3"},
      {"dataLicense", "CC0-1.0"},
      {"SPDXID", "SPDXRef-DOCUMENT"},
      {"name", name.empty() ? "image" : name},
      {"creationInfo",
       {{"created", whole_seconds(subject.made_at)},
        {"creators", {"Tool: hallmark-" + percent_encode(line(subject.tool_version), "+")}}}},
      {"packages", std::move(packages)},
      {"relationships", std::move(relationships)}};
  // SPDX 2.3, 6.5: who has no web site of his own takes this place.
  document["documentNamespace"] =
      "https://spdx.org/spdxdocs/" + percent_encode(name) + "-" + uuid_of(compact(document));
  return document;
}

}  // namespace hallmark::evidence
