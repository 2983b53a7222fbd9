#include "scan/inspector/answers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "model/finding.h"

namespace hallmark::scan::inspector {
namespace {

// The first second of the year 10000: later ones have no RFC 3339.
constexpr double kEndOfTime = 253402300800.0;

/// Null if there is no such member.
const Value* find(const Value& value, const char* member) {
  if (!value.is_object()) return nullptr;
  auto found = value.find(member);
  return found == value.end() ? nullptr : &*found;
}

/// The two digits at `at`; nothing if there are none.
std::optional<int> two_digits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return std::nullopt;
  int number = 0;
  auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, number);
  if (error != std::errc() || end != text.data() + at + 2 || number < 0) return std::nullopt;
  return number;
}

/// "2024-02-02T16:30:33.045000+01:00".
std::optional<TimePoint> parse_iso(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // up to and with them
  if (text.size() <= kSeconds) return std::nullopt;
  std::string plain(text.substr(0, kSeconds));
  std::size_t at = kSeconds;
  if (text[at] == '.') {
    std::size_t end = std::min(text.find_first_not_of("0123456789", at + 1), text.size());
    std::string digits(text.substr(at + 1, std::min<std::size_t>(end - at - 1, 3)));
    digits.resize(3, '0');
    plain += "." + digits;
    at = end;
  }
  std::chrono::minutes offset{0};
  std::string_view zone = text.substr(at);
  if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
    auto hours = two_digits(zone, 1), minutes = two_digits(zone, 4);
    if (!hours || !minutes) return std::nullopt;
    offset = std::chrono::minutes(*hours * 60 + *minutes);
    if (zone[0] == '-') offset = -offset;
  } else if (zone != "Z") {
    return std::nullopt;
  }
  try {
    return from_rfc3339(plain + "Z") - offset;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::string text_of(const Value& value, const char* member) {
  const Value* found = find(value, member);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

const Value& list_of(const Value& value, const char* member) {
  static const Value kNone = Value::array();
  const Value* found = find(value, member);
  return found && found->is_array() ? *found : kNone;
}

const Value& object_of(const Value& value, const char* member) {
  static const Value kNone = Value::object();
  const Value* found = find(value, member);
  return found && found->is_object() ? *found : kNone;
}

std::optional<double> number_of(const Value& value, const char* member) {
  const Value* found = find(value, member);
  if (!found) return std::nullopt;
  double number = 0;
  if (found->is_number()) {
    number = found->get<double>();
  } else if (found->is_string()) {
    const std::string& text = found->get_ref<const std::string&>();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<TimePoint> time_of(const Value& value, const char* member) {
  if (auto seconds = number_of(value, member)) {
    if (*seconds < 0 || *seconds >= kEndOfTime) return std::nullopt;
    return TimePoint(Duration(static_cast<Duration::rep>(*seconds * 1000)));
  }
  return parse_iso(text_of(value, member));
}

std::string time_text_of(const Value& value, const char* member) {
  auto time = time_of(value, member);
  return time ? to_rfc3339(*time) : std::string();
}

void add_reference(std::vector<std::string>& references, const std::string& url) {
  bool web = url.starts_with("https://") || url.starts_with("http://");
  if (web && references.size() < kReferences) {
    references.push_back(model::safe_text(url, 2 * kTitle));
  }
}

void sort_unique(std::vector<std::string>& values) {
  std::erase(values, "");
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::string compact(const Value& value) {
  return value.dump(-1, ' ', false, Value::error_handler_t::replace);
}

}  // namespace hallmark::scan::inspector
