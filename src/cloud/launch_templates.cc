#include "cloud/launch_templates.h"

#include "base/error.h"

namespace hallmark::cloud {

void check_template_name(const std::string& name) {
  const bool is_known =
      name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789()./_-") ==
      std::string::npos;
  if (name.size() >= 3 && name.size() <= 128 && is_known) return;
  throw Error(ErrorKind::usage, "\"{}\" is no name of a launch template", name.substr(0, 200))
      .hint("3 to 128 letters, digits and ( ) . / _ -");
}

}  // namespace hallmark::cloud
