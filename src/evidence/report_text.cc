#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "evidence/report.h"

namespace hallmark::evidence {
namespace {

using model::Severity;

/// As `explain` calls what the gate lets pass.
constexpr std::string_view kPass = "pass";

/// A table for a terminal: each column as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
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

std::string text_of(const Json& json, const char* key) { return member<std::string>(json, key); }

std::string or_dash(const std::string& text) { return text.empty() ? "-" : line(text); }

/// Texts may hold newlines, which would break a table.
std::string cell(const Json& json, const char* key) { return or_dash(text_of(json, key)); }

std::string count_text(const Json& json, const char* key) {
  return std::to_string(member<std::uint64_t>(json, key));
}

std::string head(const Json& report) {
  std::string text = text_of(report, "image_key") + "\n\n";
  Table table({"image", cell(report, "image_id")});
  auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.add({name, value});
  };
  row("region", text_of(report, "region"));
  row("account", text_of(report, "account"));
  row("system", text_of(report, "distribution"));
  row("packages", count_text(report, "packages"));
  row("made from", text_of(report, "source_image_id"));
  row("run", text_of(report, "run_id"));
  const std::string disk = text_of(report, "disk_sha256");
  if (!disk.empty()) row("disk", "sha256:" + disk + " of: " + text_of(report, "disk_digest_of"));
  text += table.text();
  const std::string worst = text_of(report, "completeness");
  if (worst != model::to_string(model::Completeness::complete)) {
    text += fmt::format("\nNot everything was seen ({}): what is not listed may still be there.\n",
                        worst);
  }
  return text;
}

std::string scanners(const Json& report) {
  std::vector<std::string> heading = {"SCANNER", "SAW", "LOGGED IN", "SCORE", "FINDINGS"};
  for (Severity severity : kWorstFirst) heading.emplace_back(model::to_string(severity));
  heading.emplace_back("SCANNED");
  Table table(std::move(heading));
  auto row = [&](std::vector<std::string> cells, const Json& counts, const std::string& at) {
    for (Severity severity : kWorstFirst) {
      cells.push_back(count_text(counts, std::string(model::to_string(severity)).c_str()));
    }
    cells.push_back(at);
    table.add(std::move(cells));
  };
  std::string missing;
  for (const Json& scanner : member<Json>(report, "scanners")) {
    const Json score = member<Json>(scanner, "hardening_score");
    const std::string name = cell(scanner, "scanner");
    row({name, cell(scanner, "completeness"), cell(scanner, "login"),
         score.is_number() ? fmt::format("{:.1f}", score.get<double>()) : "-",
         count_text(scanner, "findings")},
        member<Json>(scanner, "counts"), cell(scanner, "assessed_at"));
    for (const Json& reason : member<Json>(scanner, "reasons")) {
      missing += fmt::format("  {}: {}\n", name, line(reason.get<std::string>()));
    }
    for (const Json& gap : member<Json>(scanner, "gaps")) {
      missing += fmt::format("  {}: {}: {}\n", name, cell(gap, "what"), cell(gap, "reason"));
    }
  }
  row({"all, merged", cell(report, "completeness"), "", "",
       std::to_string(member<Json>(report, "findings").size())},
      member<Json>(report, "counts"), "");
  return "\nScanners\n" + table.text() + (missing.empty() ? "" : "\nNot covered\n" + missing);
}

std::string rules(const Json& rules) {
  Table table({"", "RULE"});
  auto add = [&](const char* name, const char* list) {
    for (const Json& one : member<Json>(rules, list)) {
      table.add({name, line(one.get<std::string>())});
    }
  };
  add("fails", "failures");
  add("needs review", "reviews");
  add("warning", "warnings");
  add("holds", "passes");
  return table.empty() ? "" : "\nRules\n" + table.text();
}

std::string not_shown(std::size_t count) {
  if (count <= kMostLines) return "";
  return fmt::format("  {} more are in report.json\n", count - kMostLines);
}

std::string change_text(const Json& change, const std::string& what) {
  if (!change.is_object()) return "";
  const Json fixed = member<Json>(change, "fixed");
  const Json introduced = member<Json>(change, "introduced");
  std::string text = fmt::format("\nChange since {}{}: {} gone, {} new, {} unchanged\n", what,
                                 cell(change, "since"), fixed.size(), introduced.size(),
                                 count_text(change, "unchanged"));
  const std::string then = text_of(change, "completeness_then");
  if (then != model::to_string(model::Completeness::complete)) {
    text += fmt::format("  not everything was seen there ({}): what is new may have been there\n",
                        then);
  }
  const auto names = member<std::vector<std::string>>(change, "scanners");
  if (!names.empty()) text += "  as far as these saw both: " + line(join(names, ", ")) + "\n";
  Table table({"", "SEVERITY", "ID", "PACKAGE"});
  auto add = [&](const char* name, const Json& findings) {
    for (std::size_t i = 0; i < std::min(findings.size(), kMostLines); ++i) {
      table.add({name, cell(findings[i], "severity"), cell(findings[i], "id"),
                 cell(findings[i], "package")});
    }
  };
  add("new", introduced);
  add("gone", fixed);
  if (!table.empty()) text += table.text();
  return text + not_shown(std::max(introduced.size(), fixed.size()));
}

/// What decides first, then as they are sorted.
std::size_t rank_of(const std::string& verdict) {
  constexpr std::array<std::string_view, 3> kOrder = {"fail", "review", "waived"};
  return static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), verdict) -
                                  kOrder.begin());
}

std::vector<const Json*> by_verdict(const Json& findings) {
  std::vector<std::pair<std::size_t, const Json*>> ranked;
  for (const Json& finding : findings) {
    ranked.emplace_back(rank_of(text_of(finding, "verdict")), &finding);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const Json*> sorted;
  for (const auto& [rank, finding] : ranked) sorted.push_back(finding);
  return sorted;
}

std::string findings(const Json& all) {
  if (all.empty()) return "\nNo scanner found anything.\n";
  Table table({"VERDICT", "SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED IN", "SEEN BY"});
  const std::vector<const Json*> sorted = by_verdict(all);
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostLines); ++i) {
    const Json& finding = *sorted[i];
    table.add({cell(finding, "verdict"), cell(finding, "severity"), cell(finding, "id"),
               cell(finding, "package"), cell(finding, "installed_version"),
               cell(finding, "fixed_version"),
               join(member<std::vector<std::string>>(finding, "scanners"), " ")});
  }
  return fmt::format("\nFindings: {}\n", sorted.size()) + table.text() + not_shown(sorted.size());
}

std::string decisions(const Json& report) {
  if (text_of(report, "run_id").empty()) return "";
  const Json approved = member<Json>(report, "approved");
  std::string text = "\nDecisions\n";
  text += !approved.is_boolean() ? "  not decided yet\n"
          : approved.get<bool>() ? "  approved\n"
                                 : "  rejected\n";
  for (const Json& decision : member<Json>(report, "decisions")) {
    const std::string comment = text_of(decision, "comment");
    text += fmt::format("  {} said {} at {}{}{}\n", cell(decision, "approver"),
                        member<bool>(decision, "approve") ? "approve" : "reject",
                        cell(decision, "decided_at"), comment.empty() ? "" : ": ", line(comment));
  }
  return text;
}

}  // namespace

std::string report_text(const Json& report) {
  const std::string digest = text_of(report, "evidence_digest");
  return head(report) + scanners(report) + rules(member<Json>(report, "rules")) +
         change_text(member<Json>(report, "change_since_previous"), "") +
         change_text(member<Json>(report, "change_since_source"), "the source image ") +
         findings(member<Json>(report, "findings")) + decisions(report) +
         (digest.empty() ? "" : "\nevidence: " + digest + "\n");
}

std::string why_text(const Json& report, bool also_passed) {
  std::string text = rules(member<Json>(report, "rules"));
  const Json all = member<Json>(report, "findings");
  std::size_t passed = 0;
  std::string last;
  for (const Json* finding : by_verdict(all)) {
    const std::string verdict = text_of(*finding, "verdict");
    if (verdict == kPass && !also_passed) {
      ++passed;
      continue;
    }
    if (verdict != last) text += "\n" + verdict + "\n";
    last = verdict;
    const std::string package = text_of(*finding, "package");
    text += fmt::format("  {}{}{}: {}\n", cell(*finding, "id"), package.empty() ? "" : " in ",
                        package, cell(*finding, "why"));
  }
  if (passed > 0) text += fmt::format("\n{} more findings passed\n", passed);
  return text;
}

}  // namespace hallmark::evidence
