#pragma once
/// What mmdebstrap says, understood: stages for progress, and the reason of a failure.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hallmark::source {

/// Takes its output piece by piece.
class MmdebstrapOutput {
 public:
  struct Stage {
    double fraction;  ///< of the whole installation, 0..1
    std::string text;
  };
  /// The stages begun by this piece.
  std::vector<Stage> add(std::string_view piece);

 private:
  std::string line_;
};

/// Why it failed, told from its messages: mirror unreachable, bad signature, unknown package, disk
/// full, or something else (`failed`, with the last lines).
Error explain_mmdebstrap(std::string_view messages, const std::string& mirror);

}  // namespace hallmark::source
