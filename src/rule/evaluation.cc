#include "rule/evaluation.h"

#include <fmt/format.h>

namespace hallmark::rule {

namespace {

/// Why there is no verdict; empty: there is one.
std::string why_not_applicable(const Item& item, bool left_scope) {
  if (item.resource_type != kMachineType) return "it is no machine";
  if (left_scope) return "it has left the rule's scope";
  // All others say that it is deleted or that Config does not record it.
  if (item.status != "OK" && item.status != "ResourceDiscovered") {
    return fmt::format("Config says {} of it", item.status.empty() ? "nothing" : item.status);
  }
  if (item.state == "terminated" || item.state == "shutting-down") return "it is " + item.state;
  return "";
}

}  // namespace

std::string_view to_string(Compliance compliance) {
  switch (compliance) {
    case Compliance::compliant:
      return "COMPLIANT";
    case Compliance::non_compliant:
      return "NON_COMPLIANT";
    case Compliance::not_applicable:
      return "NOT_APPLICABLE";
  }
  return "NON_COMPLIANT";
}

std::string annotation(std::string text) {
  constexpr std::string_view kMore = "...";
  if (text.size() <= kMaxAnnotation) return text;
  std::size_t end = kMaxAnnotation - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + std::string(kMore);
}

bool is_applicable(const Item& item, bool left_scope) {
  return why_not_applicable(item, left_scope).empty();
}

Evaluation evaluate(const Item& item, bool left_scope, const GoldenList& list,
                    const std::string& problem) {
  Evaluation out{.resource_type = item.resource_type, .resource_id = item.resource_id};
  auto say = [&](Compliance compliance, std::string text) {
    out.compliance = compliance;
    out.annotation = annotation(std::move(text));
    return out;
  };
  if (std::string why = why_not_applicable(item, left_scope); !why.empty()) {
    return say(Compliance::not_applicable, why);
  }
  if (!problem.empty()) {
    return say(Compliance::non_compliant, "its configuration could not be read: " + problem);
  }
  if (item.image_id.empty()) {
    return say(Compliance::non_compliant, "nothing says which image it comes from");
  }
  if (!list.problem.empty()) {
    return say(Compliance::non_compliant,
               fmt::format("{} could not be read: {}", list.parameter, list.problem));
  }
  if (list.ids.empty()) {
    return say(Compliance::non_compliant,
               fmt::format("there is no {} here, so no image is golden", list.parameter));
  }
  if (!list.ids.contains(item.image_id)) {
    return say(Compliance::non_compliant,
               fmt::format("its image {} is not in {}", item.image_id, list.parameter));
  }
  return say(Compliance::compliant,
             fmt::format("its image {} is in {}", item.image_id, list.parameter));
}

}  // namespace hallmark::rule
