#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "scan/inventory/reader.h"
#include "scan/inventory/zip.h"

namespace hallmark::scan {
namespace {

constexpr std::uint64_t kMaxProperties = 1u << 20;
constexpr int kMaxDepth = 3;  // a jar in a war in an ear
// What may be unpacked of one archive, however it is packed; each entry costs something.
constexpr std::uint64_t kMaxUnpacked = 1u << 30;
constexpr std::uint64_t kMinCost = 16u << 10;

bool is_archive(std::string_view name) {
  return name.ends_with(".jar") || name.ends_with(".war") || name.ends_with(".ear");
}

/// "key=value" and "key: value" lines; the first of several equal ones counts.
std::map<std::string, std::string> properties(std::string_view text, char separator) {
  std::map<std::string, std::string> found;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t at = line.find(separator);
    if (at == line.npos || line[0] == '#') continue;
    found.try_emplace(std::string(trim(line.substr(0, at))), trim(line.substr(at + 1)));
  }
  return found;
}

std::string value_of(const std::map<std::string, std::string>& values, const char* key) {
  auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

/// Groups of what advisories speak of most, by the artifact's name or its beginning before a '*'.
constexpr std::pair<const char*, const char*> kGroups[] = {
    {"spring-boot*", "org.springframework.boot"},
    {"spring-security-*", "org.springframework.security"},
    {"spring-aop", "org.springframework"},
    {"spring-beans", "org.springframework"},
    {"spring-context", "org.springframework"},
    {"spring-core", "org.springframework"},
    {"spring-expression", "org.springframework"},
    {"spring-jdbc", "org.springframework"},
    {"spring-messaging", "org.springframework"},
    {"spring-tx", "org.springframework"},
    {"spring-web", "org.springframework"},
    {"spring-webflux", "org.springframework"},
    {"spring-webmvc", "org.springframework"},
    {"log4j", "log4j"},
    {"log4j-api", "org.apache.logging.log4j"},
    {"log4j-core", "org.apache.logging.log4j"},
    {"commons-collections", "commons-collections"},
    {"commons-fileupload", "commons-fileupload"},
    {"struts2-core", "org.apache.struts"},
    {"tomcat-embed-core", "org.apache.tomcat.embed"}};

/// Empty if it is not known.
std::string group_of(const std::string& artifact) {
  for (const auto& [pattern, group] : kGroups) {
    if (matches_pattern(artifact, pattern)) return group;
  }
  return "";
}

class JarReader {
 public:
  JarReader(model::Inventory& inventory, std::string path, Budget& budget)
      : inventory_(inventory), path_(std::move(path)), budget_(budget) {}

  void read(const ReadAt& read_at, std::uint64_t size, const std::string& name, int depth) {
    const std::vector<ZipEntry> entries = zip_entries(read_at, size);
    bool is_known = false;
    bool has_classes = false;
    const ZipEntry* manifest = nullptr;
    for (const ZipEntry& entry : entries) {
      has_classes |= entry.name.ends_with(".class");
      if (entry.name == "META-INF/MANIFEST.MF") manifest = &entry;
      const bool is_pom =
          entry.name.starts_with("META-INF/maven/") && entry.name.ends_with("/pom.properties");
      if (is_pom) {
        spend(entry);
        const auto pom = properties(zip_content(read_at, entry, kMaxProperties), '=');
        is_known |=
            add(value_of(pom, "groupId"), value_of(pom, "artifactId"), value_of(pom, "version"));
      }
      if (is_archive(entry.name)) nested(read_at, entry, name, depth);
    }
    if (is_known || !has_classes) return;
    if (manifest != nullptr) {
      spend(*manifest);
      if (from_manifest(zip_content(read_at, *manifest, kMaxProperties), name)) return;
    }
    inventory_.gaps.push_back({name, "nothing in it says which package it is"});
  }

 private:
  bool add(const std::string& group, const std::string& artifact, const std::string& version) {
    if (artifact.empty() || version.empty()) return false;
    const std::string name = group.empty() ? artifact : group + ":" + artifact;
    if (!told_.insert(name + " " + version).second) return true;
    inventory_.packages.push_back({.name = name,
                                   .version = version,
                                   .architecture = "",
                                   .source_name = name,
                                   .source_version = version,
                                   .manager = "java",
                                   .path = path_});
    return true;
  }

  /// Advisories name a package with its group, which a manifest need not say.
  bool from_manifest(const std::string& text, const std::string& where) {
    const auto manifest = properties(text, ':');
    // "org.apache.commons.lang3;singleton:=true"
    std::string symbolic = value_of(manifest, "Bundle-SymbolicName");
    symbolic = symbolic.substr(0, symbolic.find(';'));
    const std::string title = value_of(manifest, "Implementation-Title");
    std::string group = value_of(manifest, "Implementation-Vendor-Id");
    if (group.empty()) group = group_of(title);
    if (!add(group, title, value_of(manifest, "Implementation-Version"))) {
      group = group_of(symbolic);
      if (!add(group, symbolic, value_of(manifest, "Bundle-Version"))) return false;
    }
    if (group.empty()) {
      inventory_.gaps.push_back(
          {where, "its Maven group is not known: no advisory may name it so"});
    }
    return true;
  }

  void nested(const ReadAt& read_at, const ZipEntry& entry, const std::string& name, int depth) {
    spend(entry);
    const std::string where = name + "!/" + entry.name;
    gap_on_error(inventory_.gaps, where, [&] {
      if (depth >= kMaxDepth) throw Error(ErrorKind::corrupt, "archives in archives in archives");
      const std::string content = zip_content(read_at, entry, kMaxUnpacked);
      const ReadAt within = [&](std::uint64_t offset, std::uint64_t length) {
        return offset > content.size() ? "" : content.substr(offset, length);
      };
      read(within, content.size(), where, depth + 1);
    });
  }

  void spend(const ZipEntry& entry) {
    const std::uint64_t cost = std::max(entry.size, entry.packed_size) + kMinCost;
    unpacked_ += cost;
    if (unpacked_ > kMaxUnpacked) {
      throw Error(ErrorKind::corrupt, "what is packed in it is too much to be read");
    }
    budget_.spend(cost);
  }

  model::Inventory& inventory_;
  std::string path_;
  Budget& budget_;
  std::set<std::string> told_;
  std::uint64_t unpacked_ = 0;
};

}  // namespace

void read_jar(model::Inventory& inventory, const ReadAt& read, std::uint64_t size_bytes,
              const std::string& path, Budget& budget) {
  JarReader(inventory, path, budget).read(read, size_bytes, path, 0);
}

}  // namespace hallmark::scan
