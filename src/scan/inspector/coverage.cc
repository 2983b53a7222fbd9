#include "scan/inspector/coverage.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "model/finding.h"

namespace hallmark::scan::inspector {
namespace {

using model::Completeness;
using model::Login;

struct Rule {
  std::string_view reason;
  Course course;
  Completeness completeness;  ///< the best that can be said
  Login login;
  std::string_view why;
};

/// Amazon Inspector API Reference, "ScanStatus"; User Guide, "Assessing coverage". What is not here
/// is not EC2's, or new.
constexpr std::array kRules = {
    Rule{"PENDING_INITIAL_SCAN", Course::waiting, Completeness::inconclusive, Login::unknown,
         "the machine waits for its first scan"},
    Rule{"PENDING_REVIVAL_SCAN", Course::waiting, Completeness::inconclusive, Login::unknown,
         "the machine waits to be scanned again"},
    Rule{"SCAN_IN_PROGRESS", Course::waiting, Completeness::inconclusive, Login::unknown,
         "the scan has not ended"},
    Rule{"NO_INVENTORY", Course::waiting, Completeness::inconclusive, Login::unknown,
         "Systems Manager has no inventory of the machine yet"},
    Rule{"UNMANAGED_EC2_INSTANCE", Course::passing, Completeness::inconclusive, Login::no,
         "the machine is not managed by Systems Manager, so Inspector cannot look into it: it "
         "needs the agent and an instance profile, or Inspector's hybrid mode"},
    Rule{"RESOURCE_UNMANAGED", Course::passing, Completeness::inconclusive, Login::no,
         "the machine is not managed by Systems Manager, so Inspector cannot look into it: it "
         "needs the agent and an instance profile, or Inspector's hybrid mode"},
    Rule{"UNSUPPORTED_OS", Course::ended, Completeness::inconclusive, Login::unknown,
         "Inspector does not know the machine's operating system: another scanner is needed"},
    Rule{"EXCLUDED_BY_TAG", Course::ended, Completeness::failed, Login::unknown,
         "a tag of the machine keeps Inspector away"},
    Rule{"EC2_INSTANCE_STOPPED", Course::ended, Completeness::failed, Login::unknown,
         "the machine was stopped"},
    Rule{"RESOURCE_STOPPED", Course::ended, Completeness::failed, Login::unknown,
         "the machine was stopped"},
    Rule{"RESOURCE_TERMINATED", Course::ended, Completeness::failed, Login::unknown,
         "the machine was terminated"},
    Rule{"SCAN_ELIGIBILITY_EXPIRED", Course::ended, Completeness::failed, Login::unknown,
         "Inspector no longer scans the machine"},
    Rule{"PENDING_DISABLE", Course::ended, Completeness::failed, Login::unknown,
         "Inspector is being disabled"},
    Rule{"STALE_INVENTORY", Course::ended, Completeness::partial, Login::yes,
         "the inventory of the machine was not renewed in time"},
    Rule{"DEEP_INSPECTION_NO_INVENTORY", Course::ended, Completeness::partial, Login::yes,
         "Inspector saw the packages of the system, none of programming languages: it has no "
         "inventory of those"},
    Rule{"DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED", Course::ended, Completeness::partial,
         Login::yes,
         "Inspector saw the packages of the system, not all of programming languages: there are "
         "too many"},
    Rule{"DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED", Course::ended, Completeness::partial,
         Login::yes,
         "Inspector saw the packages of the system, not all of programming languages: the day's "
         "quota of Systems Manager is used up"},
    Rule{"DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED", Course::ended, Completeness::partial,
         Login::yes,
         "Inspector saw the packages of the system, not all of programming languages: reading "
         "them took too long"},
    Rule{"AGENTLESS_INSTANCE_STORAGE_LIMIT_EXCEEDED", Course::ended, Completeness::inconclusive,
         Login::not_needed, "the machine's disks are too large for a scan without an agent"},
    Rule{"AGENTLESS_INSTANCE_COLLECTION_TIME_LIMIT_EXCEEDED", Course::ended,
         Completeness::inconclusive, Login::not_needed,
         "the scan of the machine's disks without an agent took too long"},
};

const Rule* find_rule(std::string_view reason) {
  for (const Rule& rule : kRules) {
    if (rule.reason == reason) return &rule;
  }
  return nullptr;
}

Login login_of_seen(const Coverage& coverage) {
  return coverage.mode == "EC2_AGENTLESS" ? Login::not_needed : Login::yes;
}

std::string shown_code(const std::string& text) { return model::safe_text(text, kName); }

}  // namespace

void take_coverage(Coverage& coverage, const Value& page, const std::string& machine_id) {
  for (const Value& row : list_of(page, "coveredResources")) {
    if (text_of(row, "resourceId") != machine_id) continue;
    if (text_of(row, "scanType") != "PACKAGE") {
      coverage.other_listed = true;
      continue;
    }
    auto scanned_at = time_of(row, "lastScannedAt");
    if (coverage.listed && (!scanned_at || scanned_at <= coverage.scanned_at)) continue;
    const Value& status = object_of(row, "scanStatus");
    coverage.listed = true;
    coverage.code = text_of(status, "statusCode");
    coverage.reason = text_of(status, "reason");
    coverage.mode = text_of(row, "scanMode");
    coverage.platform = text_of(object_of(object_of(row, "resourceMetadata"), "ec2"), "platform");
    coverage.scanned_at = scanned_at;
  }
}

CoverageVerdict judge(const Coverage& coverage, TimePoint launched_at) {
  if (!coverage.listed) {
    return {Course::waiting, Completeness::inconclusive, Login::unknown,
            coverage.other_listed ? "Inspector lists the machine, but no scan of its packages"
                                  : "Inspector does not list the machine"};
  }
  if (coverage.reason.empty()) {
    return {Course::waiting, Completeness::inconclusive, Login::unknown,
            "Inspector does not say how the machine's scan stands"};
  }
  const bool fresh = coverage.scanned_at && *coverage.scanned_at >= launched_at;
  const char* const kNotSince = "Inspector has not scanned the machine since its launch";
  if (coverage.reason == "SUCCESSFUL" && coverage.code == "ACTIVE") {
    if (!fresh) return {Course::waiting, Completeness::inconclusive, Login::unknown, kNotSince};
    return {Course::ended, Completeness::complete, login_of_seen(coverage), ""};
  }
  const Rule* rule = find_rule(coverage.reason);
  if (rule == nullptr) {
    return {Course::passing, Completeness::failed, Login::unknown,
            fmt::format("Inspector could not scan the machine: {}, {}", shown_code(coverage.code),
                        shown_code(coverage.reason))};
  }
  if (rule->completeness == Completeness::partial) {
    if (!fresh) {
      return {Course::passing, Completeness::inconclusive, Login::unknown,
              fmt::format("{}: {}", kNotSince, rule->why)};
    }
    return {rule->course, rule->completeness, login_of_seen(coverage), std::string(rule->why)};
  }
  return {rule->course, rule->completeness, rule->login, std::string(rule->why)};
}

std::string describe(const Coverage& coverage) {
  if (!coverage.listed) return coverage.other_listed ? "no scan of packages listed" : "not listed";
  std::string text = shown_code(coverage.code.empty() ? "no status" : coverage.code);
  if (!coverage.reason.empty()) text += ", " + shown_code(coverage.reason);
  if (coverage.scanned_at) text += ", scanned at " + to_rfc3339(*coverage.scanned_at);
  return text;
}

}  // namespace hallmark::scan::inspector
