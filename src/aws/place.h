#pragma once
/// Where in a value a reader or checker stands, kept on the stack and spelled out only for errors.

#include <cstddef>
#include <string>
#include <string_view>

namespace hallmark::aws {

struct Place {
  const Place* parent = nullptr;
  std::string_view name;  ///< of a member or map key; empty: the index counts
  std::size_t index = 0;

  /// "BlockDeviceMappings[0].Ebs.VolumeSize"; "the input" or "the answer" for the top, as `top`
  /// says.
  std::string text(std::string_view top = "the answer") const {
    if (parent == nullptr) return std::string(top);
    std::string out = parent->parent == nullptr ? std::string() : parent->text(top);
    if (name.empty()) return out + "[" + std::to_string(index) + "]";
    if (!out.empty()) out += '.';
    return out + std::string(name);
  }

  int depth() const {
    int count = 0;
    for (const Place* place = parent; place != nullptr; place = place->parent) ++count;
    return count;
  }
};

/// Nothing that a service says or wants is nested deeper; what is, is an attack on our stack.
inline constexpr int kMaxDepth = 100;

}  // namespace hallmark::aws
