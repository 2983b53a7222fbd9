#include "scan/versions.h"

#include <apt-pkg/debversion.h>

#include <algorithm>
#include <string_view>

namespace hallmark::scan {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool only(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || punctuation.find(c) != punctuation.npos;
  });
}

}  // namespace

bool is_valid_version(std::string_view rest) {
  // Far beyond any real version; the comparison is quadratic in nothing, but bounded input is good.
  if (rest.size() > 1000) return false;
  if (std::size_t colon = rest.find(':'); colon != rest.npos) {
    std::string_view epoch = rest.substr(0, colon);
    // dpkg keeps the epoch in an int.
    if (epoch.empty() || epoch.size() > 9 || !std::all_of(epoch.begin(), epoch.end(), is_digit)) {
      return false;
    }
    rest.remove_prefix(colon + 1);
  }
  if (std::size_t dash = rest.rfind('-'); dash != rest.npos) {
    std::string_view revision = rest.substr(dash + 1);
    if (revision.empty() || !only(revision, "+.~")) return false;
    rest = rest.substr(0, dash);
  }
  return !rest.empty() && is_digit(rest[0]) && only(rest, ".+-~:");
}

int compare_versions(std::string_view a, std::string_view b) {
  return debVS.DoCmpVersion(a.data(), a.data() + a.size(), b.data(), b.data() + b.size());
}

}  // namespace hallmark::scan
