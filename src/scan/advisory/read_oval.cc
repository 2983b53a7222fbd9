/// OVAL definitions of a distribution: Debian, Ubuntu, Oracle, SUSE, Red Hat, Azure Linux.
/// https://oval-community-guidelines.readthedocs.io
///
/// Of the tests only those of packages matter: each says that one package is older than a version.
/// A definition holds if any of them does; which release is meant says the file's platform.

#include <map>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"
#include "scan/advisory/xml_feed.h"

namespace hallmark::scan {
namespace {

struct Criterion {
  std::string test;
  std::string module;
};

struct Definition {
  std::string id, advisory, title, url, severity, platform, cvss;
  bool retracted = false;
  std::set<std::string, std::less<>> cves;
  std::vector<Criterion> criteria;
};

struct PackageTest {
  std::string object, state;
  bool dpkg = false;
};

struct PackageState {
  std::string evr;
  bool less_than = false;
  bool greater_than = false;
};

/// "Module nodejs:18 is enabled".
std::string module_of_comment(std::string_view comment) {
  if (!comment.starts_with("Module ") || !comment.ends_with(" is enabled")) return {};
  return std::string(comment.substr(7, comment.size() - 18));
}

class OvalReader {
 public:
  OvalReader(std::string_view ecosystem, AdvisorySink& sink) : ecosystem_(ecosystem), sink_(sink) {}

  void start(std::string_view name, const XmlAttributes& attributes) {
    if (path_.size() > kMaxDepth) throw Error(ErrorKind::corrupt, "criteria lie too deep for OVAL");
    const std::string_view id = attribute(attributes, "id");
    if (name == "definition") {
      definition_ = {};
      definition_.id = id;
      definition_.retracted = attribute(attributes, "deprecated") == "true";
    } else if (name == "reference" && within("definition")) {
      take_reference(attributes);
    } else if (name == "cve" && within("definition")) {
      if (const auto cvss = attribute(attributes, "cvss3"); definition_.cvss.empty())
        definition_.cvss = vector_in(cvss);
    } else if (name == "criteria") {
      modules_.push_back(modules_.empty() ? "" : modules_.back());
    } else if (name == "criterion") {
      take_criterion(attributes);
    } else if (name == "rpminfo_test" || name == "dpkginfo_test") {
      item_ = id;
      tests_[item_].dpkg = name == "dpkginfo_test";
    } else if (name == "object" && !item_.empty()) {
      tests_[item_].object = attribute(attributes, "object_ref");
    } else if (name == "state" && !item_.empty()) {
      if (auto ref = attribute(attributes, "state_ref"); !ref.empty()) tests_[item_].state = ref;
    } else if (name == "rpminfo_object" || name == "dpkginfo_object") {
      object_ = id;
    } else if (name == "name" && !object_.empty()) {
      if (const auto variable = attribute(attributes, "var_ref"); !variable.empty())
        names_of_variable_[object_] = variable;
    } else if (name == "rpminfo_state" || name == "dpkginfo_state") {
      state_ = id;
    } else if (name == "evr" && !state_.empty()) {
      states_[state_].less_than = attribute(attributes, "operation") == "less than";
      states_[state_].greater_than = attribute(attributes, "operation") == "greater than";
    } else if (name == "constant_variable") {
      variable_ = id;
    }
    path_.emplace_back(name);
  }

  void end(std::string_view name, std::string_view text) {
    path_.pop_back();
    if (name == "definition") {
      if (!definition_.id.empty()) definitions_.push_back(std::move(definition_));
      definition_ = {};
      modules_.clear();
    } else if (name == "criteria" && !modules_.empty()) {
      modules_.pop_back();
    } else if (within("metadata")) {
      take_metadata(name, text);
    } else if (name == "name" && !object_.empty()) {
      names_[object_] = text;
    } else if (name == "evr" && !state_.empty()) {
      states_[state_].evr = text;
    } else if (name == "value" && !variable_.empty()) {
      variables_[variable_].emplace_back(text);
    } else if (name == "timestamp" && within("generator")) {
      if (text.size() >= 19) sink_.feed().valid_from = std::string(text.substr(0, 19)) + "Z";
    } else if (name.ends_with("_test")) {
      item_.clear();
    } else if (name.ends_with("_object")) {
      object_.clear();
    } else if (name.ends_with("_state")) {
      state_.clear();
    } else if (name.ends_with("_variable")) {
      variable_.clear();
    }
  }

  void finish() {
    for (const Definition& definition : definitions_) hand_on(definition);
  }

 private:
  static constexpr std::size_t kMaxDepth = 64;

  bool within(std::string_view name) const {
    return std::find(path_.begin(), path_.end(), name) != path_.end();
  }

  /// "7.5/CVSS:3.1/AV:N/..".
  static std::string vector_in(std::string_view text) {
    const std::size_t at = text.find("CVSS:");
    return at == text.npos ? std::string() : std::string(text.substr(at));
  }

  void take_reference(const XmlAttributes& attributes) {
    const std::string_view id = attribute(attributes, "ref_id");
    if (is_cve(id)) definition_.cves.insert(std::string(id));
    if (definition_.advisory.empty() || attribute(attributes, "source") != "CVE") {
      definition_.advisory = id;
      definition_.url = attribute(attributes, "ref_url");
    }
  }

  void take_metadata(std::string_view name, std::string_view text) {
    if (name == "title" && definition_.title.empty()) definition_.title = text;
    if (name == "severity") definition_.severity = text;
    if (name == "platform" && definition_.platform.empty()) definition_.platform = text;
    if (name == "cve" && is_cve(text)) definition_.cves.insert(std::string(text));
    if (name == "dsa" && !text.empty()) definition_.advisory = text;
    if (name == "description" && (text.starts_with("** REJECT") || text.starts_with("REJECTED")))
      definition_.retracted = true;
  }

  void take_criterion(const XmlAttributes& attributes) {
    const std::string module = module_of_comment(attribute(attributes, "comment"));
    if (!module.empty()) {
      if (!modules_.empty()) modules_.back() = module;
      return;
    }
    // "is not installed", "is signed with": nothing about a version.
    if (attribute(attributes, "negate") == "true") return;
    definition_.criteria.push_back(
        {std::string(attribute(attributes, "test_ref")), modules_.empty() ? "" : modules_.back()});
  }

  void hand_on(const Definition& definition) {
    if (definition.retracted) {
      ++sink_.feed().withdrawn;
      return;
    }
    std::string ecosystem(ecosystem_);
    if (ecosystem.empty()) ecosystem = ecosystem_from_title(definition.platform);
    AdvisoryText advisory;
    advisory.id = definition.advisory.empty() ? definition.id : definition.advisory;
    advisory.title = definition.title;
    advisory.url = definition.url;
    advisory.cvss = definition.cvss;
    advisory.severity_native = definition.severity;
    advisory.severity = severity_of_word(definition.severity);
    advisory.cves.assign(definition.cves.begin(), definition.cves.end());
    sink_.begin(advisory);
    std::set<std::pair<std::string, std::string>> seen;
    for (const Criterion& criterion : definition.criteria) {
      const auto test = tests_.find(criterion.test);
      if (test == tests_.end()) continue;
      const auto state = states_.find(test->second.state);
      for (const std::string& name : names(test->second.object)) {
        if (!seen.insert({name, test->second.state}).second) continue;
        Statement statement;
        statement.ecosystem = ecosystem;
        statement.package = name;
        statement.module = criterion.module;
        // Debian's and Azure Linux's name the source, though they test the package.
        statement.of_source = ecosystem.starts_with("debian:") ||
                              ecosystem.starts_with("azurelinux:") ||
                              ecosystem.starts_with("mariner:");
        if (definition.id.starts_with("oval:com.redhat.unaffected:def:")) {
          statement.judgement = Judgement::not_affected;
        } else if (state != states_.end() && state->second.less_than) {
          statement.fixed = state->second.evr;
        } else if (test->second.state.empty() || is_any_version(state)) {
          statement.fix = model::FixState::none;
        } else {
          if (state != states_.end() && !state->second.evr.empty()) ++sink_.feed().unreadable;
          continue;
        }
        // "0:0" and "0": never affected.
        if (statement.fixed == "0:0" || statement.fixed == "0") {
          statement.fixed = {};
          statement.judgement = Judgement::not_affected;
        }
        sink_.add(statement);
      }
    }
  }

  /// "greater than 0:0-0" is how SUSE says that each version is affected.
  bool is_any_version(std::map<std::string, PackageState>::const_iterator state) const {
    return state != states_.end() && state->second.greater_than && state->second.evr == "0:0-0";
  }

  std::vector<std::string> names(const std::string& object) const {
    if (const auto variable = names_of_variable_.find(object);
        variable != names_of_variable_.end()) {
      const auto values = variables_.find(variable->second);
      return values == variables_.end() ? std::vector<std::string>() : values->second;
    }
    const auto name = names_.find(object);
    return name == names_.end() ? std::vector<std::string>()
                                : std::vector<std::string>{name->second};
  }

  std::string_view ecosystem_;
  AdvisorySink& sink_;
  std::vector<std::string> path_;
  std::vector<std::string> modules_;  ///< of each open criteria
  std::string item_, object_, state_, variable_;
  Definition definition_;
  std::vector<Definition> definitions_;
  std::map<std::string, PackageTest> tests_;
  std::map<std::string, std::string> names_, names_of_variable_;
  std::map<std::string, std::vector<std::string>> variables_;
  std::map<std::string, PackageState> states_;
};

}  // namespace

void read_oval(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink) {
  while (file.next()) {
    OvalReader reader(ecosystem, sink);
    read_xml(file, {[&](auto name, const auto& attributes) { reader.start(name, attributes); },
                    [&](auto name, auto text) { reader.end(name, text); }});
    reader.finish();
  }
}

}  // namespace hallmark::scan
