/// Feeds that everybody uses, by short names.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "scan/advisory/store.h"

namespace hallmark::scan {
namespace {

/// "osv:Rocky Linux:9" is kept as "osv-rocky-linux-9".
std::string file_name(std::string_view text) {
  std::string name = to_lower(text);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '.'; }, '-');
  return name;
}

std::string encoded(std::string_view text) {
  return replace_all(replace_all(std::string(text), " ", "%20"), ":", "%3A");
}

}  // namespace

const std::vector<std::string>& known_feed_names() {
  static const std::vector<std::string> names = {"debian", "redhat", "oracle", "alpine:RELEASE",
                                                 "osv:ECOSYSTEM"};
  return names;
}

std::vector<FeedSource> known_feed(const std::string& name) {
  const std::string rest = name.find(':') == name.npos ? "" : name.substr(name.find(':') + 1);
  if (name == "debian") {
    return {{.name = name,
             .kind = "debian-tracker",
             .place = "https://security-tracker.debian.org/tracker/data/json"}};
  }
  if (name == "redhat") {
    return {{.name = name,
             .kind = "csaf",
             .place = "https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"}};
  }
  if (name == "oracle") {
    return {{.name = name,
             .kind = "oval",
             .place = "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2"}};
  }
  if (name.starts_with("alpine:") && !rest.empty()) {
    std::vector<FeedSource> both;
    for (const char* part : {"main", "community"}) {
      both.push_back({.name = "alpine-" + file_name(rest) + "-" + part,
                      .kind = "secdb",
                      .place = "https://secdb.alpinelinux.org/v" + rest + "/" + part + ".json"});
    }
    return both;
  }
  if (name.starts_with("osv:") && !rest.empty()) {
    return {{.name = "osv-" + file_name(rest),
             .kind = "osv",
             .place = "https://osv-vulnerabilities.storage.googleapis.com/" + encoded(rest) +
                      "/all.zip"}};
  }
  throw Error(ErrorKind::usage, "there is no known feed \"{}\"", name)
      .hint("known are " + join(known_feed_names(), ", ") +
            "; another one has a name, kind and url");
}

}  // namespace hallmark::scan
