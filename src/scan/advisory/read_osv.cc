/// OSV: https://ossf.github.io/osv-schema/

#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"

#include <map>

namespace hallmark::scan {
namespace {

/// Whose records name binary packages. https://ossf.github.io/osv-schema/#defined-ecosystems says
/// source package of most; AlmaLinux's own records hold the names of binary packages.
bool names_binaries(std::string_view ecosystem) {
  return ecosystem.starts_with("almalinux:") || ecosystem.starts_with("rhel:");
}

/// "Important: nodejs:10 security update": AlmaLinux says the module's stream nowhere else.
std::string modules_in(std::string_view summary) {
  std::string modules;
  for (std::string_view word : split(summary, ' ')) {
    const std::size_t colon = word.find(':');
    if (colon == word.npos || colon == 0 || colon + 1 >= word.size()) continue;
    while (word.ends_with(',')) word.remove_suffix(1);
    if (!modules.empty()) modules += ',';
    modules += word;
  }
  return modules;
}

class OsvReader {
 public:
  explicit OsvReader(AdvisorySink& sink) : sink_(sink) {}

  void record(const json::element& record) {
    const std::string_view id = text_of(record, "id");
    if (id.empty()) {
      ++sink_.feed().unreadable;
      return;
    }
    if (!text_of(record, "withdrawn").empty()) {
      ++sink_.feed().withdrawn;
      return;
    }
    note_date(text_of(record, "modified"));
    AdvisoryText advisory;
    advisory.id = id;
    advisory.title = text_of(record, "summary");
    if (advisory.title.empty()) advisory.title = first_line(text_of(record, "details"));
    for (const json::element reference : array_of(record, "references")) {
      const bool own = text_of(reference, "type") == "ADVISORY";
      if (advisory.url.empty() || own) advisory.url = text_of(reference, "url");
      if (own) break;
    }
    take_cves(record, id, advisory);
    // AlmaLinux publishes bug fixes and enhancements, too.
    if (advisory.cves.empty() && (id.starts_with("ALBA-") || id.starts_with("ALEA-"))) return;
    take_severity(record, advisory);
    sink_.begin(advisory);
    modules_ = modules_in(text_of(record, "summary"));
    for (const json::element package : array_of(record, "affected")) take_affected(package);
  }

 private:
  static std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
  }

  /// The newest of the records' dates is the feed's; 2026-11-22T10:00:00.123456Z and such.
  void note_date(std::string_view date) {
    if (date.size() < 20 || date.size() > 40) return;
    const std::string seconds = std::string(date.substr(0, 19)) + "Z";
    if (seconds > sink_.feed().valid_from) sink_.feed().valid_from = seconds;
  }

  static void take_cves(const json::element& record, std::string_view id, AdvisoryText& advisory) {
    if (is_cve(id)) advisory.cves.push_back(id);
    // "UBUNTU-CVE-2024-1" and "DEBIAN-CVE-2024-1" are the CVE seen by a distribution.
    if (const std::size_t at = id.find("-CVE-"); at != id.npos)
      advisory.cves.push_back(id.substr(at + 1));
    for (const char* key : {"aliases", "upstream"}) add_cves(record, key, advisory);
    // AlmaLinux and Rocky name what they mend as related.
    if (advisory.cves.empty()) add_cves(record, "related", advisory);
  }

  static void add_cves(const json::element& record, std::string_view key, AdvisoryText& advisory) {
    for (const json::element name : array_of(record, key)) {
      std::string_view text;
      if (name.get(text) == simdjson::SUCCESS && is_cve(text)) advisory.cves.push_back(text);
    }
  }

  static void take_severity(const json::element& record, AdvisoryText& advisory) {
    for (const json::element entry : array_of(record, "severity")) {
      const std::string_view score = text_of(entry, "score");
      if (score.starts_with("CVSS:3") || (score.starts_with("CVSS:") && advisory.cvss.empty())) {
        advisory.cvss = score;
      } else if (!score.starts_with("CVSS:") &&
                 severity_of_word(score) != model::Severity::unknown) {
        advisory.severity_native = score;
      }
    }
    if (const auto own = member_of(record, "database_specific")) {
      if (const auto word = text_of(*own, "severity"); !word.empty())
        advisory.severity_native = word;
    }
    const std::string_view summary = text_of(record, "summary");
    if (advisory.severity_native.empty() && summary.find(':') != summary.npos) {
      const std::string_view word = summary.substr(0, summary.find(':'));
      if (severity_of_word(word) != model::Severity::unknown) advisory.severity_native = word;
    }
    advisory.severity = severity_of_word(advisory.severity_native);
    if (advisory.severity == model::Severity::unknown && advisory.cvss.starts_with("CVSS:3.")) {
      if (const double score = cvss3_score(advisory.cvss); score > 0) {
        advisory.severity = model::severity_of_score(score);
      }
    }
  }

  void take_affected(const json::element& affected) {
    const auto package = member_of(affected, "package");
    if (!package) {
      ++sink_.feed().elsewhere;
      return;
    }
    const std::string& ecosystem = translated(text_of(*package, "ecosystem"));
    const std::string name = package_key(ecosystem, text_of(*package, "name"));
    Statement statement;
    statement.ecosystem = ecosystem;
    statement.package = name;
    statement.of_source = !names_binaries(ecosystem);
    if (const auto own = member_of(affected, "ecosystem_specific")) {
      statement.severity = severity_of_word(text_of(*own, "urgency"));
      if (statement.severity == model::Severity::unknown) {
        statement.severity = severity_of_word(text_of(*own, "severity"));
      }
    }
    bool any = false;
    for (const json::element range : array_of(affected, "ranges")) {
      if (text_of(range, "type") == "GIT") continue;
      take_events(array_of(range, "events"), statement);
      any = true;
    }
    // Without a range the list of versions is all there is.
    if (!any) take_versions(array_of(affected, "versions"), statement);
  }

  void take_events(const json::array& events, Statement statement) {
    bool open = false;
    const auto end = [&] {
      sink_.add(statement);
      open = false;
      statement.fixed = statement.last_affected = {};
    };
    for (const json::element event : events) {
      if (const auto introduced = text_of(event, "introduced"); !introduced.empty()) {
        if (open) end();
        statement.introduced = introduced;
        open = true;
      } else if (const auto fixed = text_of(event, "fixed"); !fixed.empty() && open) {
        statement.fixed = fixed;
        statement.module = is_modular(fixed) ? std::string_view(modules_) : std::string_view();
        end();
      } else if (const auto last = text_of(event, "last_affected"); !last.empty() && open) {
        statement.last_affected = last;
        end();
      }
    }
    if (open) end();
  }

  static bool is_modular(std::string_view version) {
    return version.find(".module") != version.npos;
  }

  void take_versions(const json::array& versions, Statement statement) {
    for (const json::element version : versions) {
      std::string_view text;
      if (version.get(text) != simdjson::SUCCESS) continue;
      statement.introduced = statement.last_affected = text;
      sink_.add(statement);
    }
  }

  const std::string& translated(std::string_view name) {
    auto found = ecosystems_.find(name);
    if (found == ecosystems_.end()) {
      found = ecosystems_.emplace(std::string(name), ecosystem_from_osv(name)).first;
    }
    return found->second;
  }

  AdvisorySink& sink_;
  std::string modules_;
  std::map<std::string, std::string, std::less<>> ecosystems_;
};

}  // namespace

void read_osv(FeedFile& file, AdvisorySink& sink) {
  OsvReader reader(sink);
  each_document(file, sink, [&](const json::element& document) {
    json::array records;
    if (document.get(records) != simdjson::SUCCESS) {
      reader.record(document);
      return;
    }
    for (const json::element record : records) reader.record(record);
  });
}

}  // namespace hallmark::scan
