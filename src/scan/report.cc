#include "scan/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include "base/ids.h"

namespace hallmark::scan {
namespace {

using model::Assessment;
using model::Completeness;
using model::Finding;
using Same = bool (*)(const Finding&, const Finding&);

bool same_id(const Finding& a, const Finding& b) {
  return a.package == b.package && a.architecture == b.architecture && a.finding_id == b.finding_id;
}

bool same_package(const Finding& a, const Finding& b) {
  return a.package == b.package && a.architecture == b.architecture &&
         a.advisory_source == b.advisory_source;
}

/// Moves pairs for which `same` holds out of both lists.
void pair_up(std::vector<Finding>& source, std::vector<Finding>& candidate, Same same,
             std::vector<SharedFinding>& pairs) {
  std::vector<Finding> left;
  for (Finding& finding : candidate) {
    auto match = std::find_if(source.begin(), source.end(),
                              [&](const Finding& other) { return same(other, finding); });
    if (match == source.end()) {
      left.push_back(std::move(finding));
      continue;
    }
    pairs.push_back({std::move(*match), std::move(finding)});
    source.erase(match);
  }
  candidate = std::move(left);
}

Json side_json(const ReportSide& side) {
  return {{"image_id", side.image_id},
          {"image_name", side.image_name},
          {"assessment_digest", assessment_digest(side.assessment)},
          {"completeness", to_string(side.assessment.completeness)},
          {"package_count", side.assessment.package_count},
          {"finding_count", side.assessment.findings.size()},
          {"gap_count", side.assessment.gaps.size()},
          {"distribution", side.assessment.distribution},
          {"gaps", side.assessment.gaps},
          {"advisories", side.assessment.advisories},
          {"assessed_at", side.assessment.assessed_at}};
}

/// A table for a terminal: each column as wide as its widest cell.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const {
    std::vector<std::size_t> widths(rows_[0].size(), 0);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line = " ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        line += fmt::format(" {:<{}} ", row[i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Control characters could rewrite the terminal; they come from a disk that nobody trusts.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return text;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : printable(text); }

std::string side_name(const ReportSide& side) {
  if (side.image_name.empty()) return printable(side.image_id);
  return printable(side.image_name + " (" + side.image_id + ")");
}

}  // namespace

Comparison compare(const Assessment& source, const Assessment& candidate) {
  Comparison comparison;
  comparison.fixed = source.findings;
  comparison.introduced = candidate.findings;
  pair_up(comparison.fixed, comparison.introduced, same_id, comparison.unchanged);
  pair_up(comparison.fixed, comparison.introduced, same_package, comparison.unchanged);
  std::stable_sort(comparison.unchanged.begin(), comparison.unchanged.end(),
                   [](const SharedFinding& a, const SharedFinding& b) {
                     return a.candidate.package < b.candidate.package;
                   });
  return comparison;
}

std::string assessment_digest(const Assessment& assessment) {
  return sha256_hex(compact(Json(assessment)));
}

Json report_json(const ReportInput& input) {
  Comparison comparison = compare(input.source.assessment, input.candidate.assessment);
  Json unchanged = Json::array();
  for (const SharedFinding& shared : comparison.unchanged) {
    unchanged.push_back({{"source", shared.source}, {"candidate", shared.candidate}});
  }
  return {{"title", input.title},
          {"made_at", input.made_at},
          {"evidence_digest", input.evidence_digest},
          {"source", side_json(input.source)},
          {"candidate", side_json(input.candidate)},
          {"counts",
           {{"introduced", comparison.introduced.size()},
            {"unchanged", comparison.unchanged.size()},
            {"fixed", comparison.fixed.size()}}},
          {"introduced", comparison.introduced},
          {"unchanged", unchanged},
          {"fixed", comparison.fixed}};
}

std::string report_text(const ReportInput& input) {
  Comparison comparison = compare(input.source.assessment, input.candidate.assessment);
  std::string text = fmt::format("{}\n\n", printable(input.title));

  TextTable summary({"", "source", "candidate"});
  auto row = [&](std::string name, const std::function<std::string(const ReportSide&)>& value) {
    summary.add({std::move(name), value(input.source), value(input.candidate)});
  };
  row("image", side_name);
  row("system", [](const auto& side) { return or_dash(side.assessment.distribution.pretty_name); });
  row("packages", [](const auto& side) { return std::to_string(side.assessment.package_count); });
  row("findings", [](const auto& side) { return std::to_string(side.assessment.findings.size()); });
  row("gaps", [](const auto& side) { return std::to_string(side.assessment.gaps.size()); });
  row("assessment",
      [](const auto& side) { return std::string(to_string(side.assessment.completeness)); });
  text += summary.text();

  auto gaps = [&](const char* name, const ReportSide& side) {
    if (side.assessment.gaps.empty()) return;
    text += fmt::format("\nNot covered in the {}\n", name);
    for (const model::CoverageGap& gap : side.assessment.gaps) {
      text += fmt::format("  {}: {}\n", printable(gap.what), printable(gap.reason));
    }
  };
  gaps("candidate", input.candidate);
  gaps("source", input.source);

  TextTable table({"", "package", "source", "candidate", "fixed in", "severity"});
  auto severity = [](const Finding& finding) { return std::string(to_string(finding.severity)); };
  for (const Finding& finding : comparison.introduced) {
    table.add({"new", printable(finding.package), "-", printable(finding.installed_version),
               or_dash(finding.fixed_version), severity(finding)});
  }
  for (const auto& [source, candidate] : comparison.unchanged) {
    table.add({"unchanged", printable(candidate.package), printable(source.installed_version),
               printable(candidate.installed_version), or_dash(candidate.fixed_version),
               severity(candidate)});
  }
  for (const Finding& finding : comparison.fixed) {
    table.add({"fixed", printable(finding.package), printable(finding.installed_version), "-",
               or_dash(finding.fixed_version), severity(finding)});
  }
  text += fmt::format("\n{} fixed, {} new, {} unchanged\n", comparison.fixed.size(),
                      comparison.introduced.size(), comparison.unchanged.size());
  if (!table.empty()) text += table.text();
  for (const model::AdvisorySource& source : input.candidate.assessment.advisories) {
    text +=
        fmt::format("\nadvisories: {} of {}, fetched {}\n  digest {}\n", printable(source.name),
                    or_dash(source.valid_from), or_dash(source.fetched_at), or_dash(source.digest));
  }
  if (!input.evidence_digest.empty()) {
    text += fmt::format("evidence: {}\n", printable(input.evidence_digest));
  }
  return text;
}

}  // namespace hallmark::scan
