#include "model/finding.h"

#include <algorithm>
#include <array>

#include "model/enum_names.h"
#include "model/sparse_json.h"

namespace hallmark::model {
namespace {

constexpr std::array<std::pair<Severity, std::string_view>, 6> kSeverities = {{
    {Severity::unknown, "unknown"},
    {Severity::info, "info"},
    {Severity::low, "low"},
    {Severity::medium, "medium"},
    {Severity::high, "high"},
    {Severity::critical, "critical"},
}};

constexpr std::array<std::pair<FindingKind, std::string_view>, 5> kKinds = {{
    {FindingKind::vulnerability, "vulnerability"},
    {FindingKind::potential, "potential"},
    {FindingKind::information, "information"},
    {FindingKind::reachability, "reachability"},
    {FindingKind::compliance, "compliance"},
}};

constexpr std::array<std::pair<FixState, std::string_view>, 6> kFixStates = {{
    {FixState::available, "available"},
    {FixState::none, "none"},
    {FixState::wont_fix, "wont_fix"},
    {FixState::deferred, "deferred"},
    {FixState::end_of_life, "end_of_life"},
    {FixState::unknown, "unknown"},
}};

constexpr std::array<std::pair<FindingStatus, std::string_view>, 2> kStatuses = {{
    {FindingStatus::open, "open"},
    {FindingStatus::suppressed, "suppressed"},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The character at `at` and its length in bytes; nothing if the bytes there are not UTF-8 (Unicode
/// Standard, table 3-7).
std::optional<std::pair<char32_t, std::size_t>> decode(std::string_view text, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {{first, 1}};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return std::nullopt;
  char32_t character = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return std::nullopt;
    character = (character << 6) | (byte(at + i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < kSmallest[length] || character > 0x10ffff || surrogate) return std::nullopt;
  return {{character, length}};
}

/// Characters that change how a terminal or a page shows the rest (Unicode Standard Annex 9 for the
/// bidirectional ones).
bool is_misleading(char32_t c) {
  if (c == '\n' || c == '\t') return false;
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
         (c & 0xfffe) == 0xfffe;  // no characters; XML takes none of the first plane's
}

}  // namespace

std::string normal_cve(std::string_view text) {
  constexpr std::size_t kYear = 4;  // where the year stands
  constexpr std::size_t kNumber = kYear + 5;
  constexpr std::size_t kLongest = kNumber + 19;
  if (text.size() < kNumber + 4 || text.size() > kLongest) return {};
  std::string id(text);
  for (std::size_t i = 0; i < 3; ++i) id[i] = static_cast<char>(id[i] & ~0x20);
  if (!id.starts_with("CVE-") || id[kNumber - 1] != '-') return {};
  const bool digits = std::all_of(id.begin() + kYear, id.begin() + kNumber - 1, is_digit) &&
                      std::all_of(id.begin() + kNumber, id.end(), is_digit);
  return digits ? id : std::string();
}

std::vector<std::string> split_cves(std::string_view text, std::vector<std::string>& other) {
  std::vector<std::string> cves;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = text.find_first_not_of(", \t\r\n;", at);
    if (begin == std::string_view::npos) break;
    at = std::min(text.find_first_of(", \t\r\n;", begin), text.size());
    std::string_view word = text.substr(begin, at - begin);
    std::string cve = normal_cve(word);
    if (cve.empty()) {
      other.push_back(safe_text(word, 128));
    } else {
      cves.push_back(std::move(cve));
    }
  }
  std::sort(cves.begin(), cves.end());
  cves.erase(std::unique(cves.begin(), cves.end()), cves.end());
  return cves;
}

std::string safe_text(std::string_view text, std::size_t limit) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
  std::string safe;
  std::size_t fits = 0;  // how much stays if the ellipsis must follow
  for (std::size_t at = 0; at < text.size();) {
    auto decoded = decode(text, at);
    std::size_t length = decoded ? decoded->second : 1;
    if (!decoded) {
      safe += kReplacement;
    } else if (!is_misleading(decoded->first)) {
      safe += text.substr(at, length);
    }
    at += length;
    if (safe.size() + kEllipsis.size() <= limit) fits = safe.size();
    if (safe.size() > limit) {
      safe.resize(fits);
      return safe.append(kEllipsis);
    }
  }
  return safe;
}

Severity severity_of_score(double score) {
  if (score >= 9) return Severity::critical;
  if (score >= 7) return Severity::high;
  if (score >= 4) return Severity::medium;
  return score > 0 ? Severity::low : Severity::info;
}

std::string_view to_string(Severity value) { return name_of(kSeverities, value); }
std::string_view to_string(FindingKind value) { return name_of(kKinds, value); }
std::string_view to_string(FixState value) { return name_of(kFixStates, value); }
std::string_view to_string(FindingStatus value) { return name_of(kStatuses, value); }
Severity severity_from(std::string_view text) { return value_of(kSeverities, text, "severity"); }
FixState fix_state_from(std::string_view text) { return value_of(kFixStates, text, "fix state"); }

void to_json(Json& json, const Cvss& value) {
  json = {{"version", value.version}, {"score", value.score}};
  put(json, "vector", value.vector);
  put(json, "source", value.source);
}

void from_json(const Json& json, Cvss& value) {
  value.version = member<std::string>(json, "version");
  value.score = member<double>(json, "score");
  take(json, "vector", value.vector);
  take(json, "source", value.source);
}

void to_json(Json& json, const Finding& value) {
  json = {{"finding_id", value.finding_id},
          {"kind", to_string(value.kind)},
          {"severity", to_string(value.severity)},
          {"fix", to_string(value.fix)}};
  if (value.status != FindingStatus::open) json["status"] = to_string(value.status);
  if (value.port != 0) json["port"] = value.port;
  if (value.epss) json["epss"] = *value.epss;
  if (value.known_exploited) json["known_exploited"] = true;
  put(json, "cves", value.cves);
  put(json, "advisory_ids", value.advisory_ids);
  put(json, "package", value.package);
  put(json, "source_package", value.source_package);
  put(json, "architecture", value.architecture);
  put(json, "installed_version", value.installed_version);
  put(json, "fixed_version", value.fixed_version);
  put(json, "protocol", value.protocol);
  put(json, "severity_native", value.severity_native);
  put(json, "severity_source", value.severity_source);
  put(json, "cvss", value.cvss);
  put(json, "title", value.title);
  put(json, "description", value.description);
  put(json, "remediation", value.remediation);
  put(json, "evidence", value.evidence);
  put(json, "advisory_source", value.advisory_source);
  put(json, "references", value.references);
  put(json, "first_seen", value.first_seen);
}

void from_json(const Json& json, Finding& value) {
  value.finding_id = member<std::string>(json, "finding_id");
  value.severity = severity_from(member<std::string>(json, "severity"));
  value.kind = value_of(kKinds, member<std::string>(json, "kind"), "kind of finding");
  value.fix = fix_state_from(member<std::string>(json, "fix"));
  std::string status(to_string(FindingStatus::open));
  take(json, "status", status);
  value.status = value_of(kStatuses, status, "status of a finding");
  take(json, "port", value.port);
  if (json.contains("epss")) value.epss = member<double>(json, "epss");
  take(json, "known_exploited", value.known_exploited);
  take(json, "cves", value.cves);
  take(json, "advisory_ids", value.advisory_ids);
  take(json, "package", value.package);
  take(json, "source_package", value.source_package);
  take(json, "architecture", value.architecture);
  take(json, "installed_version", value.installed_version);
  take(json, "fixed_version", value.fixed_version);
  take(json, "protocol", value.protocol);
  take(json, "severity_native", value.severity_native);
  take(json, "severity_source", value.severity_source);
  take(json, "cvss", value.cvss);
  take(json, "title", value.title);
  take(json, "description", value.description);
  take(json, "remediation", value.remediation);
  take(json, "evidence", value.evidence);
  take(json, "advisory_source", value.advisory_source);
  take(json, "references", value.references);
  take(json, "first_seen", value.first_seen);
}

}  // namespace hallmark::model
