#include "scan/openscap/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "scan/openscap/gzip.h"

namespace hallmark::scan::openscap {
namespace {

using model::Assessment;
using model::Completeness;
using model::Login;
using State = MachineCommand::State;

constexpr std::size_t kLargestResults = std::size_t{96} << 20;
constexpr std::size_t kLargestMessages = std::size_t{4} << 20;
// oscap(8), "EXIT STATUS".
constexpr int kAllHold = 0, kOscapError = 1, kSomeFail = 2;
// What a person reads before looking into the file itself.
constexpr std::size_t kMessagesShown = 3;
constexpr std::size_t kMessageShown = 300;

std::string shown_message(std::string_view text) { return model::safe_text(text, kMessageShown); }

/// Lines of oscap's that say an error of its own.
std::vector<std::string> errors_of(std::string_view messages) {
  std::vector<std::string> errors;
  for (const std::string& line : split(messages, '\n')) {
    std::string_view text = trim(line);
    if (!text.starts_with("E: oscap:")) continue;
    text = trim(text.substr(9));
    // Said of every machine without RPM, by the check whether it is one of Red Hat's: the file
    // comes with rpm itself, and without it there is nothing to be read.
    if (text.starts_with("RPM: Unable to open ") && text.find("/rpmrc for reading") != text.npos) {
      continue;
    }
    if (std::find(errors.begin(), errors.end(), text) == errors.end())
      errors.push_back(shown_message(text));
  }
  return errors;
}

/// Whether a way to look at the machine broke as a whole: then rules seem to hold that do not.
bool is_broken_probe(const std::string& error) {
  std::string text = to_lower(error);
  return text.find("init has failed") != text.npos || text.find("probe") != text.npos;
}

void judge_messages(Assessment& assessment, std::string_view messages) {
  std::vector<std::string> errors = errors_of(messages);
  if (!errors.empty()) {
    bool broken = std::any_of(errors.begin(), errors.end(), is_broken_probe);
    std::size_t more = errors.size() - std::min(errors.size(), kMessagesShown);
    errors.resize(std::min(errors.size(), kMessagesShown));
    lower(assessment, broken ? Completeness::inconclusive : Completeness::partial,
          fmt::format("oscap had errors of its own: {}{}", join(errors, "; "),
                      more == 0 ? "" : fmt::format("; and {} more", more)));
  }
}

/// The last lines, for people.
std::string end_of(std::string_view messages) {
  std::vector<std::string> lines;
  for (const std::string& line : split(messages, '\n')) {
    if (!trim(line).empty()) lines.push_back(shown_message(trim(line)));
  }
  std::size_t first = lines.size() - std::min(lines.size(), kMessagesShown);
  return join({lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end()}, "; ");
}

std::string with_end(std::string text, std::string_view messages) {
  std::string end = end_of(messages);
  return end.empty() ? text : text + ": " + end;
}

void judge_exit(Assessment& assessment, int code, std::string_view messages) {
  if (code == kAllHold || code == kSomeFail) return;
  std::string why = code == kOscapError ? "oscap could not evaluate the machine"
                    : code > 128        ? fmt::format("oscap was ended by signal {}", code - 128)
                                        : fmt::format("oscap ended with exit code {}", code);
  lower(assessment, Completeness::failed, with_end(why, messages));
}

void judge_rules(Assessment& assessment, const OpenscapConfig& config, const Results& results,
                 std::string_view messages) {
  model::Checks checks;
  int manual = 0, broken = 0;
  for (const RuleOutcome& rule : results.rules) {
    switch (rule.verdict) {
      case Verdict::passed:
        ++checks.passed;
        break;
      case Verdict::failed:
        ++checks.failed;
        break;
      case Verdict::not_applicable:
        ++checks.not_applicable;
        break;
      case Verdict::not_checked:
        ++manual;
        break;
      case Verdict::error:
      case Verdict::unknown:
        ++broken;
        break;
      case Verdict::not_selected:
      case Verdict::informational:
        break;
    }
  }
  checks.not_checked = manual + broken;
  assessment.checks = checks;
  int evaluated = checks.passed + checks.failed;
  if (evaluated > 0) assessment.hardening_score = results.score;
  if (evaluated == 0 && checks.not_applicable > 0) {
    lower(assessment, Completeness::inconclusive,
          fmt::format("none of the {} rules applies to the machine: the content is for another "
                      "system",
                      checks.not_applicable));
  } else if (evaluated < std::max(config.min_evaluated, 1)) {
    lower(assessment, Completeness::inconclusive,
          fmt::format("only {} rules were evaluated, and {} are the least that is expected",
                      evaluated, std::max(config.min_evaluated, 1)));
  }
  if (broken > 0) {
    lower(assessment, Completeness::partial,
          fmt::format("of {} rules oscap could not tell whether they hold", broken));
  }
  if (manual == 0) return;
  // oscap warns of every part that was not fetched, also if no rule of the profile wants it.
  bool not_fetched = messages.find("--fetch-remote-resources") != messages.npos;
  lower(assessment, Completeness::partial,
        fmt::format("{} rules were not checked: {}", manual,
                    not_fetched ? "their check may be one of those that the content has on other "
                                  "hosts, and fetch_remote_resources is not set"
                                : "they need a person, or their check is missing"));
}

/// Whether the results are those that were asked for, and agree with how oscap ended.
void judge_origin(Assessment& assessment, const OpenscapConfig& config, const Results& results,
                  std::optional<int> code) {
  if (!results.profile.ends_with(config.profile) ||
      (config.profile.empty() && !results.profile.empty())) {
    lower(assessment, Completeness::inconclusive,
          fmt::format("the results are of the profile \"{}\"", shown_message(results.profile)));
  }
  if (code == kAllHold && results.has_failures) {
    lower(assessment, Completeness::inconclusive,
          "oscap ended as if every rule held, and the results say otherwise");
  }
  bool has_error = assessment.checks && assessment.checks->not_checked > 0;
  if (code == kSomeFail && !results.has_failures && !has_error) {
    lower(assessment, Completeness::inconclusive,
          "oscap ended as if a rule did not hold, and the results say otherwise");
  }
}

std::string fact(const Output& output, const std::string& name) {
  auto found = output.facts.find(name);
  return found == output.facts.end() ? "" : found->second;
}

std::optional<int> exit_of(const Output& output) {
  std::string text = fact(output, "exit");
  bool number = !text.empty() && text.size() <= 3 &&
                text.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::optional(std::stoi(text)) : std::nullopt;
}

std::string time_or_nothing(const std::string& text) {
  try {
    return to_rfc3339(from_rfc3339(text));
  } catch (const Error&) {
    return {};
  }
}

/// False if there can be no results.
bool judge_command(Assessment& assessment, const MachineCommand& command) {
  switch (command.state) {
    case State::running:
      assessment.native_state = "running";
      lower(assessment, Completeness::failed, "the evaluation has not ended");
      return false;
    case State::timed_out:
      assessment.native_state = "timed out";
      lower(assessment, Completeness::failed, "the evaluation took longer than its time limit");
      return false;
    case State::interrupted:
      assessment.native_state = "interrupted";
      lower(assessment, Completeness::failed, "the machine went down during the evaluation");
      return false;
    case State::finished:
      break;
  }
  assessment.native_state = "finished";
  if (command.output_truncated) {
    lower(
        assessment, Completeness::failed,
        "the output of the command was cut off: the cloud keeps less of it than the results need");
    return false;
  }
  return true;
}

void take_facts(Assessment& assessment, const Output& output) {
  assessment.scanner_version = fact(output, "version");
  assessment.started_at = time_or_nothing(fact(output, "started"));
  assessment.distribution.pretty_name = fact(output, "system");
  std::string user = fact(output, "user");
  if (user.empty()) {
    lower(assessment, Completeness::inconclusive, "nothing says that the command ran as root");
    return;
  }
  assessment.login = user == "0" ? Login::yes : Login::no;
  if (assessment.login == Login::no) {
    lower(assessment, Completeness::inconclusive,
          "the command did not run as root, so it could not see all of the machine");
  }
}

std::string unpacked(Assessment& assessment, const Output& output, const std::string& name,
                     std::size_t limit) {
  auto part = output.parts.find(name);
  if (part == output.parts.end()) return {};
  try {
    return unpack_gzip(part->second.packed, limit);
  } catch (const Error& error) {
    lower(assessment, Completeness::failed,
          fmt::format("the {} cannot be unpacked: {}", name, error.message()));
    return {};
  }
}

void add_results(Assessment& assessment, const OpenscapConfig& config, const std::string& xml,
                 std::optional<int> code, std::string_view messages) {
  Results results;
  try {
    results = parse_results(xml);
  } catch (const Error& error) {
    lower(assessment, Completeness::failed, shown_message(error.message()));
    return;
  }
  assessment.profile = results.profile.empty() ? results.benchmark_id : results.profile;
  if (assessment.scanner_version.empty()) {
    // "cpe:/a:redhat:openscap:1.3.7"
    std::size_t colon = results.test_system.rfind(':');
    if (colon != std::string::npos) {
      assessment.scanner_version = results.test_system.substr(colon + 1);
    }
  }
  judge_rules(assessment, config, results, messages);
  judge_origin(assessment, config, results, code);
  for (const RuleOutcome& rule : results.rules) {
    if (is_finding(rule.verdict)) assessment.findings.push_back(finding_of(rule, config.name));
  }
  std::sort(
      assessment.findings.begin(), assessment.findings.end(),
      [](const model::Finding& a, const model::Finding& b) { return a.finding_id < b.finding_id; });
}

/// "CCI-000366", "SRG-OS-000023-GPOS-00006", "RHEL-09-211010".
bool is_stig_word(const std::string& text) {
  if (text.size() < 8 || text.size() > 40 || text.find('-') == std::string::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
}

/// Publishers of STIGs: public.cyber.mil, and iase.disa.mil before it.
bool is_stig_link(const std::string& url) {
  return url.find("cyber.mil/") != std::string::npos || url.find("disa.mil/") != std::string::npos;
}

/// "SMPL-01-000020": words and numbers, of which the last is the longest.
bool is_stig_id(const std::string& text) {
  std::size_t dash = text.rfind('-');
  return is_stig_word(text) && !text.starts_with("CCI-") && !text.starts_with("SRG-") &&
         text.find('-') != dash &&
         text.find_first_not_of("0123456789", dash + 1) == std::string::npos;
}

std::string stig_category(model::Severity severity) {
  switch (severity) {
    case model::Severity::critical:
    case model::Severity::high:
      return "CAT I";
    case model::Severity::medium:
      return "CAT II";
    case model::Severity::low:
      return "CAT III";
    default:
      return {};
  }
}

model::Severity severity_of(const std::string& word) {
  if (word == "high") return model::Severity::high;
  if (word == "medium") return model::Severity::medium;
  if (word == "low") return model::Severity::low;
  return word == "info" ? model::Severity::info : model::Severity::unknown;
}

}  // namespace

model::Finding finding_of(const RuleOutcome& outcome, const std::string& source) {
  const RuleText& text = outcome.text;
  std::set<std::string> ids(text.idents.begin(), text.idents.end());
  bool is_stig = is_stig_id(text.version);
  if (is_stig) ids.insert(text.version);
  std::vector<std::string> urls;
  for (const auto& [url, word] : text.references) {
    if (!is_stig_link(url)) continue;
    if (is_stig_word(word)) ids.insert(word);
    is_stig = is_stig || is_stig_id(word);
    if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(url);
  }
  // DISA names a group after its vulnerability: "xccdf_mil.disa.stig_group_V-257777".
  std::size_t group = text.group_id.rfind("_V-");
  if (group != std::string::npos) ids.insert(text.group_id.substr(group + 1));

  model::Finding finding{.finding_id = outcome.rule_id, .kind = model::FindingKind::compliance};
  finding.severity = severity_of(outcome.severity);
  std::string category = is_stig ? stig_category(finding.severity) : "";
  finding.severity_native = category.empty() ? outcome.severity : category;
  finding.severity_source = source;
  finding.title = text.title.empty() ? outcome.rule_id : text.title;
  finding.description = text.description;
  if (!text.rationale.empty() && text.rationale != text.description) {
    finding.description += (finding.description.empty() ? "" : "\n\n") + text.rationale;
    finding.description = model::safe_text(finding.description);
  }
  finding.remediation = text.fix;
  finding.fix = text.fix.empty() ? model::FixState::unknown : model::FixState::available;
  finding.evidence = "result: " + outcome.word;
  for (const std::string& message : outcome.messages) finding.evidence += "\n" + message;
  finding.evidence = model::safe_text(finding.evidence);
  for (const std::string& id : ids) finding.advisory_ids.push_back(id);
  finding.references = std::move(urls);
  return finding;
}

Assessment assess(const OpenscapConfig& config, const MachineCommand& command,
                  std::string_view mark, const KeepFile& keep) {
  Assessment assessment;
  assessment.scanner = config.name;
  assessment.completeness = Completeness::complete;
  assessment.login = Login::unknown;
  auto keep_output = [&] { keep("output.txt", "text/plain", command.output); };
  if (!judge_command(assessment, command)) {
    if (!command.output.empty()) keep_output();
    return assessment;
  }
  Output output = read_output(command.output, mark);
  take_facts(assessment, output);
  std::string messages = unpacked(assessment, output, "messages", kLargestMessages);
  std::string xml = unpacked(assessment, output, "results", kLargestResults);
  std::optional<int> code = exit_of(output);
  if (code) assessment.native_state = fmt::format("oscap ended with {}", *code);
  if (!output.left_out.empty()) {
    assessment.native_state += "; did not fit: " + join(output.left_out, "; ");
  }
  if (!output.problem.empty()) {
    lower(assessment, Completeness::failed, with_end(output.problem, messages));
  } else if (!output.whole) {
    lower(assessment, Completeness::failed,
          command.exit_code == 0
              ? "the command printed no whole results"
              : fmt::format("the command ended with exit code {} before its results were printed",
                            command.exit_code));
  }
  for (const std::string& name : output.damage) {
    lower(assessment, name == "arf" ? Completeness::partial : Completeness::failed,
          fmt::format("the {} did not come out of the machine unaltered", name));
  }
  if (code) {
    judge_exit(assessment, *code, messages);
  } else if (output.whole && output.problem.empty()) {
    lower(assessment, Completeness::failed, "nothing says how oscap ended");
  }
  judge_messages(assessment, messages);
  if (!xml.empty()) {
    keep("results.xml", "application/xml", xml);
    add_results(assessment, config, xml, code, messages);
  } else if (assessment.completeness != Completeness::failed) {
    lower(assessment, Completeness::failed, "there are no results");
  }
  auto arf = output.parts.find("arf");
  if (arf != output.parts.end()) keep("arf.xml.gz", "application/gzip", arf->second.packed);
  if (!messages.empty()) keep("messages.txt", "text/plain", messages);
  if (xml.empty()) keep_output();
  return assessment;
}

}  // namespace hallmark::scan::openscap
