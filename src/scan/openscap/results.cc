#include "scan/openscap/results.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "model/finding.h"
#include "scan/openscap/xml.h"

namespace hallmark::scan::openscap {
namespace {

// The largest data streams of scap-security-guide have 40 MiB; the tree takes four times as much.
constexpr std::size_t kLargestXml = std::size_t{96} << 20;
// Ids and words are short; what is longer is no id.
constexpr std::size_t kLongestId = 300;
// A value stands in texts as often as they like.
constexpr std::size_t kLongestValue = 200;
// Beyond it nobody reads on.
constexpr std::size_t kMostMessages = 20;
constexpr std::size_t kMostIds = 200;

constexpr std::pair<std::string_view, Verdict> kVerdicts[] = {
    {"pass", Verdict::passed},
    {"fixed", Verdict::passed},
    {"fail", Verdict::failed},
    {"error", Verdict::error},
    {"unknown", Verdict::unknown},
    {"notapplicable", Verdict::not_applicable},
    {"notchecked", Verdict::not_checked},
    {"notselected", Verdict::not_selected},
    {"informational", Verdict::informational},
};

using Values = std::map<std::string, std::string, std::less<>>;
struct RuleNode {
  Node rule;
  Node group;
};
using Rules = std::unordered_map<std::string_view, RuleNode>;

std::string shown(std::string_view text, std::size_t limit = kLongestId) {
  return model::safe_text(trim(text), limit);
}

bool breaks_line(std::string_view element) {
  constexpr std::array<std::string_view, 8> kBlocks = {"br", "p",  "li",  "pre",
                                                       "ul", "ol", "div", "tr"};
  return std::find(kBlocks.begin(), kBlocks.end(), element) != kBlocks.end();
}

/// The element's text and that of all in it. White space of the file's own layout becomes a blank.
std::string text_of(Node root, const Values& values) {
  std::string text;
  bool blank = false, line = false;
  auto add = [&](std::string_view piece) {
    for (char c : piece) {
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        blank = true;
        continue;
      }
      if (!text.empty() && (line || blank)) text += line ? '\n' : ' ';
      line = blank = false;
      text += c;
    }
  };
  for (Node node = root.first_child(); node && text.size() <= model::kEvidenceLimit;
       node = next_in(root, node)) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
      add(node.value());
    } else if (local_name(node) == "sub") {
      auto value = values.find(std::string_view(node.attribute("idref").value()));
      add(value == values.end() ? shown(node.attribute("idref").value()) : value->second);
    } else if (breaks_line(local_name(node))) {
      line = true;
    }
  }
  return model::safe_text(text);
}

/// As it stands, for scripts.
std::string plain_text(Node node) {
  std::string text;
  for (Node piece : node.children()) {
    if (piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata) {
      text += piece.value();
    }
  }
  return text;
}

std::string word_of(Node parent, std::string_view name) {
  return shown(plain_text(child(parent, name)));
}

void add_ident(std::vector<std::string>& idents, Node node) {
  std::string ident = shown(plain_text(node));
  if (!ident.empty() && idents.size() < kMostIds) idents.push_back(std::move(ident));
}

RuleText text_of_rule(const RuleNode& found, const Values& values) {
  RuleText text;
  std::string script;
  text.group_id = shown(found.group.attribute("id").value());
  for (Node node : found.rule.children()) {
    std::string_view name = local_name(node);
    if (name == "title") {
      text.title = text_of(node, values);
    } else if (name == "description") {
      text.description = text_of(node, values);
    } else if (name == "rationale") {
      text.rationale = text_of(node, values);
    } else if (name == "fixtext") {
      text.fix = text_of(node, values);
    } else if (name == "fix" && attribute(node, "system") == "urn:xccdf:fix:script:sh") {
      script = shown(plain_text(node), model::kEvidenceLimit);
    } else if (name == "version") {
      text.version = shown(plain_text(node));
    } else if (name == "ident") {
      add_ident(text.idents, node);
    } else if (name == "reference" && text.references.size() < kMostIds) {
      text.references.emplace_back(shown(attribute(node, "href"), 2048), shown(plain_text(node)));
    }
  }
  if (text.fix.empty()) text.fix = script;
  return text;
}

/// All rules of the benchmark, each with the group that it stands in.
Rules rules_of(Node benchmark) {
  Rules rules;
  for (Node node = benchmark.first_child(); node;) {
    std::string_view name = local_name(node);
    if (name == "Rule") {
      bool in_group = local_name(node.parent()) == "Group";
      rules.try_emplace(node.attribute("id").value(),
                        RuleNode{node, in_group ? node.parent() : Node()});
    }
    node = next_in(benchmark, node, name == "Group");
  }
  return rules;
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  text = trim(text);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<double> score_of(Node node) {
  auto score = number_of(plain_text(node));
  std::string_view maximum = node.attribute("maximum").value();
  // XCCDF 1.2, table 41: without the attribute it is 100.
  auto most = maximum.empty() ? std::optional(100.0) : number_of(maximum);
  if (!score || !most || *most <= 0 || *score < 0 || *score > *most) return {};
  return 100 * *score / *most;
}

Verdict verdict_of(std::string_view word) {
  for (const auto& [known, verdict] : kVerdicts) {
    if (known == word) return verdict;
  }
  return Verdict::unknown;
}

Verdict read_rule_result(Node node, RuleOutcome& outcome) {
  std::string word = word_of(node, "result");
  Verdict verdict = verdict_of(word);
  if (outcome.word.empty() || verdict > outcome.verdict) {
    outcome.verdict = verdict;
    outcome.word = word;
  }
  if (outcome.severity.empty()) outcome.severity = shown(node.attribute("severity").value());
  for (Node part : node.children()) {
    if (local_name(part) == "ident") add_ident(outcome.text.idents, part);
    if (local_name(part) != "message" || outcome.messages.size() >= kMostMessages) continue;
    outcome.messages.push_back(shown(plain_text(part), 1000));
  }
  return verdict;
}

Node last_test_result(Node root) {
  if (local_name(root) == "TestResult") return root;
  if (local_name(root) != "Benchmark") {
    throw Error(ErrorKind::corrupt, "the results are a \"{}\" instead of a Benchmark",
                shown(root.name(), 60));
  }
  Node last;
  for (Node node : root.children()) {
    if (local_name(node) == "TestResult") last = node;
  }
  if (!last) throw Error(ErrorKind::corrupt, "the results have no TestResult");
  return last;
}

}  // namespace

bool is_finding(Verdict verdict) {
  return verdict == Verdict::failed || verdict == Verdict::error || verdict == Verdict::unknown;
}

Results parse_results(std::string_view xml) {
  pugi::xml_document document;
  load_xml(document, xml, kLargestXml, "the results");
  Node root = document.document_element();
  Node test = last_test_result(root);

  Results results;
  results.benchmark_id =
      shown(root != test ? attribute(root, "id") : attribute(child(test, "benchmark"), "id"));
  results.test_system = shown(attribute(test, "test-system"));
  Values values;
  std::unordered_map<std::string_view, std::size_t> known;
  for (Node node : test.children()) {
    std::string_view name = local_name(node);
    if (name == "profile") {
      results.profile = shown(attribute(node, "idref"));
    } else if (name == "set-value") {
      values[attribute(node, "idref")] = shown(plain_text(node), kLongestValue);
    } else if (name == "score") {
      std::string system = attribute(node, "system");
      if (system.empty() || system == "urn:xccdf:scoring:default") results.score = score_of(node);
    } else if (name == "rule-result") {
      auto [at, is_new] = known.try_emplace(node.attribute("idref").value(), results.rules.size());
      if (is_new) results.rules.push_back({.rule_id = shown(attribute(node, "idref"))});
      Verdict verdict = read_rule_result(node, results.rules[at->second]);
      // Of an "error" some versions exit with 0 and some with 2.
      if (verdict == Verdict::failed || verdict == Verdict::unknown) results.has_failures = true;
    }
  }
  if (results.rules.empty()) throw Error(ErrorKind::corrupt, "the results have no rule");

  Rules rules = rules_of(root);
  for (const auto& [id, at] : known) {
    RuleOutcome& outcome = results.rules[at];
    auto rule = rules.find(id);
    if (!is_finding(outcome.verdict) || rule == rules.end()) continue;
    std::vector<std::string> idents = std::move(outcome.text.idents);
    outcome.text = text_of_rule(rule->second, values);
    idents.insert(idents.end(), outcome.text.idents.begin(), outcome.text.idents.end());
    outcome.text.idents = std::move(idents);
    if (outcome.severity.empty())
      outcome.severity = shown(attribute(rule->second.rule, "severity"));
  }
  return results;
}

Content parse_content(std::string_view xml) {
  pugi::xml_document document;
  load_xml(document, xml, kLargestXml, "it");
  Node root = document.document_element();
  Content content;
  content.is_tailoring = local_name(root) == "Tailoring";
  content.is_content =
      local_name(root) == "data-stream-collection" || local_name(root) == "Benchmark";
  if (!content.is_tailoring && !content.is_content) {
    throw Error(ErrorKind::corrupt,
                "it is a \"{}\", neither an SCAP data stream, an XCCDF benchmark nor a tailoring",
                shown(root.name(), 60));
  }
  for (Node node = root.first_child(); node; node = next_in(root, node)) {
    if (local_name(node) == "Profile") content.profiles.push_back(shown(attribute(node, "id")));
  }
  return content;
}

}  // namespace hallmark::scan::openscap
