#pragma once
/// The verdict on a machine, as AWS Config takes it: its exact image id against the list of its
/// place. Where the list cannot be read, nothing is golden.

#include <string>
#include <string_view>
#include <unordered_set>

#include "rule/event.h"

namespace hallmark::rule {

enum class Compliance { compliant, non_compliant, not_applicable };
std::string_view to_string(Compliance compliance);  ///< "NON_COMPLIANT"

struct GoldenList {
  std::string parameter;                ///< "/GoldenAMI/latest"
  std::unordered_set<std::string> ids;  ///< empty: there is no such parameter
  std::string problem;                  ///< why it could not be read; empty: it could
};

struct Evaluation {
  std::string resource_type;
  std::string resource_id;
  Compliance compliance = Compliance::non_compliant;
  std::string annotation;  ///< not empty, at most kMaxAnnotation bytes of UTF-8
};

/// AWS Config API Reference, Evaluation, Annotation.
inline constexpr std::size_t kMaxAnnotation = 256;

/// `text`, cut between two characters where it is too long.
std::string annotation(std::string text);

/// What has left the scope, is deleted or terminated, or is no machine, is not applicable.
/// `problem`: why the machine's configuration could not be read; then it is non-compliant.
Evaluation evaluate(const Item& item, bool left_scope, const GoldenList& list,
                    const std::string& problem = "");

/// Whether a verdict on it needs the list.
bool is_applicable(const Item& item, bool left_scope);

}  // namespace hallmark::rule
