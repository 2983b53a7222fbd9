/// OSV: https://ossf.github.io/osv-schema/

#include <algorithm>
#include <map>
#include <vector>

#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"
#include "scan/advisory/package_names.h"
#include "scan/advisory/purl.h"

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

  void take_cves(const json::element& record, std::string_view id, AdvisoryText& advisory) {
    if (is_cve(id)) advisory.cves.push_back(id);
    // "UBUNTU-CVE-2024-1" and "DEBIAN-CVE-2024-1" are the CVE seen by a distribution.
    if (const std::size_t at = id.find("-CVE-"); at != id.npos)
      advisory.cves.push_back(id.substr(at + 1));
    // Aliases are the same flaw; what is upstream of a distribution's record are those it mends.
    for (const char* key : {"aliases", "upstream"}) add_cves(record, key, advisory);
    // Related ones are others that are like it, by the schema; but some distributions' older
    // records (AlmaLinux, Rocky, Debian) name there what they mend.
    if (advisory.cves.empty() && is_of_distribution_record(record))
      add_cves(record, "related", advisory);
  }

  bool is_of_distribution_record(const json::element& record) {
    for (const json::element affected : array_of(record, "affected")) {
      if (const auto package = member_of(affected, "package"))
        return is_of_distribution(translated(text_of(*package, "ecosystem")));
    }
    return false;
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
    const std::string_view called = text_of(*package, "ecosystem");
    const std::string& ecosystem = translated(called);
    const std::string name = package_key(ecosystem, text_of(*package, "name"));
    const auto url = parse_purl(text_of(*package, "purl"));
    const std::string module = url ? package_module(*url) : "";
    Statement statement;
    statement.ecosystem = ecosystem;
    statement.package = name;
    statement.module = module;
    statement.of_source = !names_binaries(ecosystem);
    statement.subscription = called.starts_with("Ubuntu:Pro");
    for (const char* key : {"ecosystem_specific", "database_specific"}) {
      const auto own = member_of(affected, key);
      for (const char* word : {"urgency", "severity", "ubuntu_priority"}) {
        if (own && statement.severity == model::Severity::unknown)
          statement.severity = severity_of_word(text_of(*own, word));
      }
    }
    // What either of them names is affected.
    bool git = false, any = false;
    std::vector<Statement> ranges;
    for (const json::element range : array_of(affected, "ranges")) {
      if (text_of(range, "type") == "GIT") {
        git = true;
        continue;
      }
      any = true;
      take_events(array_of(range, "events"), statement, ranges);
    }
    for (const Statement& one : ranges) sink_.add(one);
    const json::array versions = array_of(affected, "versions");
    any = any || versions.size() != 0;
    take_versions(versions, statement, ranges);
    // Commits are no versions: whether the package is affected is not known.
    if (git && !any) {
      statement.incomparable = true;
      sink_.add(statement);
    }
  }

  struct Event {
    enum Kind { introduced, fixed, last_affected } kind;
    std::string_view version;
  };

  /// In any order in the record; here from the oldest to the newest version, as the schema
  /// compares.
  static std::vector<Event> sorted(const json::array& events, std::string_view ecosystem) {
    std::vector<Event> all;
    for (const json::element event : events) {
      for (const auto& [key, kind] :
           {std::pair("introduced", Event::introduced), std::pair("fixed", Event::fixed),
            std::pair("last_affected", Event::last_affected)}) {
        if (const auto version = text_of(event, key); !version.empty())
          all.push_back({kind, version});
      }
    }
    const auto order = order_of(ecosystem);
    const auto comparable = [&](const Event& event) {
      return event.version == "0" || (order && is_comparable(*order, event.version));
    };
    if (all.size() > 2 || (all.size() == 2 && all[0].kind != Event::introduced)) {
      if (!std::all_of(all.begin(), all.end(), comparable)) return all;
      std::stable_sort(all.begin(), all.end(), [&](const Event& a, const Event& b) {
        if (a.version == "0" || b.version == "0") return a.version == "0" && b.version != "0";
        return compare_versions(*order, a.version, b.version) < 0;
      });
    }
    return all;
  }

  void take_events(const json::array& events, Statement statement, std::vector<Statement>& ranges) {
    bool open = false;
    const auto end = [&] {
      ranges.push_back(statement);
      open = false;
      statement.fixed = statement.last_affected = {};
    };
    for (const Event& event : sorted(events, statement.ecosystem)) {
      if (event.kind == Event::introduced) {
        // Introduced again where it was not mended between: it still is.
        if (open) continue;
        statement.introduced = event.version;
        open = true;
      } else if (open && event.kind == Event::fixed) {
        statement.fixed = event.version;
        if (statement.module.empty() && is_modular(event.version)) statement.module = modules_;
        end();
      } else if (open) {
        statement.last_affected = event.version;
        end();
      }
    }
    if (open) end();
  }

  /// Those that no range holds already.
  void take_versions(const json::array& versions, Statement statement,
                     const std::vector<Statement>& ranges) {
    const auto order = order_of(statement.ecosystem);
    if (!order) return;
    const auto within = [&](std::string_view version, const Statement& range) {
      const auto below = [&](std::string_view limit) {
        return limit.empty() || !is_comparable(*order, limit)
                   ? 0
                   : compare_to_limit(*order, version, limit);
      };
      if (!range.introduced.empty() && range.introduced != "0" && below(range.introduced) < 0)
        return false;
      if (!range.fixed.empty() && below(range.fixed) >= 0) return false;
      return range.last_affected.empty() || below(range.last_affected) <= 0;
    };
    for (const json::element version : versions) {
      std::string_view text;
      if (version.get(text) != simdjson::SUCCESS) continue;
      if (is_comparable(*order, text) &&
          std::any_of(ranges.begin(), ranges.end(),
                      [&](const Statement& range) { return within(text, range); })) {
        continue;
      }
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
