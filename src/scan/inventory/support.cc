#include "scan/inventory/support.h"

#include <string_view>

namespace hallmark::scan {
namespace {

struct Release {
  std::string_view id;       ///< os-release ID
  std::string_view version;  ///< VERSION_ID, or its beginning before a dot
  std::string_view end;
};

// The last day of security updates that everybody gets: for Debian of its long-term support, which
// comes through the same archive; for others without what is sold. From endoflife.date (its table
// of Debian at a70eca337, the others as stored in 2026), CentOS from its own announcements. Fedora
// and Amazon Linux say it in os-release.
constexpr Release kReleases[] = {
    {"debian", "13", "2030-06-30"},    {"debian", "12", "2028-06-30"},
    {"debian", "11", "2026-08-31"},    {"debian", "10", "2024-06-30"},
    {"debian", "9", "2022-07-01"},     {"debian", "8", "2020-06-30"},
    {"debian", "7", "2018-05-31"},     {"ubuntu", "26.04", "2031-04-30"},
    {"ubuntu", "25.10", "2026-07-01"}, {"ubuntu", "25.04", "2026-01-17"},
    {"ubuntu", "24.10", "2025-07-10"}, {"ubuntu", "24.04", "2029-05-31"},
    {"ubuntu", "23.10", "2024-07-12"}, {"ubuntu", "23.04", "2024-01-20"},
    {"ubuntu", "22.10", "2023-07-20"}, {"ubuntu", "22.04", "2027-04-01"},
    {"ubuntu", "20.04", "2025-05-31"}, {"ubuntu", "18.04", "2023-05-31"},
    {"ubuntu", "16.04", "2021-04-02"}, {"ubuntu", "14.04", "2019-04-02"},
    {"alpine", "3.23", "2027-11-01"},  {"alpine", "3.22", "2027-05-01"},
    {"alpine", "3.21", "2026-11-01"},  {"alpine", "3.20", "2026-04-01"},
    {"alpine", "3.19", "2025-11-01"},  {"alpine", "3.18", "2025-05-09"},
    {"alpine", "3.17", "2024-11-22"},  {"alpine", "3.16", "2024-05-23"},
    {"alpine", "3.15", "2023-11-01"},  {"alpine", "3.14", "2023-05-01"},
    {"alpine", "3.13", "2022-11-01"},  {"alpine", "3.12", "2022-05-01"},
    {"rhel", "10", "2035-05-31"},      {"rocky", "10", "2035-05-31"},
    {"ol", "7", "2024-12-31"},         {"sles", "15.6", "2025-12-31"},
    {"rhel", "9", "2032-05-31"},       {"rhel", "8", "2029-05-31"},
    {"rhel", "7", "2024-06-30"},       {"rhel", "6", "2020-11-30"},
    {"almalinux", "10", "2035-05-31"}, {"almalinux", "9", "2032-05-31"},
    {"almalinux", "8", "2029-03-01"},  {"rocky", "9", "2032-05-31"},
    {"rocky", "8", "2029-05-31"},      {"centos", "7", "2024-06-30"},
    {"centos", "8", "2021-12-31"},     {"sles", "15.5", "2024-12-31"},
    {"sles", "15.4", "2023-12-31"},    {"sles", "15.3", "2022-12-31"},
    {"sles", "15.2", "2021-12-31"},    {"sles", "15.1", "2021-01-31"},
    {"sles", "12.5", "2024-10-31"},
};

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
    // "9.4" is of 9, but "3.2" not of "3.20".
    const bool fits = version == release.version || (version.starts_with(release.version) &&
                                                     version[release.version.size()] == '.');
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

}  // namespace hallmark::scan
