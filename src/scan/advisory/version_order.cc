#include "scan/advisory/version_order.h"

#include "scan/advisory/version_orders.h"
#include "scan/versions.h"

namespace hallmark::scan {
namespace {

// Far beyond any real version; bounds what comparing may cost.
constexpr std::size_t kMaxLength = 1000;

}  // namespace

bool is_comparable(VersionOrder order, std::string_view version) {
  if (version.empty() || version.size() > kMaxLength) return false;
  switch (order) {
    case VersionOrder::dpkg:
      return is_valid_version(version);
    case VersionOrder::rpm:
      return is_rpm_version(version);
    case VersionOrder::apk:
      return is_apk_version(version);
    case VersionOrder::semver:
      return is_semver(version);
    case VersionOrder::pep440:
      return is_pep440(version);
    case VersionOrder::maven:
      return is_maven_version(version);
    case VersionOrder::gem:
      return is_gem_version(version);
  }
  return false;
}

int compare_versions(VersionOrder order, std::string_view a, std::string_view b) {
  if (a == b) return 0;
  switch (order) {
    case VersionOrder::dpkg:
      return compare_versions(a, b);
    case VersionOrder::rpm:
      return compare_rpm(a, b);
    case VersionOrder::apk:
      return compare_apk(a, b);
    case VersionOrder::semver:
      return compare_semver(a, b);
    case VersionOrder::pep440:
      return compare_pep440(a, b);
    case VersionOrder::maven:
      return compare_maven(a, b);
    case VersionOrder::gem:
      return compare_gem(a, b);
  }
  return 0;
}

int compare_to_limit(VersionOrder order, std::string_view installed, std::string_view limit) {
  if (order == VersionOrder::pep440 && limit.find('+') == limit.npos)
    installed = installed.substr(0, installed.find('+'));
  return compare_versions(order, installed, limit);
}

int compare_for_sorting(VersionOrder order, std::string_view a, std::string_view b) {
  if (const int result = compare_versions(order, a, b)) return result;
  if (order != VersionOrder::rpm) return 0;
  const auto has_release = [](std::string_view version) {
    return static_cast<int>(version.find('-') != version.npos);
  };
  return has_release(a) - has_release(b);
}

bool is_total(VersionOrder order) {
  return order == VersionOrder::dpkg || order == VersionOrder::rpm;
}

}  // namespace hallmark::scan
