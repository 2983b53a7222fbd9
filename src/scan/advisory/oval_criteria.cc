#include "scan/advisory/oval_criteria.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "scan/advisory/ecosystem.h"

namespace hallmark::scan {
namespace {

/// "Module nodejs:18 is enabled".
std::string module_of_comment(std::string_view comment) {
  if (!comment.starts_with("Module ") || !comment.ends_with(" is enabled")) return {};
  return std::string(comment.substr(7, comment.size() - 18));
}

/// "SUSE Linux Enterprise Module for Basesystem 15 SP3 is installed". Nothing for what is about a
/// package.
std::optional<std::string> release_of_comment(std::string_view comment) {
  while (comment.ends_with('.')) comment.remove_suffix(1);
  if (!comment.ends_with(" is installed")) return std::nullopt;
  comment.remove_suffix(13);
  for (const std::string_view start :
       {"SUSE ", "openSUSE ", "Oracle Linux ", "Red Hat ", "Ubuntu ", "Debian ", "Fedora ",
        "AlmaLinux ", "Rocky Linux ", "Amazon Linux ", "Azure Linux ", "CBL-Mariner ", "CentOS "}) {
    if (!comment.starts_with(start)) continue;
    const std::string ecosystem = ecosystem_from_title(comment);
    return ecosystem.empty() ? "elsewhere" : ecosystem;
  }
  return std::nullopt;
}

/// Adds what a node says of release or module alone. False if it (also) says something else.
bool take_condition(const OvalNode& node, OvalContext& context) {
  if (node.children.empty()) {
    if (const auto release = release_of_comment(node.comment)) {
      context.ecosystems.insert(*release);
      return true;
    }
    if (std::string module = module_of_comment(node.comment); !module.empty()) {
      context.modules.insert(std::move(module));
      return true;
    }
    return false;
  }
  // Of alternatives only those count that are all of this kind.
  OvalContext inner;
  const bool whole =
      std::all_of(node.children.begin(), node.children.end(),
                  [&](const OvalNode& child) { return take_condition(child, inner); });
  if (!whole) return false;
  context.ecosystems.merge(inner.ecosystems);
  context.modules.merge(inner.modules);
  return true;
}

/// What holds in both; where they have nothing in common, the one that is closer.
std::set<std::string> narrowed(const std::set<std::string>& outer, std::set<std::string> inner) {
  if (inner.empty()) return outer;
  std::set<std::string> both;
  std::set_intersection(outer.begin(), outer.end(), inner.begin(), inner.end(),
                        std::inserter(both, both.end()));
  return both.empty() ? inner : both;
}

void walk(const OvalNode& node, const OvalContext& outer,
          const std::function<void(const OvalNode&, const OvalContext&)>& take) {
  if (node.children.empty()) {
    OvalContext ignored;
    if (!node.test.empty() && !take_condition(node, ignored)) take(node, outer);
    return;
  }
  OvalContext context = outer;
  if (node.all) {
    OvalContext own;
    for (const OvalNode& child : node.children) take_condition(child, own);
    context.ecosystems = narrowed(outer.ecosystems, std::move(own.ecosystems));
    context.modules = narrowed(outer.modules, std::move(own.modules));
  }
  for (const OvalNode& child : node.children) walk(child, context, take);
}

}  // namespace

void walk_criteria(const OvalNode& root,
                   const std::function<void(const OvalNode&, const OvalContext&)>& take) {
  walk(root, {}, take);
}

}  // namespace hallmark::scan
