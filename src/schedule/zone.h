#pragma once
/// Time zones by their IANA name: which instant a wall clock's time is, and whether it is any.
/// Read from the system's time zone database (tzdata, the TZif files of RFC 8536), rules for years
/// beyond its tables included, so that daylight saving goes on until 2199.

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hallmark::schedule {

using Instant = std::chrono::sys_seconds;
using WallTime = std::chrono::local_seconds;

/// A moment at which the wall clock jumps.
struct Shift {
  Instant at;
  std::chrono::seconds before;  ///< offset from UTC until then
  std::chrono::seconds after;
};

struct Zone {
  std::string name;
  std::chrono::seconds first{0};  ///< offset before all shifts
  std::vector<Shift> shifts;      ///< ascending, until the end of 2199
};

/// "UTC" needs no database. Throws `usage` with the nearest names if there is no such zone,
/// `not_found` if there is no database, `corrupt` if its file cannot be understood.
Zone load_zone(std::string_view name,
               const std::filesystem::path& database = "/usr/share/zoneinfo");

/// The shifts that a rule of POSIX's TZ variable with RFC 8536's extensions, such as
/// "CET-1CEST,M3.5.0,M10.5.0/3", means in the years `from` to `until`. Throws `corrupt`.
std::vector<Shift> shifts_of_rule(std::string_view rule, int from, int until);

/// The first instant at which the wall clock shows `time`; none if it jumps over it.
std::optional<Instant> instant_of(const Zone& zone, WallTime time);
/// The latest time that the wall clock has shown until `instant`: while it repeats an hour, the end
/// of that hour. Thus a time has had its first instant exactly if it is not later than this.
WallTime shown_until(const Zone& zone, Instant instant);

}  // namespace hallmark::schedule
