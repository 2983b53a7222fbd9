#include "scan/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "apt/deb822.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"
#include "scan/dpkg.h"
#include "scan/versions.h"

namespace hallmark::scan {
namespace {

// Changes when the layout of the cache does; older files are then fetched anew.
constexpr int kCacheFormat = 1;

bool by_name(const SuitePackage& a, const SuitePackage& b) {
  return std::tie(a.name, a.architecture) < std::tie(b.name, b.architecture);
}

/// Sorts, and keeps the newest of each name and architecture.
void keep_newest(std::vector<SuitePackage>& packages) {
  std::sort(packages.begin(), packages.end(), [](const auto& a, const auto& b) {
    if (by_name(a, b) || by_name(b, a)) return by_name(a, b);
    return compare_versions(a.version, b.version) > 0;
  });
  auto same = [](const auto& a, const auto& b) { return !by_name(a, b) && !by_name(b, a); };
  packages.erase(std::unique(packages.begin(), packages.end(), same), packages.end());
}

}  // namespace

void read_packages_index(SecuritySuite& suite, std::string_view packages) {
  suite.digest = sha256_hex(packages);
  apt::read_paragraphs(packages, [&](const apt::Paragraph& paragraph) {
    SuitePackage package;
    package.name = paragraph.get("Package");
    package.architecture = paragraph.get("Architecture");
    package.version = paragraph.get("Version");
    auto [source, source_version] = parse_source(paragraph.get("Source"));
    package.source_name = source.empty() ? package.name : source;
    package.source_version = source_version.empty() ? package.version : source_version;
    if (!is_package_name(package.name) || !is_package_name(package.architecture) ||
        !is_package_name(package.source_name) || !is_valid_version(package.version) ||
        !is_valid_version(package.source_version)) {
      ++suite.unreadable;
      return;
    }
    suite.packages.push_back(std::move(package));
  });
  keep_newest(suite.packages);
}

std::string pack_suite(const SecuritySuite& suite) {
  std::string body;
  for (const SuitePackage& package : suite.packages) {
    // Names and versions were checked: none holds a space.
    fmt::format_to(std::back_inserter(body), "{} {} {} {} {}\n", package.name, package.architecture,
                   package.version, package.source_name, package.source_version);
  }
  Json head = {{"format", kCacheFormat},
               {"name", suite.name},
               {"architecture", suite.architecture},
               {"digest", suite.digest},
               {"release_digest", suite.release_digest},
               {"date", suite.date},
               {"valid_until", suite.valid_until},
               {"fetched_at", suite.fetched_at},
               {"etag", suite.etag},
               {"last_modified", suite.last_modified},
               {"unreadable", suite.unreadable},
               {"body_digest", sha256_hex(body)}};
  return compact(head) + "\n" + body;
}

SecuritySuite unpack_suite(std::string_view text) {
  std::size_t end = std::min(text.find('\n'), text.size());
  Json head = parse_json(text.substr(0, end), "the advisory cache");
  std::string_view body = text.substr(std::min(end + 1, text.size()));
  if (member<int>(head, "format") != kCacheFormat) {
    throw Error(ErrorKind::corrupt, "the advisory cache has another format");
  }
  if (member<std::string>(head, "body_digest") != sha256_hex(body)) {
    throw Error(ErrorKind::corrupt, "the advisory cache was changed or cut");
  }
  SecuritySuite suite;
  suite.name = member<std::string>(head, "name");
  suite.architecture = member<std::string>(head, "architecture");
  suite.digest = member<std::string>(head, "digest");
  suite.release_digest = member<std::string>(head, "release_digest");
  suite.date = member<std::string>(head, "date");
  suite.valid_until = member<std::string>(head, "valid_until");
  suite.fetched_at = member<std::string>(head, "fetched_at");
  suite.etag = member<std::string>(head, "etag");
  suite.last_modified = member<std::string>(head, "last_modified");
  suite.unreadable = member<int>(head, "unreadable");
  while (!body.empty()) {
    std::size_t line = std::min(body.find('\n'), body.size());
    auto parts = apt::words(body.substr(0, line));
    body.remove_prefix(std::min(line + 1, body.size()));
    if (parts.size() != 5) throw Error(ErrorKind::corrupt, "the advisory cache has a broken line");
    suite.packages.push_back({std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                              std::string(parts[3]), std::string(parts[4])});
  }
  return suite;
}

}  // namespace hallmark::scan
