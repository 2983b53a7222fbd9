/// OVAL definitions of a distribution: Debian, Ubuntu, Oracle, SUSE, Red Hat, Azure Linux.
/// https://oval-community-guidelines.readthedocs.io
///
/// Of the tests only those of packages matter: each says that one package is older than a version.
/// A definition holds if any of them does. Which release and module is meant say the criteria
/// around them, or the definition's platforms.

#include <map>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "scan/advisory/ecosystem.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/json_feed.h"
#include "scan/advisory/oval_criteria.h"
#include "scan/advisory/xml_feed.h"

namespace hallmark::scan {
namespace {

struct Definition {
  std::string id, advisory, title, url, severity, cvss;
  bool retracted = false;
  std::set<std::string, std::less<>> cves;
  std::vector<std::string> platforms;
  OvalNode criteria;
};

struct PackageTest {
  std::string object, state;
  bool none = false;  ///< holds if nothing fits: a kernel without a live patch
};

struct PackageState {
  std::string evr, operation;
};

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
      // What is installed, such as a release, which others refer to.
      inventory_ = attribute(attributes, "class") == "inventory";
    } else if (name == "reference" && within("definition")) {
      take_reference(attributes);
    } else if (name == "cve" && within("definition")) {
      if (const auto cvss = attribute(attributes, "cvss3"); definition_.cvss.empty())
        definition_.cvss = vector_in(cvss);
    } else if (name == "criteria") {
      criteria_.push_back({.all = attribute(attributes, "operator") != "OR"});
      negated_ += attribute(attributes, "negate") == "true" || negated_ != 0 ? 1 : 0;
    } else if (name == "criterion" || name == "extend_definition") {
      take_criterion(attributes);
    } else if (name == "rpminfo_test" || name == "dpkginfo_test") {
      item_ = id;
      const std::string_view check = attribute(attributes, "check");
      tests_[item_].none =
          check == "none satisfy" || attribute(attributes, "check_existence") == "none_exist";
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
      states_[state_].operation = attribute(attributes, "operation");
    } else if (name == "constant_variable") {
      variable_ = id;
    }
    path_.emplace_back(name);
  }

  void end(std::string_view name, std::string_view text) {
    path_.pop_back();
    if (name == "definition") {
      if (!definition_.id.empty() && !inventory_) definitions_.push_back(std::move(definition_));
      definition_ = {};
      criteria_.clear();
      negated_ = 0;
    } else if (name == "criteria" && !criteria_.empty()) {
      end_criteria();
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
    if (name == "platform") definition_.platforms.emplace_back(text);
    if (name == "cve" && is_cve(text)) definition_.cves.insert(std::string(text));
    if (name == "dsa" && !text.empty()) definition_.advisory = text;
    if (name == "description" && (text.starts_with("** REJECT") || text.starts_with("REJECTED")))
      definition_.retracted = true;
  }

  void take_criterion(const XmlAttributes& attributes) {
    // "is not installed", "is signed with": nothing about a version.
    if (criteria_.empty() || negated_ != 0 || attribute(attributes, "negate") == "true") return;
    criteria_.back().children.push_back({.test = std::string(attribute(attributes, "test_ref")),
                                         .comment = std::string(attribute(attributes, "comment"))});
  }

  void end_criteria() {
    OvalNode done = std::move(criteria_.back());
    criteria_.pop_back();
    if (negated_ != 0) {
      --negated_;
    } else if (criteria_.empty()) {
      definition_.criteria = std::move(done);
    } else if (!done.children.empty()) {
      criteria_.back().children.push_back(std::move(done));
    }
  }

  void hand_on(const Definition& definition) {
    if (definition.retracted) {
      ++sink_.feed().withdrawn;
      return;
    }
    AdvisoryText advisory;
    advisory.id = definition.advisory.empty() ? definition.id : definition.advisory;
    advisory.title = definition.title;
    advisory.url = definition.url;
    advisory.cvss = definition.cvss;
    advisory.severity_native = definition.severity;
    advisory.severity = severity_of_word(definition.severity);
    advisory.cves.assign(definition.cves.begin(), definition.cves.end());
    sink_.begin(advisory);
    const std::set<std::string> said = ecosystems_of(definition);
    std::set<std::string> seen;
    walk_criteria(definition.criteria, [&](const OvalNode& node, const OvalContext& context) {
      const auto test = tests_.find(node.test);
      if (test == tests_.end() || test->second.none) return;
      const auto state = states_.find(test->second.state);
      const std::string module = join({context.modules.begin(), context.modules.end()}, ",");
      for (const std::string& ecosystem : context.ecosystems.empty() ? said : context.ecosystems) {
        for (const std::string& name : names(test->second.object)) {
          if (!seen.insert(join({ecosystem, name, module, test->second.state}, " ")).second)
            continue;
          Statement statement;
          statement.ecosystem = ecosystem;
          statement.package = name;
          statement.module = module;
          if (take_state(test->second, state == states_.end() ? nullptr : &state->second,
                         definition, statement)) {
            sink_.add(statement);
          }
        }
      }
    });
  }

  /// What is said where the criteria say nothing of releases.
  std::set<std::string> ecosystems_of(const Definition& definition) const {
    std::set<std::string> all;
    if (!ecosystem_.empty()) return {std::string(ecosystem_)};
    for (const std::string& platform : definition.platforms) {
      if (std::string ecosystem = ecosystem_from_title(platform); !ecosystem.empty())
        all.insert(std::move(ecosystem));
    }
    if (all.empty()) all.insert("");
    return all;
  }

  /// False if the test says nothing about a version.
  bool take_state(const PackageTest& test, const PackageState* state, const Definition& definition,
                  Statement& statement) {
    // Debian's and Azure Linux's name the source, though they test the package.
    statement.of_source = statement.ecosystem.starts_with("debian:") ||
                          statement.ecosystem.starts_with("azurelinux:") ||
                          statement.ecosystem.starts_with("mariner:");
    const std::string_view operation = state == nullptr ? "" : std::string_view(state->operation);
    if (definition.id.starts_with("oval:com.redhat.unaffected:def:")) {
      statement.judgement = Judgement::not_affected;
    } else if (operation == "less than") {
      statement.fixed = state->evr;
    } else if (operation == "less than or equal") {
      statement.last_affected = state->evr;
    } else if (test.state.empty() || (operation == "greater than" && is_lowest(state->evr))) {
      statement.fix = model::FixState::none;
    } else if (operation == "equals" && !state->evr.empty() && !is_lowest(state->evr)) {
      statement.introduced = statement.last_affected = state->evr;
    } else {
      if (state != nullptr && !state->evr.empty() && !is_lowest(state->evr))
        ++sink_.feed().unreadable;
      return false;
    }
    // "0:0" and "0": never affected.
    if (statement.fixed == "0:0" || statement.fixed == "0") {
      statement.fixed = {};
      statement.judgement = Judgement::not_affected;
    }
    return true;
  }

  /// "greater than 0:0-0" is how SUSE says that each version is affected.
  static bool is_lowest(std::string_view evr) { return evr == "0:0-0"; }

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
  std::vector<OvalNode> criteria_;  ///< those that are open
  int negated_ = 0;                 ///< how many of them are, or lie in one that is
  bool inventory_ = false;
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
