#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

#include "scan/report.h"

namespace hallmark::scan {
namespace {

using model::Completeness;
using model::Finding;

// No script and no outside source: the page says so itself, so that a hole in the escaping stays
// harmless.
constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>)";

constexpr std::string_view kStyle = R"(</title>
<style>
:root { color-scheme: light dark; --page: #fbfaf7; --card: #ffffff; --text: #1f2328; --soft: #59636e;
  --line: #d9d4c7; --good: #1a7f37; --bad: #c4251c; --warn: #8a5a00; --warn-page: #fff6dd; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --card: #1c2127; --text: #e6e8ea; --soft: #9aa5b1; --line: #343b44;
    --good: #57c274; --bad: #ff7b72; --warn: #e3b341; --warn-page: #2b2412; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; }
p { margin: .4rem 0; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.gaps { background: var(--warn-page); border: 1px solid var(--warn); border-radius: .5rem;
  padding: .2rem 1rem .7rem; margin: 1rem 0; }
.gaps h2 { margin-top: .7rem; color: var(--warn); }
.gaps ul { margin: 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; padding: .45rem .8rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
code, .version { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
@media print { body { max-width: none; padding: 0; } }
</style>
</head>
<body>
)";

class Page {
 public:
  explicit Page(const ReportInput& input)
      : input_(input), comparison_(compare(input.source.assessment, input.candidate.assessment)) {}

  std::string make() {
    html_ = kHead;
    html_ += escape_html(input_.title);
    html_ += kStyle;
    add("<header>\n<h1>{}</h1>\n", input_.title);
    add("<p class=\"soft\">Assessment of the candidate beside its source, made {}</p>\n</header>\n",
        input_.made_at);
    html_ += "<main>\n";
    tiles();
    gaps("candidate", input_.candidate);
    gaps("source", input_.source);
    doubt();
    introduced();
    unchanged();
    fixed();
    images();
    advisories();
    html_ += "</main>\n</body>\n</html>\n";
    return std::move(html_);
  }

 private:
  /// Appends `format`; every argument is escaped, so that nothing reaches the page as markup.
  template <typename... Args>
  void add(fmt::string_view format, const Args&... args) {
    html_ += fmt::format(fmt::runtime(format), escape_html(fmt::format("{}", args))...);
  }

  void tile(std::size_t count, std::string_view label, std::string_view colour) {
    add("<li><b class=\"{}\">{}</b>{}</li>\n", colour, count, label);
  }

  void tiles() {
    html_ += "<ul class=\"tiles\">\n";
    tile(comparison_.fixed.size(), "fixed", "good");
    tile(comparison_.introduced.size(), "new", comparison_.introduced.empty() ? "good" : "bad");
    tile(comparison_.unchanged.size(), "unchanged", comparison_.unchanged.empty() ? "good" : "bad");
    std::size_t gap_count = input_.candidate.assessment.gaps.size();
    tile(gap_count, "not covered", gap_count == 0 ? "good" : "warn");
    Completeness state = input_.candidate.assessment.completeness;
    add("<li><b class=\"{}\">{}</b>assessment of the candidate</li>\n</ul>\n",
        state == Completeness::complete ? "good" : "warn", to_string(state));
  }

  void gaps(std::string_view name, const ReportSide& side) {
    if (side.assessment.gaps.empty()) return;
    add("<section class=\"gaps\">\n<h2>Not covered in the {}</h2>\n<ul>\n", name);
    for (const model::CoverageGap& gap : side.assessment.gaps) {
      add("<li><b>{}</b>: {}</li>\n", gap.what, gap.reason);
    }
    html_ += "</ul>\n</section>\n";
  }

  void doubt() {
    bool whole = input_.source.assessment.completeness == Completeness::complete &&
                 input_.candidate.assessment.completeness == Completeness::complete;
    if (whole) return;
    html_ +=
        "<p class=\"warn\">An assessment that is not complete may miss findings: "
        "\"fixed\" can also mean \"not seen\".</p>\n";
  }

  void open_table(std::string_view title, std::size_t count,
                  std::initializer_list<std::string_view> columns) {
    add("<section>\n<h2>{} ({})</h2>\n<div class=\"wide\"><table>\n<thead><tr>", title, count);
    for (std::string_view column : columns) add("<th scope=\"col\">{}</th>", column);
    html_ += "</tr></thead>\n<tbody>\n";
  }
  void close_table() { html_ += "</tbody>\n</table></div>\n</section>\n"; }

  void package_cell(const Finding& finding) {
    add("<tr><th scope=\"row\">{}", finding.package);
    if (finding.source_package != finding.package && !finding.source_package.empty()) {
      add("<br><span class=\"soft\">of {}</span>", finding.source_package);
    }
    html_ += "</th>";
  }
  void version_cell(const std::string& version) {
    add("<td class=\"version\">{}</td>", version.empty() ? "none yet" : version);
  }
  void last_cells(const Finding& finding) {
    add("<td>{}</td><td>{}</td></tr>\n", to_string(finding.severity), finding.title);
  }

  void single(std::string_view title, std::string_view installed,
              const std::vector<Finding>& findings) {
    if (findings.empty()) return;
    open_table(title, findings.size(), {"Package", installed, "Fixed in", "Severity", "Finding"});
    for (const Finding& finding : findings) {
      package_cell(finding);
      version_cell(finding.installed_version);
      version_cell(finding.fixed_version);
      last_cells(finding);
    }
    close_table();
  }
  void introduced() { single("New in the candidate", "In the candidate", comparison_.introduced); }
  void fixed() { single("Fixed", "In the source", comparison_.fixed); }

  void unchanged() {
    if (comparison_.unchanged.empty()) return;
    open_table("Unchanged", comparison_.unchanged.size(),
               {"Package", "In the source", "In the candidate", "Fixed in", "Severity", "Finding"});
    for (const auto& [source, candidate] : comparison_.unchanged) {
      package_cell(candidate);
      version_cell(source.installed_version);
      version_cell(candidate.installed_version);
      version_cell(candidate.fixed_version);
      last_cells(candidate);
    }
    close_table();
  }

  void image_row(std::string_view name, const ReportSide& side) {
    const model::Assessment& assessment = side.assessment;
    add("<tr><th scope=\"row\">{}</th><td>{}<br><code>{}</code></td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
        name, side.image_name, side.image_id, assessment.distribution.pretty_name,
        assessment.package_count, assessment.findings.size(), to_string(assessment.completeness),
        assessment_digest(assessment));
  }
  void images() {
    open_table("Images", 2,
               {"", "Image", "System", "Packages", "Findings", "Assessment", "Digest (SHA-256)"});
    image_row("Source", input_.source);
    image_row("Candidate", input_.candidate);
    close_table();
  }

  void advisories() {
    const auto& sources = input_.candidate.assessment.advisories;
    open_table("Advisories", sources.size(), {"Source", "State of", "Fetched", "Digest (SHA-256)"});
    for (const model::AdvisorySource& source : sources) {
      add("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
          source.name, source.valid_from, source.fetched_at, source.digest);
    }
    close_table();
    if (input_.evidence_digest.empty()) return;
    add("<section>\n<h2>Evidence</h2>\n<p>An approval is bound to the digest "
        "<code>{}</code></p>\n</section>\n",
        input_.evidence_digest);
  }

  const ReportInput& input_;
  Comparison comparison_;
  std::string html_;
};

}  // namespace

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
        // HTML knows no control characters but these.
        escaped += static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return escaped;
}

std::string report_html(const ReportInput& input) { return Page(input).make(); }

}  // namespace hallmark::scan
