#include "scan/security_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "apt/sources.h"
#include "base/error.h"

namespace hallmark::scan {
namespace {

constexpr const char* kDebianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

bool serves(const apt::Source& source, const std::string& architecture) {
  return source.architectures.empty() ||
         std::find(source.architectures.begin(), source.architectures.end(), architecture) !=
             source.architectures.end();
}

/// http and https as they are, file:/path with the slashes that a URL wants; nothing for the rest.
std::string usable_url(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return url;
  if (url.starts_with("file:///")) return url;
  if (url.starts_with("file:/")) return "file://" + url.substr(5);
  return "";
}

}  // namespace

SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture,
                                     const Path& root) {
  for (const apt::Source& source : apt::read_sources(root)) {
    std::string url = usable_url(source.url);
    bool fits = source.suite == codename + "-security" && !url.empty() &&
                apt::has_component(source, "main") && serves(source, architecture);
    if (!fits) continue;
    SuiteSource found;
    found.url = url;
    found.suite = source.suite;
    found.architecture = architecture;
    // A fingerprint or a key within the file is no path; Debian's own keys are meant then.
    bool path = source.signed_by.starts_with('/') &&
                source.signed_by.find_first_of(" ,\n") == source.signed_by.npos;
    found.keyring = path ? source.signed_by : kDebianKeyring;
    return found;
  }
  throw Error(ErrorKind::not_found, "apt's configuration in {} names no source of {}-security",
              root.string(), codename)
      .hint(fmt::format("add it, for instance in {}/sources.list.d/security.sources: Types: deb, "
                        "URIs: the mirror's debian-security, Suites: {}-security, "
                        "Components: main",
                        root.string(), codename));
}

SuiteSource security_source_from_apt(const std::string& codename, const std::string& architecture) {
  return security_source_from_apt(codename, architecture, "/etc/apt");
}

}  // namespace hallmark::scan
