#include "evidence/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"

namespace hallmark::evidence {

model::Completeness completeness(const Subject& subject) {
  if (subject.assessments.empty()) return model::Completeness::failed;
  model::Completeness worst = model::Completeness::complete;
  for (const model::Assessment& assessment : subject.assessments) {
    worst = std::max(worst, assessment.completeness);
  }
  return worst;
}

bool is_vulnerability(const scan::MergedFinding& finding) {
  return finding.kind == model::FindingKind::vulnerability ||
         finding.kind == model::FindingKind::potential;
}

const model::Finding& observed(const Subject& subject, const scan::Observation& observation) {
  if (observation.assessment >= subject.assessments.size() ||
      observation.finding >= subject.assessments[observation.assessment].findings.size()) {
    throw Error(ErrorKind::internal, "a merged finding names finding {} of assessment {}",
                observation.finding, observation.assessment);
  }
  return subject.assessments[observation.assessment].findings[observation.finding];
}

Index::Index(const Subject& subject) : subject_(subject) {
  for (const Verdict& verdict : subject.verdicts) {
    verdicts_.emplace(std::pair<std::string_view, std::string_view>(verdict.id, verdict.package),
                      &verdict);
  }
  const std::vector<model::Package>& packages = subject.inventory.packages;
  for (std::size_t i = 0; i < packages.size(); ++i) {
    by_name_[packages[i].name].push_back(i);
    by_source_[packages[i].source_name].push_back(i);
  }
}

const Verdict* Index::verdict_of(const scan::MergedFinding& finding) const {
  auto known =
      verdicts_.find(std::pair<std::string_view, std::string_view>(finding.id, finding.package));
  return known == verdicts_.end() ? nullptr : known->second;
}

std::vector<std::size_t> Index::packages_of(const scan::MergedFinding& finding) const {
  if (finding.package.empty()) return {};
  std::set<std::string_view> architectures;
  for (const scan::Observation& observation : finding.observations) {
    const model::Finding& seen = observed(subject_, observation);
    if (seen.package == finding.package && !seen.architecture.empty()) {
      architectures.insert(seen.architecture);
    }
  }
  auto meant = [&](const auto& places) {
    std::vector<std::size_t> found;
    auto named = places.find(finding.package);
    if (named == places.end()) return found;
    for (std::size_t place : named->second) {
      const std::string& architecture = subject_.inventory.packages[place].architecture;
      if (architectures.empty() || architectures.contains(architecture)) found.push_back(place);
    }
    return found;
  };
  std::vector<std::size_t> found = meant(by_name_);
  return found.empty() ? meant(by_source_) : found;
}

scan::Change change_since(const Subject& subject, const Previous& previous) {
  const scan::FindingList before = scan::list_of(previous.findings);
  if (previous.scanners.empty()) return scan::change(before, scan::list_of(subject.findings));
  auto saw_both = [&](const scan::Observation& observation) {
    const std::string& scanner = subject.assessments.at(observation.assessment).scanner;
    return std::find(previous.scanners.begin(), previous.scanners.end(), scanner) !=
           previous.scanners.end();
  };
  scan::FindingList comparable;
  for (const scan::MergedFinding& finding : subject.findings) {
    if (std::any_of(finding.observations.begin(), finding.observations.end(), saw_both)) {
      comparable.push_back(&finding);
    }
  }
  return scan::change(before, comparable);
}

Explanation explain(const Index& index, const scan::MergedFinding& finding) {
  if (const Verdict* known = index.verdict_of(finding)) {
    if (!known->waived) {
      return {std::string(model::to_string(known->judgement)), model::safe_text(known->why)};
    }
    const Waived& waived = *known->waived;
    return {"waived", fmt::format("waived by {} until {}: {}", line(waived.by),
                                  line(waived.expires_at), model::safe_text(waived.reason))};
  }
  if (finding.kind == model::FindingKind::compliance) {
    return {"pass", "a hardening rule counts in the score only"};
  }
  if (finding.kind == model::FindingKind::information) return {"pass", "a note is not judged"};
  return {"pass", fmt::format("{} {} a fix: pass", model::to_string(finding.severity),
                              finding.fixable ? "with" : "without")};
}

std::string line(std::string_view text) {
  constexpr std::size_t kLongestName = 512;
  std::string safe = model::safe_text(text, kLongestName);
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return safe;
}

std::optional<std::string> web_url(std::string_view text) {
  // RFC 3986, 2: reserved and unreserved characters, and percent with two hex digits.
  constexpr std::string_view kMarks = "-._~:/?#@!$&'()*+,;=";
  constexpr std::size_t kLongest = 2048;  // what browsers and databases agree on
  auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || text.size() <= scheme || text.size() > kLongest) return std::nullopt;
  if (kMarks.find(text[scheme]) != std::string_view::npos) return std::nullopt;
  bool fragment = false;
  for (std::size_t i = scheme; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#' && std::exchange(fragment, true)) return std::nullopt;
    const bool letter_or_digit =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter_or_digit || kMarks.find(c) != std::string_view::npos) continue;
    if (c != '%' || i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) {
      return std::nullopt;
    }
  }
  return std::string(text);
}

std::string uuid_of(std::string_view text) {
  std::string hex = sha256_hex(text).substr(0, 32);
  constexpr std::string_view kVariants = "89ab";  // RFC 9562, 4.1: the two high bits are 10
  hex[12] = '8';
  const char digit = hex[16];
  hex[16] = kVariants[static_cast<std::size_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10) % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::optional<std::string> valid_time(const std::string& text) {
  try {
    return to_rfc3339(from_rfc3339(text));
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string whole_seconds(const std::string& time) {
  const std::string text = to_rfc3339(from_rfc3339(time));
  return text.substr(0, std::string_view("2026-11-22T17:05:01").size()) + "Z";
}

}  // namespace hallmark::evidence
