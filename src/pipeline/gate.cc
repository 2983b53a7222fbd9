#include "pipeline/gate.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "pipeline/day.h"
#include "scan/exploits.h"

namespace hallmark::pipeline {

namespace {

using model::Judgement;
using model::Severity;
using model::Waiver;
using scan::MergedFinding;

/// Of a service's clock and ours.
constexpr Duration kClockSkew{24 * 3600'000};

/// Other scanners' compliance rules count in the hardening score, information in nothing.
bool is_judged(const MergedFinding& finding) {
  return finding.kind != model::FindingKind::compliance &&
         finding.kind != model::FindingKind::information;
}

class Evaluation {
 public:
  Evaluation(const model::Gate& gate, const GateInput& input) : gate_(gate), input_(input) {
    for (const Waiver& waiver : gate.waivers) {
      waivers_[waiver.finding].push_back(&waiver);
      has_own_names_ |= !waiver.finding.starts_with("CVE-");
    }
  }

  GateVerdict run() {
    check_assessments();
    judge_findings();
    check_counts();
    warn_of_waivers();
    verdict_.passed = verdict_.failures.empty();
    verdict_.needs_review = !verdict_.reviews.empty();
    return std::move(verdict_);
  }

 private:
  void rule(bool holds, std::string text) {
    (holds ? verdict_.passes : verdict_.failures).push_back(std::move(text));
  }

  void check_assessments() {
    if (input_.assessments.empty()) verdict_.failures.push_back("assessments: there is none");
    const bool several = input_.assessments.size() > 1;
    for (const model::Assessment& assessment : input_.assessments) {
      const std::string of = several ? " of " + assessment.scanner : "";
      std::string why = assessment.completeness == model::Completeness::complete
                            ? ""
                            : join(assessment.reasons, "; ");
      rule(assessment.completeness <= gate_.min_completeness,
           fmt::format("completeness{}: {}, at least {} needed{}{}", of,
                       model::to_string(assessment.completeness),
                       model::to_string(gate_.min_completeness), why.empty() ? "" : ": ", why));
      rule(gate_.allow_gaps || assessment.gaps.empty(),
           fmt::format("coverage gaps{}: {}, {}", of, assessment.gaps.size(),
                       gate_.allow_gaps ? "allowed" : "none allowed"));
      if (gate_.min_hardening_score && assessment.hardening_score) {
        rule(*assessment.hardening_score >= *gate_.min_hardening_score,
             fmt::format("hardening score{}: {:.1f}, at least {:.1f} needed", of,
                         *assessment.hardening_score, *gate_.min_hardening_score));
      }
      if (gate_.max_data_age) check_age(assessment, of);
    }
    auto has_score = [](const model::Assessment& a) { return a.hardening_score.has_value(); };
    if (gate_.min_hardening_score &&
        std::none_of(input_.assessments.begin(), input_.assessments.end(), has_score)) {
      verdict_.failures.push_back(
          fmt::format("hardening score: none, at least {:.1f} needed", *gate_.min_hardening_score));
    }
    auto knows_exploits = [](const model::Assessment& a) {
      return std::any_of(a.advisories.begin(), a.advisories.end(),
                         [](const auto& source) { return source.name == scan::kKevSource; });
    };
    if (std::none_of(input_.assessments.begin(), input_.assessments.end(), knows_exploits)) {
      verdict_.warnings.push_back(
          "no finding was looked up in CISA's catalog of what is exploited: config.yaml names "
          "none");
    }
  }

  void check_age(const model::Assessment& assessment, const std::string& of) {
    bool is_dated = false;
    for (const model::AdvisorySource& source : assessment.advisories) {
      const std::string& at = source.fetched_at.empty() ? source.valid_from : source.fetched_at;
      if (at.empty()) continue;
      is_dated = true;
      const Duration age = input_.now - from_rfc3339(at);
      // A date to come says nothing of the age.
      rule(age <= *gate_.max_data_age && age >= -kClockSkew,
           fmt::format("age of {}{}: {}, at most {} allowed", source.name, of, format_duration(age),
                       format_duration(*gate_.max_data_age)));
    }
    if (!is_dated) {
      verdict_.warnings.push_back(
          fmt::format("{} does not say how old its data is", assessment.scanner));
    }
  }

  /// The waiver of that name that covers the finding now, with those that once did passed over.
  const Waiver* waiver_for(const MergedFinding& finding, const std::string& name) const {
    auto known = waivers_.find(name);
    if (known == waivers_.end()) return nullptr;
    for (const Waiver* waiver : known->second) {
      if (waiver->expires_at > input_.now &&
          model::covers(*waiver, input_.image_key, finding.package) &&
          (waiver->known_exploited || !finding.known_exploited)) {
        return waiver;
      }
    }
    return nullptr;
  }

  /// By the finding's id; or by what scanners call it, if each that sees it is waived: somebody who
  /// accepts what one scanner says has not accepted what another one adds.
  const Waiver* waiver_for(const MergedFinding& finding) const {
    if (const Waiver* waiver = waiver_for(finding, finding.id)) return waiver;
    if (!has_own_names_) return nullptr;
    const Waiver* first_to_end = nullptr;
    for (const scan::Observation& observation : finding.observations) {
      const Waiver* waiver = nullptr;
      for (const std::string& name : names_of(observation)) {
        if (waiver == nullptr) waiver = waiver_for(finding, name);
      }
      if (waiver == nullptr) return nullptr;
      if (first_to_end == nullptr || waiver->expires_at < first_to_end->expires_at) {
        first_to_end = waiver;
      }
    }
    return first_to_end;
  }

  /// What a scanner calls what it saw: "qualys:38739", and the advisories that it names.
  std::vector<std::string> names_of(const scan::Observation& observation) const {
    const model::Assessment& assessment = input_.assessments.at(observation.assessment);
    const model::Finding& finding = assessment.findings.at(observation.finding);
    std::vector<std::string> names = finding.advisory_ids;
    names.push_back(fmt::format("{}:{}", assessment.scanner, finding.finding_id));
    return names;
  }

  /// Whether Hallmark's own look at the image's files found it.
  bool is_hardening(const MergedFinding& finding) const {
    return finding.kind == model::FindingKind::compliance &&
           std::any_of(finding.observations.begin(), finding.observations.end(),
                       [&](const scan::Observation& observation) {
                         return input_.assessments.at(observation.assessment).scanner == "hallmark";
                       });
  }

  Judgement judgement_of(const MergedFinding& finding) const {
    if (is_hardening(finding)) {
      auto rule = gate_.hardening.find(finding.severity);
      return rule == gate_.hardening.end() ? Judgement::pass : rule->second;
    }
    if (finding.known_exploited) return Judgement::fail;
    auto rule = gate_.findings.find(finding.severity);
    if (rule == gate_.findings.end() && finding.severity == Severity::unknown) {
      rule = gate_.findings.find(Severity::high);
    }
    if (rule == gate_.findings.end()) return Judgement::pass;
    return finding.fixable ? rule->second.fixable : rule->second.unfixable;
  }

  std::string reason_of(const MergedFinding& finding, Judgement judgement) const {
    if (is_hardening(finding)) {
      return fmt::format("{} ({}): {}", finding.title, model::to_string(finding.severity),
                         model::to_string(judgement));
    }
    if (finding.known_exploited) return "exploited in the wild (CISA's catalog)";
    return fmt::format("{} {} a fix: {}", model::to_string(finding.severity),
                       finding.fixable ? "with" : "without", model::to_string(judgement));
  }

  void judge_findings() {
    for (const MergedFinding& finding : input_.findings) {
      const bool hardening = is_hardening(finding);
      if (!is_judged(finding) && !hardening) continue;
      const Waiver* waiver = waiver_for(finding);
      Judgement judgement = judgement_of(finding);
      if (waiver != nullptr) {
        verdict_.findings.push_back({finding.id, finding.package, finding.severity, Judgement::pass,
                                     fmt::format("waived by {} until {}: {}", waiver->by,
                                                 day_of(waiver->expires_at), waiver->reason),
                                     true, waiver->finding == finding.id ? "" : waiver->finding});
        continue;
      }
      std::string why;
      if (judgement != Judgement::pass) why = reason_of(finding, judgement);
      // What is exploited fails whatever a rule at the scanner hides.
      if (finding.suppressed && judgement == Judgement::fail && !finding.known_exploited) {
        judgement = Judgement::review;
        why += ", but suppressed by a rule at the scanner";
      }
      // Limits count what is wrong with packages.
      if (!hardening) ++counts_.of(finding.severity);
      if (finding.fixable && !hardening) {
        pending_.insert(finding.package.empty() ? finding.id : finding.package);
      }
      if (judgement == Judgement::pass) continue;
      if (hardening && judgement == Judgement::fail) {
        verdict_.failures.push_back("hardening: " + why);
      } else {
        (judgement == Judgement::fail ? failed_ : reviewed_) += 1;
      }
      verdict_.findings.push_back(
          {finding.id, finding.package, finding.severity, judgement, std::move(why), false, ""});
    }
  }

  void check_counts() {
    if (failed_ > 0 || !gate_.findings.empty()) {
      rule(failed_ == 0, fmt::format("findings that fail by their severity or because they are "
                                     "exploited: {}, none allowed",
                                     failed_));
    }
    if (reviewed_ > 0) {
      verdict_.reviews.push_back(fmt::format("findings that a person must look at: {}", reviewed_));
    }
    if (gate_.max_pending_updates) {
      rule(static_cast<int>(pending_.size()) <= *gate_.max_pending_updates,
           fmt::format("pending security updates: {}, at most {} allowed", pending_.size(),
                       *gate_.max_pending_updates));
    }
    for (const auto& [severity, most] : gate_.max_findings) {
      const int found = counts_.of(model::severity_from(severity));
      rule(found <= most,
           fmt::format("{} findings: {}, at most {} allowed", severity, found, most));
    }
  }

  void warn_of_waivers() {
    std::set<const Waiver*> concerned;
    auto concern = [&](const MergedFinding& finding, const std::string& name) {
      auto known = waivers_.find(name);
      if (known == waivers_.end()) return;
      for (const Waiver* waiver : known->second) {
        if (model::covers(*waiver, input_.image_key, finding.package)) concerned.insert(waiver);
      }
    };
    for (const MergedFinding& finding : input_.findings) {
      concern(finding, finding.id);
      if (has_own_names_) {
        for (const scan::Observation& observation : finding.observations) {
          for (const std::string& name : names_of(observation)) concern(finding, name);
        }
      }
    }
    for (const Waiver& waiver : gate_.waivers) {
      const bool is_over = waiver.expires_at <= input_.now;
      if (!is_over && waiver.expires_at - input_.now > model::kWaiverWarning) continue;
      if (!concerned.contains(&waiver)) continue;
      verdict_.warnings.push_back(fmt::format("the waiver of {} for {} {} on {}", waiver.by,
                                              waiver.finding, is_over ? "ended" : "ends",
                                              day_of(waiver.expires_at)));
    }
  }

  const model::Gate& gate_;
  const GateInput& input_;
  std::unordered_map<std::string, std::vector<const Waiver*>> waivers_;
  /// Whether some waiver names an advisory, or what a scanner calls it.
  bool has_own_names_ = false;
  scan::Counts counts_;
  std::set<std::string> pending_;
  int failed_ = 0;
  int reviewed_ = 0;
  GateVerdict verdict_;
};

}  // namespace

GateVerdict evaluate_gate(const model::Gate& gate, const GateInput& input) {
  return Evaluation(gate, input).run();
}

GateVerdict evaluate_gate(const model::Gate& gate, const std::string& image_key,
                          const std::vector<model::Assessment>& assessments, TimePoint now) {
  const std::vector<MergedFinding> merged = scan::merge(assessments);
  return evaluate_gate(gate, {image_key, now, assessments, merged});
}

static void to_json(Json& json, const FindingVerdict& value) {
  json = {{"id", value.id},
          {"package", value.package},
          {"severity", model::to_string(value.severity)},
          {"judgement", model::to_string(value.judgement)},
          {"why", value.why},
          {"waived", value.waived}};
  if (!value.waiver.empty()) json["waiver"] = value.waiver;
}

static void from_json(const Json& json, FindingVerdict& value) {
  value.id = member<std::string>(json, "id");
  value.package = member<std::string>(json, "package");
  value.severity = model::severity_from(member<std::string>(json, "severity"));
  value.judgement = model::judgement_from(member<std::string>(json, "judgement"));
  value.why = member<std::string>(json, "why");
  value.waived = member<bool>(json, "waived");
  value.waiver = json.value("waiver", "");
}

void to_json(Json& json, const GateVerdict& value) {
  json = {{"passed", value.passed},     {"needs_review", value.needs_review},
          {"failures", value.failures}, {"reviews", value.reviews},
          {"passes", value.passes},     {"warnings", value.warnings},
          {"findings", value.findings}};
}

void from_json(const Json& json, GateVerdict& value) {
  value.passed = member<bool>(json, "passed");
  value.needs_review = member<bool>(json, "needs_review");
  value.failures = member<std::vector<std::string>>(json, "failures");
  value.reviews = member<std::vector<std::string>>(json, "reviews");
  value.passes = member<std::vector<std::string>>(json, "passes");
  value.warnings = member<std::vector<std::string>>(json, "warnings");
  value.findings = member<std::vector<FindingVerdict>>(json, "findings");
}

}  // namespace hallmark::pipeline
