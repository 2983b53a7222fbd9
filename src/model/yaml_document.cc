#include "model/yaml_document.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "base/text.h"

namespace hallmark::model {

namespace {

/// Far more than a pipeline needs, far less than hurts.
constexpr std::size_t kLargestText = 1 << 20;
constexpr int kDeepest = 30;
constexpr int kMostValues = 20'000;
/// Text that is matched against patterns; only inline scripts may be longer.
constexpr std::size_t kLongestScalar = 4096;
/// What nobody reads need not be found.
constexpr std::size_t kMostYamlProblems = 100;
constexpr std::size_t kMostSuggestions = 20;

std::optional<Json> plain_number(const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  std::int64_t integer = 0;
  auto [rest, failure] = std::from_chars(begin, end, integer);
  if (failure == std::errc() && rest == end) return integer;
  bool looks_like_one = !text.empty() && text.find_first_not_of("0123456789.eE+-") == text.npos &&
                        text.find_first_of("0123456789") != text.npos;
  if (!looks_like_one) return std::nullopt;
  double real = 0;
  auto [real_rest, real_failure] = std::from_chars(begin, end, real);
  if (real_failure == std::errc() && real_rest == end) return real;
  return std::nullopt;
}

Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto number = plain_number(text)) return *number;
  return text;
}

Position position_from(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Where documents begin; everything else about them is passed by.
class DocumentStarts : public YAML::EventHandler {
 public:
  std::vector<YAML::Mark> marks;

  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// The first three: yaml-cpp takes what no document can begin with, such as a comma, for an empty
/// one, stays before it, and finds the next one there without end.
std::vector<YAML::Mark> document_starts(std::string_view text) {
  constexpr std::size_t kMost = 3;
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  DocumentStarts starts;
  while (starts.marks.size() < kMost && parser.HandleNextDocument(starts)) {
  }
  return starts.marks;
}

class Reader {
 public:
  explicit Reader(const Variables& given) : given_(given) {}

  YamlDocument read(std::string_view text) {
    if (text.size() > kLargestText) {
      add({}, {}, fmt::format("the file is larger than {}", format_size(kLargestText)), "");
      return std::move(document_);
    }
    if (!is_text(text)) {
      add({}, {}, "the file is not UTF-8 text", "");
      return std::move(document_);
    }
    YAML::Node document;
    try {
      const std::vector<YAML::Mark> starts = document_starts(text);
      for (std::size_t i = 1; i < starts.size(); ++i) {
        if (starts[i].pos != starts[i - 1].pos) continue;
        add(position_from(starts[i]), {}, "bad YAML: this does not belong here", "");
        return std::move(document_);
      }
      document = YAML::Load(std::string(text));
      if (document.IsNull()) {
        add({}, {}, "the file is empty", "");
        return std::move(document_);
      }
      if (starts.size() > 1) {
        add(position_from(starts[1]), {}, "a second document begins",
            "keep one document in a file");
        return std::move(document_);
      }
    } catch (const YAML::Exception& e) {
      add(position_from(e.mark), {}, "bad YAML: " + e.msg, "");
      return std::move(document_);
    }
    if (document.IsMap()) declare_variables(document);
    document_.json = convert(document, {}, {}, true);
    check_given();
    return std::move(document_);
  }

 private:
  void add(Position place, const Address& address, std::string message, std::string hint) {
    document_.problems.push_back(
        {place, path_text(document_.json, address), std::move(message), std::move(hint)});
    if (document_.problems.size() >= kMostYamlProblems) stopped_ = true;
  }

  std::optional<std::string> near_variable(const std::string& name) {
    if (document_.problems.size() >= kMostSuggestions) return std::nullopt;
    std::vector<std::string> declared;
    for (const auto& [known, value] : values_) declared.push_back(known);
    return suggestion(name, declared);
  }

  void declare_variables(const YAML::Node& root) {
    for (const auto& member : root) {
      if (!member.first.IsScalar() || member.first.Scalar() != "variables") continue;
      if (!member.second.IsMap()) return;  // the schema says what is wrong with it
      for (const auto& variable : member.second) {
        if (!variable.first.IsScalar()) continue;
        const std::string& name = variable.first.Scalar();
        auto given = given_.find(name);
        std::optional<std::string> value;
        if (variable.second.IsScalar()) value = variable.second.Scalar();
        if (given != given_.end()) value = given->second;
        if (!value) {
          add(position_from(variable.first.Mark()), {"variables", name}, "has no value",
              "give it with --var " + name + "=VALUE, or write a default here");
        }
        values_[name] = value.value_or("");
      }
    }
  }

  void check_given() {
    for (const auto& [name, value] : given_) {
      if (!values_.contains(name)) {
        auto near = near_variable(name);
        add({}, {}, "--var " + name + ": the file declares no such variable",
            near ? "did you mean " + *near + "?" : "declare it under variables");
      } else if (!used_.contains(name)) {
        add(document_.key_place_of({"variables", name}), {"variables", name},
            "was given with --var and is used nowhere", "use it as ${" + name + "}");
      }
    }
  }

  /// Text with its variables replaced; nothing if it has none.
  std::optional<std::string> substituted(const std::string& text, const Position& place,
                                         const Address& address) {
    if (text.find("${") == std::string::npos) return std::nullopt;
    std::string out;
    std::size_t at = 0;
    while (true) {
      std::size_t dollar = text.find("${", at);
      if (dollar == std::string::npos) return out + text.substr(at);
      if (dollar > at && text[dollar - 1] == '$') {
        out += text.substr(at, dollar - at - 1) + "${";
        at = dollar + 2;
        continue;
      }
      std::size_t close = text.find('}', dollar);
      if (close == std::string::npos) {
        add(place, address, "${ without a closing brace",
            "write $${ for the characters themselves");
        return out + text.substr(at);
      }
      std::string name(trim(text.substr(dollar + 2, close - dollar - 2)));
      out += text.substr(at, dollar - at);
      auto value = values_.find(name);
      if (value == values_.end()) {
        auto near = near_variable(name);
        add(place, address, "the variable " + name + " is not declared",
            near ? "did you mean ${" + *near + "}?" : "declare it under variables");
      } else {
        out += value->second;
        used_.insert(name);
        if (out.size() > kLongestScalar) {
          add(place, address,
              fmt::format("text is longer than {} characters with its variables", kLongestScalar),
              "");
          return "";
        }
      }
      at = close + 1;
    }
  }

  Json scalar(const YAML::Node& node, const Address& address, const Position& place, bool replace) {
    const std::string& text = node.Scalar();
    bool is_inline = !address.empty() && address.back() == "inline";
    if (text.size() > kLongestScalar && !is_inline) {
      add(place, address, fmt::format("text is longer than {} characters", kLongestScalar),
          "a script goes into a file, or under the key inline");
      return "";
    }
    bool replaces = replace && !is_inline && !(address.size() == 2 && address[0] == "variables");
    if (replaces) {
      if (auto changed = substituted(text, place, address)) return *changed;
    }
    // yaml-cpp gives quoted scalars the tag "!" and plain ones "?".
    if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return text;
    return plain_scalar(text);
  }

  Json convert(const YAML::Node& node, const Address& address, Position key_place, bool replace) {
    Position place = node.Mark().is_null() ? key_place : position_from(node.Mark());
    document_.values[address] = place;
    if (++count_ > kMostValues || address.size() > kDeepest) {
      if (!stopped_) {
        add(place, address, address.size() > kDeepest ? "is nested too deeply" : "is too much",
            "aliases may not multiply the file beyond measure");
      }
      stopped_ = true;
      return nullptr;
    }
    if (node.IsScalar()) return scalar(node, address, place, replace);
    if (node.IsSequence()) {
      Json list = Json::array();
      for (std::size_t i = 0; i < node.size() && !stopped_; ++i) {
        Address inner = address;
        inner.push_back(std::to_string(i));
        list.push_back(convert(node[i], inner, place, replace));
      }
      return list;
    }
    if (!node.IsMap()) return nullptr;
    Json object = Json::object();
    for (const auto& member : node) {
      if (stopped_) break;
      Position at = position_from(member.first.Mark());
      if (!member.first.IsScalar()) {
        add(at, address, "a key must be text", "");
        continue;
      }
      const std::string& key = member.first.Scalar();
      if (key.size() > kLongestScalar) {
        add(at, address, fmt::format("a key is longer than {} characters", kLongestScalar), "");
        continue;
      }
      Address inner = address;
      inner.push_back(key);
      if (object.contains(key)) {
        Position first = document_.keys[inner];
        add(at, inner, fmt::format("is there twice; first in line {}", first.line),
            "keep one of them");
        continue;
      }
      document_.keys[inner] = at;
      object[key] = convert(member.second, inner, at, replace);
    }
    return object;
  }

  const Variables& given_;
  Variables values_;
  std::set<std::string> used_;
  YamlDocument document_;
  int count_ = 0;
  bool stopped_ = false;
};

}  // namespace

Position YamlDocument::place_of(const Address& address) const {
  Address at = address;
  while (true) {
    auto found = values.find(at);
    if (found != values.end()) return found->second;
    if (at.empty()) return {};
    at.pop_back();
  }
}

Position YamlDocument::key_place_of(const Address& address) const {
  auto found = keys.find(address);
  return found != keys.end() ? found->second : place_of(address);
}

bool is_text(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) return false;
  try {
    std::string ignored = Json(std::string(bytes)).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

YamlDocument read_yaml(std::string_view text, const Variables& variables) {
  return Reader(variables).read(text);
}

std::string path_text(const Json& document, const Address& address) {
  std::string text;
  const Json* at = &document;
  for (const std::string& part : address) {
    // While a document is being read its JSON is not there yet: then a number is taken for a
    // position, since no key of ours is one.
    bool in_list = at != nullptr && !at->is_null()
                       ? at->is_array()
                       : part.find_first_not_of("0123456789") == std::string::npos;
    if (in_list) {
      text += "[" + part + "]";
    } else {
      text += (text.empty() ? "" : ".") + part;
    }
    const Json* next = nullptr;
    if (at != nullptr && at->is_object() && at->contains(part)) next = &(*at)[part];
    if (at != nullptr && at->is_array()) {
      std::size_t i = std::stoul(part);
      if (i < at->size()) next = &(*at)[i];
    }
    at = next;
  }
  return text;
}

}  // namespace hallmark::model
