/// Alpine's secdb, which Wolfi and Chainguard publish too: https://secdb.alpinelinux.org/

#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"

namespace hallmark::scan {
namespace {

/// "v3.19" is Alpine's; Wolfi and Chainguard name no release but a reponame or a URL.
std::string ecosystem_of_file(const json::element& document) {
  const std::string_view release = text_of(document, "distroversion");
  if (release.starts_with("v")) return "alpine:" + std::string(release.substr(1));
  for (const char* key : {"apkurl", "urlprefix"}) {
    const std::string_view url = text_of(document, key);
    if (url.find("wolfi") != url.npos) return "wolfi";
    if (url.find("chainguard") != url.npos) return "chainguard";
  }
  return {};
}

/// "CVE-2019-1 ALIAS-2": one flaw, its names separated by spaces.
void take_flaw(std::string_view names, Statement statement, AdvisorySink& sink) {
  AdvisoryText advisory;
  advisory.id = names.substr(0, names.find(' '));
  if (advisory.id.empty()) {
    ++sink.feed().unreadable;
    return;
  }
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (is_cve(name)) advisory.cves.push_back(name);
  }
  sink.begin(advisory);
  sink.add(statement);
}

void take_package(const json::element& package, std::string_view ecosystem, AdvisorySink& sink) {
  json::object fixes;
  Statement statement;
  statement.ecosystem = ecosystem;
  statement.package = text_of(package, "name");
  // A package without fixes has none: an object without members, or null, or an array.
  if (statement.package.empty()) ++sink.feed().unreadable;
  if (package.at_key("secfixes").get(fixes) != simdjson::SUCCESS) return;
  for (const auto& [version, flaws] : fixes) {
    // "0": never affected.
    statement.fixed = version == "0" ? std::string_view() : version;
    statement.judgement = version == "0" ? Judgement::not_affected : Judgement::affected;
    json::array names;
    if (flaws.get(names) != simdjson::SUCCESS) continue;
    for (const json::element name : names) {
      std::string_view text;
      if (name.get(text) == simdjson::SUCCESS) take_flaw(text, statement, sink);
    }
  }
}

}  // namespace

void read_secdb(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink) {
  each_document(file, sink, [&](const json::element& document) {
    std::string own = ecosystem_of_file(document);
    if (own.empty()) own = ecosystem;
    for (const json::element entry : array_of(document, "packages")) {
      if (const auto package = member_of(entry, "pkg")) {
        take_package(*package, own, sink);
      } else {
        ++sink.feed().unreadable;
      }
    }
  });
}

}  // namespace hallmark::scan
