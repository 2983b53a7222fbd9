#include "model/product_template.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::model {

namespace {

// AWS CloudFormation User Guide, "Quotas": a template in S3.
constexpr std::size_t kLargestTemplate = 1 << 20;
// A template is written by hand; what goes past these is meant to hurt, by nesting or by aliases.
constexpr int kDeepestTemplate = 60;
constexpr int kMostNodes = 100'000;
constexpr std::string_view kMachineSizeParameter = "InstanceType";

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

std::string scalar(const YAML::Node& node) { return node.IsScalar() ? node.Scalar() : ""; }

class TemplateReader {
 public:
  explicit TemplateReader(std::vector<Problem>& problems) : problems_(problems) {}

  ProductTemplate read(std::string_view text) {
    ProductTemplate result{.text = std::string(text), .image_parameters = {}, .machine_size = ""};
    const std::size_t before = problems_.size();
    const YAML::Node root = load(text);
    if (problems_.size() > before) return result;
    if (!walk(root, "", 0)) return result;
    check_resources(root);
    check_parameters(root, result);
    return result;
  }

 private:
  void add(const Position& place, std::string path, std::string message, std::string hint) {
    problems_.push_back({place, std::move(path), std::move(message), std::move(hint)});
  }
  void add(const YAML::Node& node, std::string path, std::string message, std::string hint) {
    add(position_of(node.Mark()), std::move(path), std::move(message), std::move(hint));
  }

  YAML::Node load(std::string_view text) {
    if (text.size() > kLargestTemplate) {
      add(Position{}, "", "the template is larger than " + format_size(kLargestTemplate),
          "CloudFormation takes no more");
      return {};
    }
    if (!is_text(text)) {
      add(Position{}, "", "the template is not UTF-8 text", "");
      return {};
    }
    YAML::Node root;
    try {
      root = YAML::Load(std::string(text));
    } catch (const YAML::Exception& e) {
      add(position_of(e.mark), "", "bad YAML or JSON: " + e.msg, "");
      return {};
    }
    if (!root.IsMap()) {
      add(Position{}, "", "the template is not a mapping",
          "it starts with Parameters and Resources");
    } else if (trim(text).starts_with("{")) {
      check_json(text);
    }
    return root;
  }

  /// CloudFormation takes what begins with a brace for JSON, which is stricter than YAML.
  void check_json(std::string_view text) {
    try {
      Json ignored = Json::parse(text);
    } catch (const Json::parse_error& e) {
      const std::size_t at = std::min(text.size(), e.byte > 0 ? e.byte - 1 : 0);
      const std::string_view before = text.substr(0, at);
      const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is the start
      add(Position{static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                   static_cast<int>(at - line_start) + 1},
          "", "bad JSON", "remove commas at the end of lists and comments, quote all keys");
    } catch (const Json::exception&) {
      add(Position{}, "", "bad JSON: a number is too large", "");
    }
  }

  /// Notes what resources refer to. False if the document is too much.
  bool walk(const YAML::Node& node, const std::string& key, int depth) {
    if (++nodes_ > kMostNodes || depth > kDeepestTemplate) {
      add(node, "", "the template is nested or repeated beyond all measure",
          "write aliases out, or split it");
      return false;
    }
    if (node.IsScalar()) {
      if (!in_resources_) return true;
      if (key == "Ref" || node.Tag() == "!Ref") references_.insert(node.Scalar());
      note_substitutions(node.Scalar());
      return true;
    }
    if (node.IsMap()) {
      std::set<std::string> keys;
      for (const auto& member : node) {
        const std::string name = scalar(member.first);
        if (!keys.insert(name).second) {
          add(member.first, "", "the key \"" + name + "\" is there twice", "keep one of them");
        }
        if (depth == 0) in_resources_ = name == "Resources";
        if (!walk(member.second, name, depth + 1)) return false;
      }
      return true;
    }
    for (const YAML::Node& element : node) {
      if (!walk(element, key, depth + 1)) return false;
    }
    return true;
  }

  /// "${Name}" within Fn::Sub.
  void note_substitutions(const std::string& text) {
    for (std::size_t at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
      const std::size_t end = text.find('}', at);
      if (end == text.npos) return;
      references_.insert(text.substr(at + 2, end - at - 2));
    }
  }

  void check_resources(const YAML::Node& root) {
    const YAML::Node resources = root["Resources"];
    if (resources && resources.IsMap() && resources.size() > 0) return;
    add(resources ? resources : root, "Resources", "the template makes no resources",
        "a product makes at least a machine");
  }

  void check_parameters(const YAML::Node& root, ProductTemplate& result) {
    const YAML::Node parameters = root["Parameters"];
    if (parameters && !parameters.IsMap()) {
      add(parameters, "Parameters", "Parameters is not a mapping", "");
      return;
    }
    if (parameters) {
      for (const auto& member : parameters) {
        check_parameter(scalar(member.first), member.second, result);
      }
    }
    if (!result.image_parameters.empty() || misplaced_) return;
    add(parameters ? parameters : root, "Parameters",
        "no parameter of the template takes the image",
        fmt::format("add one with Type: {} and Default: {}", kImageParameterType,
                    kImagePlaceholder));
  }

  void check_parameter(const std::string& name, const YAML::Node& parameter,
                       ProductTemplate& result) {
    const std::string path = "Parameters." + name;
    if (!parameter.IsMap()) {
      add(parameter, path, "parameter " + name + " is not a mapping", "");
      return;
    }
    const YAML::Node given = parameter["Default"];
    const std::string value = given ? scalar(given) : "";
    if (name == kMachineSizeParameter) result.machine_size = value;
    if (value.find(kImagePlaceholder) == value.npos) return;
    misplaced_ = true;
    if (value != kImagePlaceholder) {
      add(given, path + ".Default",
          fmt::format("the default of {} has more in it than {}", name, kImagePlaceholder),
          "the whole name of a parameter takes its place");
      return;
    }
    const YAML::Node type = parameter["Type"];
    if (!type || scalar(type) != kImageParameterType) {
      add(type ? type : parameter, path + ".Type",
          type ? fmt::format("{} has the type {}, which takes no parameter's name", name,
                             scalar(type))
               : fmt::format("{} has no type", name),
          fmt::format("Type: {}", kImageParameterType));
      return;
    }
    if (!references_.contains(name)) {
      add(parameter, path, "no resource of the template refers to " + name,
          "the machine's ImageId is to be a Ref to it");
      return;
    }
    result.image_parameters.push_back(name);
  }

  std::vector<Problem>& problems_;
  std::set<std::string> references_;
  int nodes_ = 0;
  bool in_resources_ = false;
  bool misplaced_ = false;
};

}  // namespace

ProductTemplate read_product_template(std::string_view text, std::vector<Problem>& problems) {
  return TemplateReader(problems).read(text);
}

std::string with_image(const ProductTemplate& product_template,
                       const std::string& image_parameter) {
  // What a parameter's name may have needs no quotes in JSON or YAML.
  const bool is_name = image_parameter.starts_with("/") &&
                       std::all_of(image_parameter.begin(), image_parameter.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' ||
                                c == '-';
                       });
  if (!is_name) {
    throw Error(ErrorKind::usage, "\"{}\" is no parameter's name", image_parameter);
  }
  return replace_all(product_template.text, kImagePlaceholder, image_parameter);
}

}  // namespace hallmark::model
