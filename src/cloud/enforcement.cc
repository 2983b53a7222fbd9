#include "cloud/enforcement.h"

#include "base/error.h"

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

LaunchMode launch_mode_from(std::string_view text) {
  for (LaunchMode mode : {LaunchMode::disabled, LaunchMode::audit, LaunchMode::enabled}) {
    if (to_string(mode) == text) return mode;
  }
  throw Error(ErrorKind::corrupt, "\"{}\" is no mode of launching", text);
}

}  // namespace hallmark::cloud
