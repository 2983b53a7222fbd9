#include "scan/advisory/vex.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scan/advisory/ecosystem.h"

namespace hallmark::scan {
namespace {

using model::Finding;
using model::Package;

/// The installed packages that a finding is of: one, unless several lie under one name.
class Installed {
 public:
  explicit Installed(const model::Inventory& inventory) {
    for (const Package& package : inventory.packages) packages_.emplace(package.name, &package);
  }

  std::vector<const Package*> of(const Finding& finding) const {
    std::vector<const Package*> found;
    const auto [first, end] = packages_.equal_range(finding.package);
    for (auto at = first; at != end; ++at) {
      const Package& package = *at->second;
      if (package.version == finding.installed_version &&
          (finding.architecture.empty() || package.architecture == finding.architecture)) {
        found.push_back(&package);
      }
    }
    return found;
  }

 private:
  std::multimap<std::string_view, const Package*> packages_;
};

bool is_of_system(std::string_view manager) {
  return manager == "dpkg" || manager == "rpm" || manager == "apk";
}

/// "debian-12", "ubuntu-22.04", "bookworm".
bool is_release(std::string_view distro, const model::Distribution& distribution) {
  if (distro == distribution.codename) return true;
  const std::size_t dash = distro.rfind('-');
  if (dash == distro.npos) return false;
  const std::string_view version = distro.substr(dash + 1);
  return distribution_id(distro.substr(0, dash)) == distribution.id &&
         (version == distribution.version_id ||
          distribution.version_id.starts_with(std::string(version) + "."));
}

bool is_meant(const PackageUrl& url, const Package& package,
              const model::Distribution& distribution) {
  const std::string_view manager = manager_of(url);
  if (manager.empty() || manager != package.manager) return false;
  const bool source = is_source(url);
  const std::string& name = source ? package.source_name : package.name;
  const std::string& version = source ? package.source_version : package.version;
  const auto ecosystem = manager == "python" ? "pypi" : "";
  if (package_key(ecosystem, package_name(url)) != package_key(ecosystem, name)) return false;
  if (is_of_system(manager)) {
    // Another distribution's package of the same name is another package.
    if (distribution_id(url.space) != distribution.id) return false;
    const std::string distro = url.qualifier("distro");
    if (!distro.empty() && !is_release(distro, distribution)) return false;
    const std::string arch = url.qualifier("arch");
    if (!source && !arch.empty() && arch != package.architecture) return false;
  }
  const std::string wanted = package_version(url);
  return wanted.empty() || wanted == version || (manager == "rpm" && "0:" + wanted == version);
}

/// Without a version nobody can say that it is one with the fix.
bool suppresses(const VexStatement& statement) {
  return statement.status == VexStatus::not_affected ||
         (statement.status == VexStatus::fixed && !statement.package.version.empty());
}

bool is_newer(const VexStatement& a, const VexStatement& b) {
  const bool timed = a.said_at && b.said_at;
  if (timed && *a.said_at != *b.said_at) return *a.said_at > *b.said_at;
  return !suppresses(a) && suppresses(b);
}

}  // namespace

void apply_vex(model::Assessment& assessment, const std::vector<VexStatement>& statements,
               const model::Inventory& inventory, const std::vector<std::string>& products) {
  if (statements.empty()) return;
  std::multimap<std::string_view, const VexStatement*> of_flaw;
  for (const VexStatement& statement : statements) {
    const bool ours = statement.product.empty() || std::find(products.begin(), products.end(),
                                                             statement.product) != products.end();
    for (const std::string& flaw : statement.flaws) {
      if (ours && !flaw.empty()) of_flaw.emplace(flaw, &statement);
    }
  }
  const Installed installed(inventory);
  const auto newest = [&](const std::string& flaw, const Finding& finding) {
    const VexStatement* said = nullptr;
    const auto packages = installed.of(finding);
    const auto [first, end] = of_flaw.equal_range(flaw);
    for (auto at = first; at != end; ++at) {
      const auto meant = [&](const Package* package) {
        return is_meant(at->second->package, *package, assessment.distribution);
      };
      // Where two packages share a name, one of them says nothing of the other.
      if (packages.empty() || !std::all_of(packages.begin(), packages.end(), meant)) continue;
      if (said == nullptr || is_newer(*at->second, *said)) said = at->second;
    }
    return said;
  };
  for (Finding& finding : assessment.findings) {
    const VexStatement* reason = nullptr;
    bool all = !finding.cves.empty(), contradicted = false;
    for (const std::string& cve : finding.cves) {
      const VexStatement* said = newest(cve, finding);
      if (said != nullptr && suppresses(*said)) {
        reason = said;
      } else {
        all = false;
        contradicted = contradicted || said != nullptr;
      }
    }
    for (const std::string& advisory : finding.advisory_ids) {
      const VexStatement* said = newest(advisory, finding);
      if (said == nullptr) continue;
      if (!suppresses(*said)) {
        contradicted = true;
      } else {
        all = true;
        reason = said;
      }
    }
    if (!all || contradicted) continue;
    finding.status = model::FindingStatus::suppressed;
    finding.evidence = model::safe_text(fmt::format(
        "not affected{}: {}", reason->author.empty() ? "" : " by the word of " + reason->author,
        reason->why));
  }
}

}  // namespace hallmark::scan
