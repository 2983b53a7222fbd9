#include "cloud/enforcement.h"

namespace hallmark::cloud {

std::string_view to_string(LaunchMode mode) {
  switch (mode) {
    case LaunchMode::disabled:
      return "disabled";
    case LaunchMode::audit:
      return "audit";
    case LaunchMode::enabled:
      return "enabled";
  }
  return "disabled";
}

}  // namespace hallmark::cloud
