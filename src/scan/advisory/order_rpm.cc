/// rpm's order. The one place that knows librpm.

#include <rpm/rpmver.h>

#include <array>
#include <cstring>
#include <string>

#include "scan/advisory/version_orders.h"

namespace hallmark::scan {
namespace {

struct Evr {
  std::string_view epoch, version, release;
};

Evr split_evr(std::string_view text) {
  Evr evr;
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  if (digits.size() < text.size() && text[digits.size()] == ':') {
    evr.epoch = digits;
    text.remove_prefix(digits.size() + 1);
  }
  const std::size_t dash = text.rfind('-');
  evr.version = text.substr(0, dash);
  if (dash != text.npos) evr.release = text.substr(dash + 1);
  return evr;
}

bool is_part(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) ||
           std::string_view("._+~^").find(c) != std::string_view::npos;
  });
}

/// librpm wants texts that end with a zero.
class Terminated {
 public:
  explicit Terminated(std::string_view text) {
    if (text.size() < near_.size()) {
      std::memcpy(near_.data(), text.data(), text.size());
      near_[text.size()] = '\0';
    } else {
      far_ = text;
    }
  }
  const char* get() const { return far_.empty() ? near_.data() : far_.c_str(); }

 private:
  std::array<char, 64> near_;
  std::string far_;
};

int compare_part(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  return rpmvercmp(Terminated(a).get(), Terminated(b).get());
}

}  // namespace

bool is_rpm_version(std::string_view version) {
  const Evr evr = split_evr(version);
  // rpm keeps the epoch in 32 bits.
  if (evr.epoch.size() > 9) return false;
  const bool has_release = version.find('-') != version.npos;
  return is_part(evr.version) && (!has_release || is_part(evr.release));
}

int compare_rpm(std::string_view a, std::string_view b) {
  const Evr left = split_evr(a);
  const Evr right = split_evr(b);
  if (const int order = compare_numbers(left.epoch, right.epoch)) return order;
  if (const int order = compare_part(left.version, right.version)) return order;
  if (left.release.empty() || right.release.empty()) return 0;
  return compare_part(left.release, right.release);
}

}  // namespace hallmark::scan
