#include "aws/protocol/scalar.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr int kMicro = 1'000'000;

/// Takes pieces off the front of a text; any failure makes all that follows fail.
struct Scanner {
  std::string_view rest;
  bool good = true;

  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) { good = good && take(c); }
  void skip_spaces() {
    while (take(' ')) continue;
  }
  int digits(std::size_t least, std::size_t most) {
    std::size_t count = 0;
    int value = 0;
    while (count < most && count < rest.size() && rest[count] >= '0' && rest[count] <= '9') {
      value = value * 10 + (rest[count] - '0');
      ++count;
    }
    rest.remove_prefix(count);
    if (count < least) good = false;
    return value;
  }
  /// ".25" as microseconds; 0 if there is no fraction.
  int fraction() {
    if (!take('.') && !take(',')) return 0;
    int value = 0;
    int scale = kMicro / 10;
    std::size_t count = 0;
    for (; count < rest.size() && rest[count] >= '0' && rest[count] <= '9'; ++count) {
      value += (rest[count] - '0') * scale;
      scale /= 10;
    }
    rest.remove_prefix(count);
    if (count == 0) good = false;
    return value;
  }
  /// Minutes east of Greenwich. Without a zone UTC is meant.
  int zone() {
    skip_spaces();
    if (rest.empty() || rest == "Z" || rest == "z" || rest == "GMT" || rest == "UTC") {
      rest = {};
      return 0;
    }
    int sign = take('-') ? -1 : 1;
    if (sign == 1) expect('+');
    int hours = digits(2, 2);
    take(':');
    int minutes = rest.empty() ? 0 : digits(2, 2);
    if (!rest.empty() || hours > 23 || minutes > 59) good = false;
    return sign * (hours * 60 + minutes);
  }
};

std::optional<Instant> make_instant(const Scanner& scanner, int year, int month, int day, int hour,
                                    int minute, int second, int microseconds, int zone) {
  using namespace std::chrono;
  year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                      std::chrono::day(static_cast<unsigned>(day))};
  // 60: a leap second is the first of the next minute.
  if (!scanner.good || !date.ok() || hour > 24 || minute > 59 || second > 60) return std::nullopt;
  std::int64_t days = sys_days(date).time_since_epoch().count();
  return Instant{((days * 24 + hour) * 60 + minute - zone) * 60 + second, microseconds};
}

std::optional<Instant> parse_iso8601(std::string_view text) {
  Scanner scanner{text};
  int year = scanner.digits(4, 4);
  scanner.expect('-');
  int month = scanner.digits(1, 2);
  scanner.expect('-');
  int day = scanner.digits(1, 2);
  int hour = 0, minute = 0, second = 0, microseconds = 0, zone = 0;
  if (!scanner.rest.empty()) {
    scanner.good = scanner.good && (scanner.take('T') || scanner.take('t') || scanner.take(' '));
    hour = scanner.digits(2, 2);
    scanner.expect(':');
    minute = scanner.digits(2, 2);
    if (scanner.take(':')) {
      second = scanner.digits(2, 2);
      microseconds = scanner.fraction();
    }
    zone = scanner.zone();
  }
  return make_instant(scanner, year, month, day, hour, minute, second, microseconds, zone);
}

std::optional<Instant> parse_rfc822(std::string_view text) {
  if (auto comma = text.find(','); comma != std::string_view::npos) text.remove_prefix(comma + 1);
  Scanner scanner{text};
  scanner.skip_spaces();
  int day = scanner.digits(1, 2);
  if (!scanner.take(' ')) scanner.expect('-');
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (scanner.rest.starts_with(kMonths[i])) month = static_cast<int>(i) + 1;
  }
  if (month == 0) return std::nullopt;
  scanner.rest.remove_prefix(3);
  if (!scanner.take(' ')) scanner.expect('-');
  int year = scanner.digits(2, 4);
  // RFC 2822, 4.3: two digits are years from 1950 to 2049.
  if (year < 100) year += year < 50 ? 2000 : 1900;
  scanner.expect(' ');
  int hour = scanner.digits(2, 2);
  scanner.expect(':');
  int minute = scanner.digits(2, 2);
  int second = 0, microseconds = 0;
  if (scanner.take(':')) {
    second = scanner.digits(2, 2);
    microseconds = scanner.fraction();
  }
  int zone = scanner.zone();
  return make_instant(scanner, year, month, day, hour, minute, second, microseconds, zone);
}

Instant from_seconds(double seconds) {
  double whole = std::floor(seconds);
  auto micro = static_cast<int>(std::llround((seconds - whole) * kMicro));
  Instant instant{static_cast<std::int64_t>(whole), micro};
  if (micro == kMicro) instant = {instant.seconds + 1, 0};
  return instant;
}

/// Years 1 to 9999: what every format can write.
bool in_range(double seconds) { return seconds >= -62135596800.0 && seconds < 253402300800.0; }

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[noreturn]] void no_value(std::string_view text, std::string_view what) {
  std::string shown(text.substr(0, 80));
  throw Error(ErrorKind::corrupt, "\"{}\" is not {}", shown, what);
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
  text = trim(text);
  if (auto whole = parse_number<std::int64_t>(text)) {
    if (!in_range(static_cast<double>(*whole))) return std::nullopt;
    return Instant{*whole, 0};
  }
  if (auto seconds = parse_number<double>(text)) {
    if (!in_range(*seconds)) return std::nullopt;
    return from_seconds(*seconds);
  }
  if (auto instant = parse_iso8601(text)) return instant;
  return parse_rfc822(text);
}

std::optional<Instant> instant_of(const Value& value) {
  if (value.is_string()) return parse_instant(value.get_ref<const std::string&>());
  if (!value.is_number() || !in_range(value.get<double>())) return std::nullopt;
  if (value.is_number_integer()) return Instant{value.get<std::int64_t>(), 0};
  return from_seconds(value.get<double>());
}

std::string format_instant(Instant instant, TimestampFormat format) {
  using namespace std::chrono;
  if (format == TimestampFormat::unix_seconds) {
    return to_value(instant).dump();
  }
  sys_seconds time{seconds(instant.seconds)};
  sys_days day = floor<days>(time);
  year_month_day date(day);
  hh_mm_ss clock(time - day);
  int year = static_cast<int>(date.year());
  unsigned month = static_cast<unsigned>(date.month());
  unsigned day_of_month = static_cast<unsigned>(date.day());
  auto hour = clock.hours().count();
  auto minute = clock.minutes().count();
  auto second = clock.seconds().count();
  if (format == TimestampFormat::rfc822) {
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       kWeekdays[weekday(day).c_encoding()], day_of_month, kMonths[month - 1], year,
                       hour, minute, second);
  }
  std::string fraction;
  if (instant.microseconds != 0) fraction = fmt::format(".{:06}", instant.microseconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", year, month, day_of_month, hour,
                     minute, second, fraction);
}

Value to_value(Instant instant) {
  if (instant.microseconds == 0) return instant.seconds;
  // Divided once, so that rounding happens once.
  return static_cast<double>(instant.seconds * kMicro + instant.microseconds) / kMicro;
}

std::string bytes_of(const Value& value) {
  if (!value.is_binary()) return value.get<std::string>();
  const auto& bytes = value.get_binary();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Value to_blob(std::string bytes) {
  // From a range of the same type the vector copies in one go: blocks of snapshots come this way.
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return Value::binary(std::vector<std::uint8_t>(first, first + bytes.size()));
}

std::string decode_base64(std::string_view text) {
  if (text.find_first_of(" \t\r\n") == std::string_view::npos) return base64_decode(text);
  std::string dense;
  for (char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') dense += c;
  }
  return base64_decode(dense);
}

bool is_special_number(std::string_view text) {
  return text == "Infinity" || text == "-Infinity" || text == "NaN";
}

std::string scalar_text(const Member& member, const Value& value, TimestampFormat otherwise) {
  switch (member.shape->type) {
    case Type::timestamp: {
      auto instant = instant_of(value);
      if (!instant) throw Error(ErrorKind::usage, "{} is no moment", value.dump());
      bool own = member.timestamp_format != TimestampFormat::unset;
      return format_instant(*instant, own ? member.timestamp_format : otherwise);
    }
    case Type::blob:
      return base64_encode(bytes_of(value));
    default:
      if (value.is_string()) return value.get<std::string>();
      if (value.is_number_float() && !std::isfinite(value.get<double>())) {
        double number = value.get<double>();
        return std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
      }
      return value.dump();
  }
}

Value scalar_value(const Member& member, std::string_view text) {
  switch (member.shape->type) {
    case Type::integer: {
      auto number = parse_number<std::int64_t>(text);
      if (!number) no_value(text, "an integer");
      return *number;
    }
    case Type::real: {
      if (is_special_number(trim(text))) return std::string(trim(text));
      auto number = parse_number<double>(text);
      if (!number) no_value(text, "a number");
      return *number;
    }
    case Type::boolean:
      return to_lower(trim(text)) == "true";
    case Type::timestamp: {
      auto instant = parse_instant(text);
      if (!instant) no_value(text, "a timestamp");
      return to_value(*instant);
    }
    case Type::blob:
      return to_blob(decode_base64(text));
    default:
      return std::string(text);
  }
}

Value object_with_room(std::size_t count) {
  Value object = Value::object();
  object.get_ref<Value::object_t&>().reserve(count);
  return object;
}

void append(Value& object, std::string_view name, Value value) {
  object.get_ref<Value::object_t&>().emplace_back(std::string(name), std::move(value));
}

}  // namespace hallmark::aws
