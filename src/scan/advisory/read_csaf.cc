/// CSAF 2.0 and its VEX profile: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html

#include <map>

#include "scan/advisory/csaf_products.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"

namespace hallmark::scan {
namespace {

/// What a retracted record says of itself, as Red Hat's and others' do.
bool is_rejected(std::string_view text) {
  return text.starts_with("REJECTED") || text.starts_with("** REJECT");
}

class CsafReader {
 public:
  CsafReader(std::string_view ecosystem, AdvisorySink& sink) : ecosystem_(ecosystem), sink_(sink) {}

  void document(const json::element& document) {
    const auto head = member_of(document, "document");
    const auto tree = member_of(document, "product_tree");
    if (!head) {
      ++sink_.feed().unreadable;
      return;
    }
    // Without products nothing can be said of them: their ids are empty words.
    products_.read(tree ? *tree : document);
    if (const auto tracking = member_of(*head, "tracking"))
      note_date(text_of(*tracking, "current_release_date"));
    for (const json::element flaw : array_of(document, "vulnerabilities")) take_flaw(*head, flaw);
  }

 private:
  void note_date(std::string_view date) {
    if (date.size() < 20 || date.size() > 40) return;
    const std::string seconds = std::string(date.substr(0, 19)) + "Z";
    if (seconds > sink_.feed().valid_from) sink_.feed().valid_from = seconds;
  }

  void take_flaw(const json::element& head, const json::element& flaw) {
    const auto status = member_of(flaw, "product_status");
    AdvisoryText advisory;
    advisory.id = text_of(flaw, "cve");
    if (advisory.id.empty()) {
      if (const auto tracking = member_of(head, "tracking")) advisory.id = text_of(*tracking, "id");
    }
    if (advisory.id.empty()) {
      ++sink_.feed().unreadable;
      return;
    }
    if (is_cve(advisory.id)) advisory.cves.push_back(advisory.id);
    advisory.title = text_of(flaw, "title");
    if (advisory.title.empty()) advisory.title = text_of(head, "title");
    bool rejected = is_rejected(advisory.title);
    for (const json::element note : array_of(flaw, "notes"))
      rejected = rejected || is_rejected(text_of(note, "text"));
    if (rejected) {
      ++sink_.feed().withdrawn;
      return;
    }
    if (!status) {
      // It names no product.
      ++sink_.feed().elsewhere;
      return;
    }
    for (const json::element reference : array_of(flaw, "references")) {
      if (advisory.url.empty() || text_of(reference, "category") == "self")
        advisory.url = text_of(reference, "url");
    }
    for (const json::element score : array_of(flaw, "scores")) {
      if (const auto cvss = member_of(score, "cvss_v3"))
        advisory.cvss = text_of(*cvss, "vectorString");
    }
    take_threats(flaw, advisory);
    advisory.severity = severity_of_word(advisory.severity_native);
    if (advisory.severity == model::Severity::unknown) {
      if (const double score = cvss3_score(advisory.cvss); score > 0)
        advisory.severity = model::severity_of_score(score);
    }
    sink_.begin(advisory);
    take_remediations(flaw);
    // SUSE lists what has the fix as what it recommends.
    for (const char* group : {"fixed", "first_fixed", "recommended"})
      take_products(*status, group, Judgement::affected, true);
    for (const char* group : {"known_affected", "first_affected", "last_affected"}) {
      take_products(*status, group, Judgement::affected, false);
    }
    take_products(*status, "under_investigation", Judgement::undetermined, false);
    take_products(*status, "known_not_affected", Judgement::not_affected, false);
  }

  /// How bad it is, in all products or in some: that of the first is the advisory's own.
  void take_threats(const json::element& flaw, AdvisoryText& advisory) {
    severities_.clear();
    for (const json::element threat : array_of(flaw, "threats")) {
      if (text_of(threat, "category") != "impact") continue;
      const std::string_view word = text_of(threat, "details");
      const auto named = products_.named_by(threat);
      if (named.empty() || advisory.severity_native.empty()) advisory.severity_native = word;
      const model::Severity severity = severity_of_word(word);
      for (const std::string_view id : named)
        severities_.insert_or_assign(std::string(id), severity);
    }
  }

  /// Which products will have no fix.
  void take_remediations(const json::element& flaw) {
    fixes_.clear();
    for (const json::element remediation : array_of(flaw, "remediations")) {
      const std::string_view category = text_of(remediation, "category");
      model::FixState state = model::FixState::none;
      if (category == "no_fix_planned")
        state = text_of(remediation, "details").find("support scope") != std::string_view::npos
                    ? model::FixState::end_of_life
                    : model::FixState::wont_fix;
      else if (category != "none_available")
        continue;
      for (const std::string_view id : products_.named_by(remediation))
        fixes_.insert_or_assign(std::string(id), state);
    }
  }

  void take_products(const json::element& status, std::string_view group, Judgement judgement,
                     bool fixed) {
    for (const json::element entry : array_of(status, group)) {
      std::string_view id;
      if (entry.get(id) != simdjson::SUCCESS) continue;
      const CsafProduct* found = products_.find(id);
      if (found == nullptr || found->is_platform) {
        ++sink_.feed().elsewhere;
        continue;
      }
      const CsafProduct& product = *found;
      Statement statement;
      statement.ecosystem =
          product.ecosystem.empty() ? ecosystem_ : std::string_view(product.ecosystem);
      statement.package = product.package;
      if (const auto own = severities_.find(id); own != severities_.end())
        statement.severity = own->second;
      statement.of_source = product.of_source;
      statement.module = product.module;
      statement.judgement = judgement;
      if (fixed) {
        statement.fixed = product.version;
        // The binary packages of the build are named as well.
        if (product.version.empty() || product.of_source) continue;
      } else if (const auto fix = fixes_.find(id); fix != fixes_.end()) {
        statement.fix = fix->second;
      } else {
        statement.fix = model::FixState::none;
      }
      sink_.add(statement);
    }
  }

  std::string_view ecosystem_;
  AdvisorySink& sink_;
  CsafProducts products_;
  std::map<std::string, model::Severity, std::less<>> severities_;
  std::map<std::string, model::FixState, std::less<>> fixes_;
};

}  // namespace

void read_csaf(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink) {
  CsafReader reader(ecosystem, sink);
  each_document(file, sink, [&](const json::element& document) { reader.document(document); });
}

}  // namespace hallmark::scan
