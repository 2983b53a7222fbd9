/// updateinfo.xml of an rpm repository: Amazon Linux, Fedora, AlmaLinux, Rocky, Oracle, SUSE.

#include <set>
#include <vector>

#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"
#include "scan/advisory/xml_feed.h"

namespace hallmark::scan {
namespace {

struct BuiltPackage {
  std::string name, evr, module;
  bool of_source = false;
};

struct Update {
  bool security = false;
  bool retracted = false;
  std::string id, title, severity, release, collection, url, issued;
  std::set<std::string, std::less<>> cves;
  std::vector<BuiltPackage> packages;
};

class UpdateinfoReader {
 public:
  UpdateinfoReader(std::string_view ecosystem, AdvisorySink& sink)
      : ecosystem_(ecosystem), sink_(sink) {}

  void start(std::string_view name, const XmlAttributes& attributes) {
    if (name == "update") {
      update_ = {};
      module_.clear();
      // Bug fixes mend no flaw; an enhancement that does says security.
      update_.security = attribute(attributes, "type") == "security";
      const auto status = attribute(attributes, "status");
      update_.retracted = status == "retracted" || status == "obsolete";
    } else if (name == "reference") {
      const std::string_view id = attribute(attributes, "id");
      if (is_cve(id)) update_.cves.insert(std::string(id));
      // Fedora writes the CVE into the title of a bug.
      take_cves(attribute(attributes, "title"));
      if (update_.url.empty() || attribute(attributes, "type") == "self")
        update_.url = attribute(attributes, "href");
    } else if (name == "collection") {
      update_.collection = attribute(attributes, "short");
      module_.clear();
    } else if (name == "module") {
      module_ = std::string(attribute(attributes, "name")) + ":" +
                std::string(attribute(attributes, "stream"));
    } else if (name == "package") {
      take_package(attributes);
    } else if (name == "issued" || name == "updated") {
      note_date(attribute(attributes, "date"));
    }
    path_.emplace_back(name);
    if (path_.size() > kMaxDepth)
      throw Error(ErrorKind::corrupt, "elements lie too deep for an updateinfo.xml");
  }

  void end(std::string_view name, std::string_view text) {
    path_.pop_back();
    const std::string_view parent =
        path_.empty() ? std::string_view() : std::string_view(path_.back());
    if (parent == "update") {
      if (name == "id") update_.id = text;
      if (name == "title") update_.title = text;
      if (name == "severity") update_.severity = text;
      if (name == "release") update_.release = text;
      if (name == "description") take_cves(text);
    } else if (parent == "collection" && name == "name") {
      update_.release += " " + std::string(text);
    }
    if (name == "update") finish();
  }

 private:
  static constexpr std::size_t kMaxDepth = 32;

  void take_cves(std::string_view text) {
    for (std::size_t at = text.find("CVE-"); at != text.npos; at = text.find("CVE-", at + 1)) {
      const std::size_t end = text.find_first_not_of("0123456789-", at + 4);
      std::string_view id = text.substr(at, end == text.npos ? text.npos : end - at);
      while (id.ends_with('-')) id.remove_suffix(1);
      if (is_cve(id)) update_.cves.insert(std::string(id));
    }
  }

  /// "2023-02-22 23:22:00".
  void note_date(std::string_view date) {
    if (date.size() < 19 || date[4] != '-' || date[10] != ' ') return;
    const std::string moment =
        std::string(date.substr(0, 10)) + "T" + std::string(date.substr(11, 8)) + "Z";
    if (moment > sink_.feed().valid_from) sink_.feed().valid_from = moment;
  }

  void take_package(const XmlAttributes& attributes) {
    BuiltPackage package;
    package.name = attribute(attributes, "name");
    const std::string_view epoch = attribute(attributes, "epoch");
    if (!epoch.empty() && epoch != "0") package.evr = std::string(epoch) + ":";
    package.evr += std::string(attribute(attributes, "version")) + "-" +
                   std::string(attribute(attributes, "release"));
    package.module = module_;
    package.of_source = attribute(attributes, "arch") == "src";
    update_.packages.push_back(std::move(package));
  }

  void finish() {
    if (!update_.security) return;
    if (update_.retracted) {
      ++sink_.feed().withdrawn;
      return;
    }
    if (update_.id.empty()) {
      ++sink_.feed().unreadable;
      return;
    }
    std::string ecosystem(ecosystem_);
    for (const std::string& name : {update_.release, update_.collection}) {
      if (ecosystem.empty()) ecosystem = ecosystem_from_title(name);
    }
    AdvisoryText advisory;
    advisory.id = update_.id;
    advisory.title = update_.title;
    advisory.url = update_.url;
    advisory.severity_native = update_.severity;
    advisory.severity = severity_of_word(update_.severity);
    advisory.cves.assign(update_.cves.begin(), update_.cves.end());
    sink_.begin(advisory);
    std::set<std::tuple<std::string_view, std::string_view, std::string_view>> seen;
    for (const BuiltPackage& package : update_.packages) {
      // The same for each architecture. Its source has the same version under the source's name.
      if (package.of_source || !seen.insert({package.name, package.evr, package.module}).second)
        continue;
      Statement statement;
      statement.ecosystem = ecosystem;
      statement.package = package.name;
      statement.of_source = false;
      statement.fixed = package.evr;
      statement.module = package.module;
      sink_.add(statement);
    }
  }

  std::string_view ecosystem_;
  AdvisorySink& sink_;
  Update update_;
  std::string module_;
  std::vector<std::string> path_;
};

}  // namespace

void read_updateinfo(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink) {
  while (file.next()) {
    UpdateinfoReader reader(ecosystem, sink);
    read_xml(file, {[&](auto name, const auto& attributes) { reader.start(name, attributes); },
                    [&](auto name, auto text) { reader.end(name, text); }});
  }
}

}  // namespace hallmark::scan
