#include "schedule/zone.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace hallmark::schedule {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

namespace {

// The last year that a schedule can name.
constexpr int kLastYear = 2199;
// No wall clock is further from UTC: RFC 8536, 3.2, "utoff" SHOULD be within -25 to 26 hours.
constexpr seconds kFurthest = hours{26};

[[noreturn]] void fail(std::string_view problem) {
  throw Error(ErrorKind::corrupt, "the time zone's data cannot be understood: {}", problem);
}

/// Reads numbers, most significant byte first.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) fail("it ends too early");
    std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (unsigned char byte : take(size)) value = value << 8 | byte;
    // The sign is that of the number's own size.
    int unused = static_cast<int>(64 - 8 * size);
    return static_cast<std::int64_t>(value << unused) >> unused;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

struct Header {
  std::size_t ut_flags, standard_flags, leaps, times, types, characters;
  std::size_t size(std::size_t time_size) const {
    return times * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) +
           standard_flags + ut_flags;
  }
};

Header read_header(Reader& reader, char& version) {
  if (reader.take(4) != "TZif") fail("it is no TZif file");
  version = reader.take(16).front();
  Header header{};
  for (std::size_t* count : {&header.ut_flags, &header.standard_flags, &header.leaps, &header.times,
                             &header.types, &header.characters}) {
    std::int64_t value = reader.number(4);
    // Real tables have some hundred rows.
    if (value < 0 || value > 100'000) fail("its table is of an impossible size");
    *count = static_cast<std::size_t>(value);
  }
  return header;
}

Zone read_zone(std::string_view bytes) {
  Reader reader(bytes);
  char version = 0;
  Header header = read_header(reader, version);
  if (version < '2') fail("its format is of before 2005");
  // The first table has 32-bit times; the second says all of it again with 64 bits.
  reader.take(header.size(4));
  header = read_header(reader, version);
  if (header.leaps != 0) fail("it counts leap seconds");
  if (header.types == 0) fail("it has no offset");
  Reader times(reader.take(header.times * 8));
  std::string_view types_of_times = reader.take(header.times);
  Reader types(reader.take(header.types * 6));
  reader.take(header.characters + header.standard_flags + header.ut_flags);

  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    seconds offset{types.number(4)};
    if (offset > kFurthest || offset < -kFurthest) fail("an offset is impossible");
    offsets.push_back(offset);
    types.take(2);
  }
  Zone zone;
  zone.first = offsets.front();
  seconds before = zone.first;
  for (unsigned char type : types_of_times) {
    if (type >= offsets.size()) fail("a shift has no offset");
    Instant at{seconds{times.number(8)}};
    if (!zone.shifts.empty() && at <= zone.shifts.back().at) fail("its shifts are not in order");
    zone.shifts.push_back({at, before, offsets[type]});
    before = offsets[type];
  }
  std::string_view rule = trim(reader.rest());
  if (rule.empty()) return zone;

  // A time before 1970 in the last row leaves more years to the rule than schedules need.
  Instant end = zone.shifts.empty() ? Instant::min() : zone.shifts.back().at;
  for (Shift shift : shifts_of_rule(rule, 1969, kLastYear)) {
    if (shift.at <= end) continue;
    shift.before = before;
    zone.shifts.push_back(shift);
    before = shift.after;
  }
  std::erase_if(zone.shifts, [](const Shift& shift) { return shift.before == shift.after; });
  return zone;
}

/// Reads a rule from left to right.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool sees(char c) const { return rest_.starts_with(c); }
  bool skip(char c) {
    if (!sees(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!skip(c)) fail("its rule is malformed");
  }
  int number(int most) {
    int value = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      value = value * 10 + (rest_[digits] - '0');
      if (value > most) fail("a number of its rule is too large");
    }
    if (digits == 0) fail("a number of its rule is missing");
    rest_.remove_prefix(digits);
    return value;
  }
  /// Hours with a sign, then minutes and seconds if there are any.
  seconds time() {
    bool negative = skip('-');
    if (!negative) skip('+');
    // RFC 8536, 3.3.1: a week less an hour.
    seconds value = hours{number(167)};
    if (skip(':')) value += std::chrono::minutes{number(59)};
    if (skip(':')) value += seconds{number(59)};
    return negative ? -value : value;
  }
  void abbreviation() {
    std::size_t end = 0;
    if (skip('<')) {
      end = rest_.find('>');
      if (end == rest_.npos) fail("a name of its rule has no end");
      rest_.remove_prefix(end + 1);
      return;
    }
    end = rest_.find_first_of("+-0123456789,");
    if (end == 0) fail("a name of its rule is missing");
    rest_.remove_prefix(std::min(end, rest_.size()));
  }

 private:
  std::string_view rest_;
};

/// A day of every year, and the time of that day.
struct Day {
  char kind = 0;  ///< 'M' month.week.weekday, 'J' without 29 February, 'n' with it
  int month = 0, week = 0, weekday = 0, number = 0;
  seconds time = hours{2};

  WallTime in(int y) const {
    sys_days day = sys_days{year{y} / 1 / 1};
    if (kind == 'M') {
      auto m = year{y} / month;
      std::chrono::weekday w(static_cast<unsigned>(weekday));
      day = week == 5 ? sys_days{m / w[std::chrono::last]}
                      : sys_days{m / w[static_cast<unsigned>(week)]};
    } else {
      // Day 60 of a year without 29 February is 1 March.
      bool later = kind == 'J' && year{y}.is_leap() && number >= 60;
      day += days{number - (kind == 'J' ? 1 : 0) + (later ? 1 : 0)};
    }
    return WallTime{day.time_since_epoch() + time};
  }
};

Day read_day(RuleReader& reader) {
  Day day;
  if (reader.skip('M')) {
    day.kind = 'M';
    day.month = reader.number(12);
    reader.expect('.');
    day.week = reader.number(5);
    reader.expect('.');
    day.weekday = reader.number(6);
    if (day.month == 0 || day.week == 0) fail("a day of its rule is impossible");
  } else {
    day.kind = reader.skip('J') ? 'J' : 'n';
    day.number = reader.number(365);
    if (day.kind == 'J' && day.number == 0) fail("a day of its rule is impossible");
  }
  if (reader.skip('/')) day.time = reader.time();
  return day;
}

bool is_zone_file(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored);
}

std::vector<std::string> names_in(const std::filesystem::path& database) {
  std::vector<std::string> names;
  std::error_code stopped;
  using Walk = std::filesystem::recursive_directory_iterator;
  for (Walk entry(database, stopped), end; !stopped && entry != end; entry.increment(stopped)) {
    std::string name = entry->path().lexically_relative(database).string();
    // The same zones again, with and without leap seconds.
    if (name == "posix" || name == "right") entry.disable_recursion_pending();
    // Zones begin with a capital and have no extension; what else is there are tables.
    bool is_zone = name[0] >= 'A' && name[0] <= 'Z' && name.find('.') == name.npos;
    if (is_zone && is_zone_file(entry->path())) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string city(std::string_view name) {
  return std::string(name.substr(name.find_last_of('/') + 1));
}

/// The zones that may have been meant: another case, the city alone, a slip of the hand.
std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& known) {
  // More than three are no help.
  constexpr std::size_t kMost = 3;
  std::string wanted = replace_all(to_lower(name), " ", "_");
  std::vector<std::string> found;
  auto add = [&](const std::string& zone) {
    bool is_new = std::find(found.begin(), found.end(), zone) == found.end();
    if (is_new && found.size() < kMost) found.push_back(zone);
  };
  for (const std::string& zone : known) {
    if (to_lower(zone) == wanted) add(zone);
  }
  for (const std::string& zone : known) {
    if (to_lower(city(zone)) == city(wanted)) add(zone);
  }
  if (auto zone = suggestion(wanted, known)) add(*zone);
  std::vector<std::string> cities;
  cities.reserve(known.size());
  for (const std::string& zone : known) cities.push_back(city(zone));
  if (auto close = suggestion(city(wanted), cities)) {
    for (const std::string& zone : known) {
      if (city(zone) == *close) add(zone);
    }
  }
  return found;
}

}  // namespace

std::vector<Shift> shifts_of_rule(std::string_view rule, int from, int until) {
  RuleReader reader(rule);
  reader.abbreviation();
  // POSIX counts from the local time to UTC.
  seconds standard = -reader.time();
  if (reader.at_end()) return {};
  reader.abbreviation();
  seconds saving = reader.sees(',') ? standard + hours{1} : -reader.time();
  reader.expect(',');
  Day start = read_day(reader);
  reader.expect(',');
  Day end = read_day(reader);
  if (!reader.at_end()) fail("its rule goes on too long");

  std::vector<Shift> shifts;
  for (int y = from; y <= until; ++y) {
    shifts.push_back({Instant{(start.in(y)-standard).time_since_epoch()}, standard, saving});
    shifts.push_back({Instant{(end.in(y)-saving).time_since_epoch()}, saving, standard});
  }
  std::stable_sort(shifts.begin(), shifts.end(),
                   [](const Shift& a, const Shift& b) { return a.at < b.at; });
  return shifts;
}

Zone load_zone(std::string_view name, const std::filesystem::path& database) {
  if (name == "UTC") return Zone{.name = "UTC", .first = {}, .shifts = {}};
  bool is_name = !name.empty() && name[0] >= 'A' && name[0] <= 'Z' && name.size() <= 64 &&
                 std::all_of(name.begin(), name.end(), [](char c) {
                   return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
                 });
  if (is_name && is_zone_file(database / name)) {
    try {
      Zone zone = read_zone(read_file(database / name));
      zone.name = name;
      return zone;
    } catch (Error& error) {
      throw error.note(fmt::format("while reading {}", (database / name).string()))
          .hint("reinstall the package tzdata");
    }
  }
  std::vector<std::string> known = names_in(database);
  if (known.empty()) {
    throw Error(ErrorKind::not_found, "there is no time zone database in {}", database.string())
        .hint("install the package tzdata, or use the time zone UTC");
  }
  std::vector<std::string> near = nearest(name.substr(0, 64), known);
  throw Error(ErrorKind::usage, "time zone \"{}\" is not known", name.substr(0, 64))
      .hint(near.empty() ? "name it as the IANA database does, such as Europe/Berlin or UTC"
                         : fmt::format("did you mean {}?", join(near, " or ")));
}

std::optional<Instant> instant_of(const Zone& zone, WallTime time) {
  Instant as_if_utc{time.time_since_epoch()};
  // Every instant at which a wall clock may show this time is this near.
  auto next =
      std::upper_bound(zone.shifts.begin(), zone.shifts.end(), as_if_utc - kFurthest,
                       [](Instant instant, const Shift& shift) { return instant < shift.at; });
  while (true) {
    seconds offset = next == zone.shifts.begin() ? zone.first : std::prev(next)->after;
    Instant instant = as_if_utc - offset;
    // Shown before this stretch began: then the clock has jumped over it.
    if (next != zone.shifts.begin() && instant < std::prev(next)->at) return std::nullopt;
    if (next == zone.shifts.end() || instant < next->at) return instant;
    ++next;
  }
}

WallTime shown_until(const Zone& zone, Instant instant) {
  auto next =
      std::upper_bound(zone.shifts.begin(), zone.shifts.end(), instant,
                       [](Instant wanted, const Shift& shift) { return wanted < shift.at; });
  if (next == zone.shifts.begin()) return WallTime{(instant + zone.first).time_since_epoch()};
  const Shift& last = *std::prev(next);
  WallTime now{(instant + last.after).time_since_epoch()};
  WallTime before{(last.at + last.before).time_since_epoch() - seconds{1}};
  return std::max(now, before);
}

}  // namespace hallmark::schedule
