/// hallmark ci report: what came of a build, for a CI system.

#include "cli/ci.h"

#include "base/files.h"
#include "cli/ci_report.h"
#include "cli/image_record.h"

namespace hallmark::cli {

namespace {

std::string shown(const CiReport& report, const std::string& format) {
  if (format == "github") return github_annotations(report);
  if (format == "plain") return plain_lines(report);
  throw Error(ErrorKind::usage, "--format is \"{}\"", format).hint("one of: github, plain");
}

int exit_code_of(const CiReport& report, bool approved) {
  if (report.state == "failed") return traits(ErrorKind::failed).exit_code;
  if (report.failed()) return traits(ErrorKind::rejected).exit_code;
  if (report.state == "building") return traits(ErrorKind::conflict).exit_code;
  const bool golden = report.state == "active" || report.state == "deprecated";
  return approved && !golden ? traits(ErrorKind::conflict).exit_code : 0;
}

Outcome report(App& app, const Arguments& arguments) {
  const CiReport report = ci_report(approval_record(app, image_named(app, arguments)),
                                    arguments.value_or("--file", "golden.yaml"));
  const std::string text = shown(report, arguments.value_or("--format", "plain"));
  const std::pair<const char*, std::string (*)(const CiReport&)> documents[] = {
      {"--summary", summary_markdown},
      {"--junit", junit},
      {"--code-quality", code_quality},
      {"--dotenv", dotenv}};
  for (const auto& [option, document] : documents) {
    if (const auto file = arguments.value(option)) write_file(*file, document(report));
  }
  return {{{"image_key", report.image_key},
           {"run_id", report.run_id},
           {"state", report.state},
           {"failed", report.failed()},
           {"text", text}},
          exit_code_of(report, arguments.has("--approved"))};
}

}  // namespace

std::vector<Command> ci_commands() {
  return {{.noun = "ci",
           .verb = "report",
           .summary = "Say what came of a build, as a CI system shows it.",
           .examples = {{"hallmark ci report Web-1.0/Debian-12 --format github --summary "
                         "\"$GITHUB_STEP_SUMMARY\"",
                         "Annotations for what the gate holds against it."},
                        {"hallmark ci report run-3f --junit hallmark.xml --approved",
                         "For Jenkins; fails as long as nobody has approved it."}},
           .arguments = {image_argument()},
           .options = {{"--format", "NAME", "of what is printed: github or plain; default: plain"},
                       {"--file", "PATH", "what findings are shown beside; default: golden.yaml"},
                       {"--summary", "FILE", "write Markdown there"},
                       {"--junit", "FILE", "write JUnit's XML there"},
                       {"--code-quality", "FILE", "write GitLab's Code Quality report there"},
                       {"--dotenv", "FILE", "write KEY=value lines there"},
                       {"--approved", "", "fail unless it is approved"}},
           .description = "See examples/ci for GitHub Actions, GitLab and Jenkins.",
           .exits = {{ErrorKind::failed, "the build failed"},
                     {ErrorKind::rejected, "the gate is closed, or an approver said no"},
                     {ErrorKind::conflict,
                      "it is still being built; with --approved: it is not approved"},
                     {ErrorKind::not_found, ""}},
           .run = report,
           .render = [](const Json& record, App& app) {
             app.out.stream << record.at("text").get<std::string>();
           }}};
}

}  // namespace hallmark::cli
