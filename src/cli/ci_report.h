#pragma once
/// What came of a build, in the shapes that CI systems show. Pure: texts of packages and scanners
/// are outside texts, and none of them becomes markup, another line or a command of the CI
/// system's.

#include <string>
#include <vector>

#include "base/json.h"

namespace hallmark::cli {

struct CiFinding {
  std::string id;
  std::string package;
  std::string severity;   ///< "critical", .. as golden.yaml says it
  std::string judgement;  ///< "fail" or "review"
  std::string why;
};

struct CiReport {
  std::string file = "golden.yaml";  ///< what findings are shown beside
  std::string image_key;
  std::string run_id;
  std::string state;   ///< as of a golden image
  std::string reason;  ///< why it failed or was rejected
  std::string image_id;
  std::string evidence_digest;
  std::string approve_command;  ///< empty: nothing waits
  bool gate_known = false, gate_passed = false;
  std::vector<std::string> failures;  ///< of the gate, one line each
  std::vector<CiFinding> findings;    ///< the worst first

  /// Nothing came of it, or the gate is closed.
  bool failed() const;
};

/// From an approval's record (image_record.h).
CiReport ci_report(const Json& approval, const std::string& file);

/// Workflow commands of GitHub Actions: `::error file=..`; at most fifty.
std::string github_annotations(const CiReport& report);
/// One line each, for any log.
std::string plain_lines(const CiReport& report);
/// GitLab's Code Quality report.
std::string code_quality(const CiReport& report);
/// KEY=value lines, as GitLab's dotenv reports and $GITHUB_OUTPUT take them.
std::string dotenv(const CiReport& report);
/// JUnit's XML: the build, the gate, and one test case for each finding.
std::string junit(const CiReport& report);
/// GitHub's Markdown.
std::string summary_markdown(const CiReport& report);

}  // namespace hallmark::cli
