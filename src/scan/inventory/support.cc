#include "scan/inventory/support.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace hallmark::scan {
namespace {

struct Release {
  std::string_view id;       ///< os-release ID
  std::string_view version;  ///< VERSION_ID, or its beginning before a dot
  std::string_view end;
};

// The last day of security updates that everybody gets, without what is sold. Fedora says it in
// os-release.
constexpr Release kReleases[] = {
    // With long-term support, which comes through the same archive. endoflife.date,
    // products/debian.md at a70eca337.
    {"debian", "13", "2030-06-30"},
    {"debian", "12", "2028-06-30"},
    {"debian", "11", "2026-08-31"},
    {"debian", "10", "2024-06-30"},
    {"debian", "9", "2022-07-01"},
    {"debian", "8", "2020-06-30"},
    {"debian", "7", "2018-05-31"},
    // Without Ubuntu Pro. endoflife.date, products/ubuntu.md.
    {"ubuntu", "26.04", "2031-04-30"},
    {"ubuntu", "25.10", "2026-07-01"},
    {"ubuntu", "25.04", "2026-01-17"},
    {"ubuntu", "24.10", "2025-07-10"},
    {"ubuntu", "24.04", "2029-05-31"},
    {"ubuntu", "23.10", "2024-07-12"},
    {"ubuntu", "23.04", "2024-01-20"},
    {"ubuntu", "22.10", "2023-07-20"},
    {"ubuntu", "22.04", "2027-04-01"},
    {"ubuntu", "20.04", "2025-05-31"},
    {"ubuntu", "18.04", "2023-05-31"},
    {"ubuntu", "16.04", "2021-04-02"},
    {"ubuntu", "14.04", "2019-04-02"},
    // alpinelinux.org/releases, by endoflife.date, products/alpine.md.
    {"alpine", "3.23", "2027-11-01"},
    {"alpine", "3.22", "2027-05-01"},
    {"alpine", "3.21", "2026-11-01"},
    {"alpine", "3.20", "2026-04-01"},
    {"alpine", "3.19", "2025-11-01"},
    {"alpine", "3.18", "2025-05-09"},
    {"alpine", "3.17", "2024-11-22"},
    {"alpine", "3.16", "2024-05-23"},
    {"alpine", "3.15", "2023-11-01"},
    {"alpine", "3.14", "2023-05-01"},
    {"alpine", "3.13", "2022-11-01"},
    {"alpine", "3.12", "2022-05-01"},
    // aws.amazon.com/amazon-linux-2, and AWS's extension of 2023. Lists of packages lack
    // SUPPORT_END.
    {"amzn", "2023", "2029-06-30"},
    {"amzn", "2", "2026-06-30"},
    // The end of maintenance support. endoflife.date, products/rhel.md; for 10 the table in the
    // documentation of PowerShell.
    {"rhel", "10", "2035-05-31"},
    {"rhel", "9", "2032-05-31"},
    {"rhel", "8", "2029-05-31"},
    {"rhel", "7", "2024-06-30"},
    {"rhel", "6", "2020-11-30"},
    // endoflife.date, products/almalinux.md at 0f7d558fc.
    {"almalinux", "10", "2035-05-31"},
    {"almalinux", "9", "2032-05-31"},
    {"almalinux", "8", "2029-03-01"},
    // endoflife.date, products/rocky-linux.md; for 10 SUPPORT_END of its own os-release.
    {"rocky", "10", "2035-05-31"},
    {"rocky", "9", "2032-05-31"},
    {"rocky", "8", "2029-05-31"},
    // Premier support: oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf by endoflife.date,
    // products/oracle-linux.md at 066c62411. Of 10 no day is known here.
    {"ol", "9", "2032-06-30"},
    {"ol", "8", "2029-07-01"},
    {"ol", "7", "2024-12-01"},
    {"ol", "6", "2021-03-01"},
    // CentOS' own announcements; of the Streams endoflife.date.
    {"centos", "10", "2030-01-01"},
    {"centos", "9", "2027-05-31"},
    {"centos", "8", "2021-12-31"},
    {"centos", "7", "2024-06-30"},
    // General support: suse.com/lifecycle as DISA's guides for SLES 15 have it.
    {"sles", "15.7", "2031-07-31"},
    {"sles", "15.6", "2025-12-31"},
    {"sles", "15.5", "2024-12-31"},
    {"sles", "15.4", "2023-12-31"},
    {"sles", "15.3", "2022-12-31"},
    {"sles", "15.2", "2021-12-31"},
    {"sles", "15.1", "2021-01-31"},
    {"sles", "15", "2019-12-31"},
    {"sles", "12.5", "2024-10-31"},
    {"sles", "12.4", "2020-06-30"},
    // en.opensuse.org/Lifetime by endoflife.date, products/opensuse.md at 02ce42c26.
    {"opensuse-leap", "16.0", "2027-10-31"},
    {"opensuse-leap", "15.6", "2026-04-30"},
    {"opensuse-leap", "15.5", "2024-12-31"},
    {"opensuse-leap", "15.4", "2023-12-07"},
    {"opensuse-leap", "15.3", "2022-12-31"},
    {"opensuse-leap", "15.2", "2022-01-04"},
    {"opensuse-leap", "15.1", "2021-02-02"},
    {"opensuse-leap", "15.0", "2019-12-03"},
};

// Releases without an end: they are what is newest.
constexpr std::string_view kRolling[] = {"arch",   "chainguard", "gentoo", "opensuse-tumbleweed",
                                         "nixos",  "void",       "wolfi",  "endeavouros",
                                         "cachyos"};

bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !is_digit : text[i] != '-') return false;
  }
  return true;
}

std::string known_end(const model::Distribution& distribution) {
  const std::string_view version = distribution.version_id;
  for (const Release& release : kReleases) {
    // "9.4" is of 9, but "3.2" not of "3.20", and SUSE's service packs are releases of their own.
    const bool fits =
        version == release.version ||
        (release.id != "sles" && version.starts_with(release.version) &&
         version.size() > release.version.size() && version[release.version.size()] == '.');
    if (distribution.id == release.id && fits) return std::string(release.end);
  }
  return "";
}

}  // namespace

std::string end_of_support(const model::Distribution& distribution) {
  const std::string& said = distribution.end_of_support;
  const std::string known = known_end(distribution);
  // What is no day would compare as later than any.
  if (!is_date(said)) return known;
  // An image does not prolong its own support.
  return known.empty() || said < known ? said : known;
}

bool has_end_of_support(const model::Distribution& distribution) {
  // Debian's testing and unstable have no number.
  if (distribution.id.empty() || distribution.version_id.empty()) return false;
  return std::find(std::begin(kRolling), std::end(kRolling), distribution.id) == std::end(kRolling);
}

}  // namespace hallmark::scan
