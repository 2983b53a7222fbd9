#include "evidence/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hallmark::evidence {
namespace {

using model::Severity;
using scan::Counts;
using scan::MergedFinding;

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--page:#fff;--text:#1c2024;--soft:#60646c;--line:#d9dce0;
--critical:#8b1a2b;--high:#cf4a1f;--unknown:#7a5195;--medium:#d9a400;--low:#3f7fbf;--info:#8b9199;
--good:#2f7d4f;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--page:#17191c;--text:#e8eaed;--soft:#a4a9b1;--line:#3a3f46;
--critical:#e5556b;--high:#f0804f;--unknown:#b48ad0;--medium:#e3b93c;--low:#6ea8e0;--info:#8b9199;
--good:#62c08a;--bad:#ef6b62}}
body{font:15px/1.5 system-ui,sans-serif;background:var(--page);color:var(--text);max-width:70rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}
p.soft,dt,figcaption{color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}thead{display:table-header-group}
tr{break-inside:avoid}figure{margin:1rem 0;break-inside:avoid}svg{width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--text)}
.good{color:var(--good)}.bad{color:var(--bad)}
.critical{color:var(--critical);fill:var(--critical)}.high{color:var(--high);fill:var(--high)}
.unknown{color:var(--unknown);fill:var(--unknown)}.medium{color:var(--medium);fill:var(--medium)}
.low{color:var(--low);fill:var(--low)}.info{color:var(--info);fill:var(--info)}
td.critical,td.high,td.unknown{font-weight:600}
@media print{:root{color-scheme:light;--page:#fff;--text:#000;--soft:#444;--line:#bbb}
body{max-width:none;margin:0;font-size:10pt}svg rect{print-color-adjust:exact;
-webkit-print-color-adjust:exact}}
@page{margin:15mm}
)css";

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string text(std::string_view outside) { return escape_html(line(outside)); }

/// Of any length, which names are not.
std::string prose(std::string_view outside) { return escape_html(model::safe_text(outside)); }

struct Bar {
  std::string label;
  Counts counts;
};

int total(Counts counts) {
  int sum = 0;
  for (Severity severity : kWorstFirst) sum += counts.of(severity);
  return sum;
}

/// Horizontal bars, stacked by severity, all on one scale. What is too narrow for its number has it
/// as a tooltip; the table below the chart has them all.
std::string chart(const std::string& caption, const std::vector<Bar>& bars) {
  constexpr int kWidth = 800;
  constexpr int kLabel = 170;  // for names
  constexpr int kCount = 60;   // for the total at the right
  constexpr int kRow = 30;
  constexpr double kNumberFits = 22;
  int most = 1;
  for (const Bar& bar : bars) most = std::max(most, total(bar.counts));
  const double scale = static_cast<double>(kWidth - kLabel - kCount) / most;
  std::string svg = fmt::format(R"(<figure><figcaption>{}</figcaption>
<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                                escape_html(caption), kWidth, kRow * static_cast<int>(bars.size()),
                                escape_html(caption));
  int y = 0;
  for (Bar bar : bars) {
    constexpr std::size_t kLabelLimit = 24;
    svg += fmt::format("\n<text x=\"0\" y=\"{}\">{}</text>", y + 19,
                       escape_html(model::safe_text(line(bar.label), kLabelLimit)));
    double x = kLabel;
    for (Severity severity : kWorstFirst) {
      const int count = bar.counts.of(severity);
      if (count == 0) continue;
      const double width = count * scale;
      svg += fmt::format(
          R"(<rect class="{0}" x="{1:.1f}" y="{2}" width="{3:.1f}" height="22"><title>{0}: {4}</title></rect>)",
          model::to_string(severity), x, y + 4, width, count);
      if (width >= kNumberFits) {
        svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" style=\"fill:var(--page)\">{}</text>",
                           x + 4, y + 19, count);
      }
      x += width;
    }
    svg += fmt::format(R"(<text x="{:.1f}" y="{}">{}</text>)", x + 6, y + 19, total(bar.counts));
    y += kRow;
  }
  return svg + "\n</svg></figure>\n";
}

std::string counts_table(const std::vector<Bar>& bars) {
  std::string html = "<table><thead><tr><th></th>";
  for (Severity severity : kWorstFirst) {
    html += fmt::format("<th class=\"{0}\">{0}</th>", model::to_string(severity));
  }
  html += "<th>all</th></tr></thead><tbody>\n";
  for (Bar bar : bars) {
    html += "<tr><th>" + text(bar.label) + "</th>";
    for (Severity severity : kWorstFirst)
      html += fmt::format("<td>{}</td>", bar.counts.of(severity));
    html += fmt::format("<td>{}</td></tr>\n", total(bar.counts));
  }
  return html + "</tbody></table>\n";
}

std::vector<Bar> by_scanner(const Subject& subject) {
  std::vector<Bar> bars;
  for (const model::Assessment& assessment : subject.assessments) {
    Bar& bar = bars.emplace_back(Bar{assessment.scanner, {}});
    for (const model::Finding& finding : assessment.findings) ++bar.counts.of(finding.severity);
  }
  bars.push_back({"all, merged", scan::count(scan::list_of(subject.findings))});
  return bars;
}

std::string head(const Subject& subject) {
  std::string html = "<h1>" + text(subject.image_key) + "</h1>\n";
  const model::Completeness worst = completeness(subject);
  if (worst != model::Completeness::complete) {
    html += fmt::format(
        "<p class=\"bad\"><strong>Not everything was seen ({}).</strong> What is not listed may "
        "still be there.</p>\n",
        model::to_string(worst));
  }
  html += "<dl>";
  auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, text(value));
  };
  row("Image", subject.image_id);
  row("Region", subject.region);
  row("Account", subject.account);
  row("System", subject.inventory.distribution.pretty_name);
  row("Packages", std::to_string(subject.inventory.packages.size()));
  row("Made from", subject.source_image_id);
  row("Run", subject.run_id);
  row("Built", subject.started_at.empty() ? "" : subject.started_at + " to " + subject.finished_at);
  row("Disk", subject.disk_sha256.empty()
                  ? ""
                  : "sha256:" + subject.disk_sha256 + " of: " + subject.disk_digest_of);
  row("Evidence", subject.evidence_digest);
  row("Made at", subject.made_at);
  return html + "</dl>\n";
}

std::string scanners(const Subject& subject) {
  std::string html =
      "<h2>Scanners</h2>\n<table><thead><tr><th>Scanner</th><th>Saw</th><th>Logged in</th>"
      "<th>Score</th><th>Scanned</th><th>Why not complete</th></tr></thead><tbody>\n";
  for (const model::Assessment& assessment : subject.assessments) {
    std::vector<std::string> why = assessment.reasons;
    for (const model::CoverageGap& gap : assessment.gaps)
      why.push_back(gap.what + ": " + gap.reason);
    std::string reasons;
    for (const std::string& reason : why) reasons += prose(reason) + "<br>";
    html += fmt::format(
        "<tr><td>{} {}</td><td "
        "class=\"{}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        text(assessment.scanner), text(assessment.scanner_version),
        assessment.completeness == model::Completeness::complete ? "good" : "bad",
        model::to_string(assessment.completeness), model::to_string(assessment.login),
        assessment.hardening_score ? fmt::format("{:.1f}", *assessment.hardening_score) : "",
        text(assessment.assessed_at), reasons);
  }
  return html + "</tbody></table>\n";
}

std::string finding_row(const Subject& subject, const Index& index, const MergedFinding& finding) {
  std::set<std::string> names;
  for (const scan::Observation& observation : finding.observations) {
    names.insert(line(subject.assessments.at(observation.assessment).scanner));
  }
  std::string seen_by;
  for (const std::string& name : names) seen_by += escape_html(name) + " ";
  const Explanation explanation = explain(index, finding);
  const std::string verdict = explanation.verdict + ": " + prose(explanation.why);
  return fmt::format(
      "<tr><td class=\"{0}\">{0}{1}</td><td>{2}</td><td>{3} {4}</td><td>{5}</td><td>{6}</td>"
      "<td>{7}</td><td>{8}</td></tr>\n",
      model::to_string(finding.severity),
      finding.known_exploited ? ", <strong>exploited</strong>" : "", text(finding.id),
      text(finding.package), text(finding.installed_version), text(finding.fixed_version),
      prose(finding.title), seen_by, verdict);
}

std::string findings(const Subject& subject) {
  if (subject.findings.empty()) return "<h2>Findings</h2>\n<p>No scanner found anything.</p>\n";
  const Index index(subject);
  std::string html =
      "<h2>Findings</h2>\n<table><thead><tr><th>Severity</th><th>Id</th><th>Installed</th>"
      "<th>Fixed in</th><th>What</th><th>Seen by</th><th>Verdict</th></tr></thead><tbody>\n";
  const std::size_t shown = std::min(subject.findings.size(), kMostRows);
  for (std::size_t i = 0; i < shown; ++i) html += finding_row(subject, index, subject.findings[i]);
  html += "</tbody></table>\n";
  if (shown < subject.findings.size()) {
    html += fmt::format("<p class=\"bad\">{} more are in findings.sarif.</p>\n",
                        subject.findings.size() - shown);
  }
  return html;
}

std::string change_page(const Subject& subject, const std::optional<Previous>& previous,
                        const std::string& what) {
  if (!previous) return "";
  const scan::Change change = change_since(subject, *previous);
  const std::vector<Bar> bars = {{"new", scan::count(change.introduced)},
                                 {"unchanged", scan::count(change.unchanged)},
                                 {"gone", scan::count(change.fixed)}};
  std::string html = "<h2>Change since " + what + text(previous->image_key) + "</h2>\n";
  if (previous->completeness != model::Completeness::complete) {
    html += fmt::format(
        "<p class=\"bad\">Not everything was seen there ({}): what is new here may "
        "have been there.</p>\n",
        model::to_string(previous->completeness));
  }
  if (!previous->scanners.empty()) {
    html += "<p>As far as these saw both: " +
            text(fmt::format("{}", fmt::join(previous->scanners, ", "))) + "</p>\n";
  }
  return html + chart("Findings that are new, unchanged and gone", bars) + counts_table(bars);
}

std::string rules(const Rules& rules) {
  std::string rows;
  auto add = [&](const char* tone, const char* name, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      rows +=
          fmt::format("<tr><td class=\"{}\">{}</td><td>{}</td></tr>\n", tone, name, prose(line));
    }
  };
  add("bad", "fails", rules.failures);
  add("bad", "needs review", rules.reviews);
  add("bad", "warning", rules.warnings);
  add("good", "holds", rules.passes);
  if (rows.empty()) return "";
  return "<h2>Rules</h2>\n<table><tbody>\n" + rows + "</tbody></table>\n";
}

std::string decisions(const Subject& subject) {
  if (subject.run_id.empty()) return "";  // a disk that nobody decides on
  std::string html = "<h2>Decisions</h2>\n";
  if (subject.approved) {
    html += *subject.approved ? "<p class=\"good\"><strong>Approved</strong></p>\n"
                              : "<p class=\"bad\"><strong>Rejected</strong></p>\n";
  } else {
    html += "<p>Not decided yet.</p>\n";
  }
  if (subject.decisions.empty()) return html;
  html +=
      "<table><thead><tr><th>Who</th><th>Said</th><th>When</th><th>Comment</th></tr></"
      "thead><tbody>\n";
  for (const Decision& decision : subject.decisions) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        text(decision.approver), decision.approve ? "approve" : "reject",
                        text(decision.decided_at), prose(decision.comment));
  }
  return html + "</tbody></table>\n";
}

}  // namespace

std::string report_html(const Subject& subject) {
  const std::vector<Bar> bars = by_scanner(subject);
  // The policy lets the page do nothing but show itself, should a text ever get through.
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         text(subject.image_key) + "</title>\n<style>" + kStyle + "</style></head><body>\n" +
         head(subject) + "<h2>Severities</h2>\n" + chart("Findings by scanner and severity", bars) +
         counts_table(bars) + scanners(subject) + rules(subject.rules) +
         change_page(subject, subject.previous, "") +
         change_page(subject, subject.source, "the source image ") + findings(subject) +
         decisions(subject) + "<p class=\"soft\">hallmark " + text(subject.tool_version) +
         "</p>\n</body></html>\n";
}

}  // namespace hallmark::evidence
