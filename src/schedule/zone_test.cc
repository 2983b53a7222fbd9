#include "schedule/zone.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/testing.h"

namespace hallmark::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::year;

Instant utc(int y, int month, int day, int hour = 0, int minute = 0) {
  return std::chrono::sys_days{year{y} / month / day} + hours{hour} + minutes{minute};
}
WallTime wall(int y, int month, int day, int hour = 0, int minute = 0) {
  return WallTime{utc(y, month, day, hour, minute).time_since_epoch()};
}

// Without the syncs of write_file, which thousands of files would wait for.
void write(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

TEST(Zone, TellsWhichInstantAWallClockTimeIs) {
  struct Row {
    const char* zone;
    WallTime wall;
    std::optional<Instant> instant;
  };
  const std::vector<Row> rows = {
      {"UTC", wall(2026, 3, 29, 2, 30), utc(2026, 3, 29, 2, 30)},
      {"Europe/Berlin", wall(2026, 1, 15, 12), utc(2026, 1, 15, 11)},
      {"Europe/Berlin", wall(2026, 7, 15, 12), utc(2026, 7, 15, 10)},
      // The clock goes from 02:00 to 03:00, and in autumn from 03:00 to 02:00.
      {"Europe/Berlin", wall(2026, 3, 29, 1, 59), utc(2026, 3, 29, 0, 59)},
      {"Europe/Berlin", wall(2026, 3, 29, 2, 0), std::nullopt},
      {"Europe/Berlin", wall(2026, 3, 29, 2, 59), std::nullopt},
      {"Europe/Berlin", wall(2026, 3, 29, 3, 0), utc(2026, 3, 29, 1)},
      {"Europe/Berlin", wall(2026, 10, 25, 2, 30), utc(2026, 10, 25, 0, 30)},
      {"Europe/Berlin", wall(2026, 10, 25, 3, 0), utc(2026, 10, 25, 2)},
      {"America/New_York", wall(2026, 3, 8, 2, 30), std::nullopt},
      {"America/New_York", wall(2026, 11, 1, 1, 30), utc(2026, 11, 1, 5, 30)},
      {"America/New_York", wall(2026, 11, 1, 2, 0), utc(2026, 11, 1, 7)},
      {"Asia/Kolkata", wall(2026, 6, 1, 5, 30), utc(2026, 6, 1)},
      // Half an hour of daylight saving.
      {"Australia/Lord_Howe", wall(2026, 10, 4, 2, 15), std::nullopt},
      {"Australia/Lord_Howe", wall(2026, 10, 4, 2, 30), utc(2026, 10, 3, 15, 30)},
      {"Australia/Lord_Howe", wall(2026, 4, 5, 1, 45), utc(2026, 4, 4, 14, 45)},
      {"Australia/Lord_Howe", wall(2026, 4, 5, 2, 0), utc(2026, 4, 4, 15, 30)},
      // A whole day was left out.
      {"Pacific/Apia", wall(2011, 12, 30, 12), std::nullopt},
      {"Pacific/Apia", wall(2011, 12, 31, 0), utc(2011, 12, 30, 10)},
      // Far beyond the tables, by the rule.
      {"Europe/Berlin", wall(2199, 7, 1, 12), utc(2199, 7, 1, 10)},
      {"Europe/Berlin", wall(2199, 12, 31, 23, 59), utc(2199, 12, 31, 22, 59)},
      {"America/New_York", wall(2150, 7, 1, 12), utc(2150, 7, 1, 16)},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(instant_of(load_zone(row.zone), row.wall), row.instant)
        << row.zone << " " << row.wall.time_since_epoch().count();
  }
}

TEST(Zone, RemembersTheLatestTimeShown) {
  Zone zone = load_zone("Europe/Berlin");
  EXPECT_EQ(shown_until(zone, utc(2026, 10, 25, 0, 30)), wall(2026, 10, 25, 2, 30));
  // The second time that it is half past two, it has been three.
  EXPECT_EQ(shown_until(zone, utc(2026, 10, 25, 1, 30)), wall(2026, 10, 25, 3) - seconds{1});
  EXPECT_EQ(shown_until(zone, utc(2026, 10, 25, 2)), wall(2026, 10, 25, 3));
  EXPECT_EQ(shown_until(zone, utc(2026, 3, 29, 1)), wall(2026, 3, 29, 3));
}

TEST(Zone, ReadsTheRulesOfPosix) {
  struct Row {
    const char* rule;
    Instant start;
    Instant end;
    seconds saving;
  };
  const std::vector<Row> rows = {
      {"CET-1CEST,M3.5.0,M10.5.0/3", utc(2050, 3, 27, 1), utc(2050, 10, 30, 1), hours{2}},
      // A day earlier by a negative time, and later by more hours than a day has.
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", utc(2050, 3, 27, 1), utc(2050, 10, 30, 1), -hours{1}},
      {"IST-2IDT,M3.4.4/26,M10.5.0", utc(2050, 3, 25), utc(2050, 10, 29, 23), hours{3}},
      {"AAA0BBB,J60/0,J365/0", utc(2048, 3, 1), utc(2048, 12, 30, 23), hours{1}},
      {"AAA0BBB,59/0,364/0", utc(2048, 2, 29), utc(2048, 12, 29, 23), hours{1}},
      {"AAA3:30BBB2:15:30,M1.1.1/1:30,M12.1.1", utc(2050, 1, 3, 5),
       utc(2050, 12, 5, 4, 15) + seconds{30}, -(hours{2} + minutes{15} + seconds{30})},
  };
  for (const Row& row : rows) {
    int y = static_cast<int>(
        std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(row.start)}.year());
    std::vector<Shift> shifts = shifts_of_rule(row.rule, y, y);
    ASSERT_EQ(shifts.size(), 2u) << row.rule;
    EXPECT_EQ(shifts[0].at, row.start) << row.rule;
    EXPECT_EQ(shifts[0].after, row.saving) << row.rule;
    EXPECT_EQ(shifts[1].at, row.end) << row.rule;
  }
  EXPECT_TRUE(shifts_of_rule("IST-5:30", 2000, 2100).empty());
  for (const char* wrong :
       {"", "CET", "-1", "<CET-1", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-200",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,M3.5.0,M10.5.0/3 ",
        "CET-1CEST,M3.5.0/1:60,M10.5.0", "CET-1CEST,366,1", "CET-99999999999999999999"}) {
    EXPECT_EQ(kind_of([&] { shifts_of_rule(wrong, 2000, 2001); }), ErrorKind::corrupt) << wrong;
  }
}

// The C library reads the same database by its own code.
TEST(Zone, AgreesWithTheCLibraryForEveryZone) {
  std::size_t zones = 0;
  const std::filesystem::path database = "/usr/share/zoneinfo";
  for (std::filesystem::recursive_directory_iterator file(database), end; file != end; ++file) {
    std::string name = file->path().lexically_relative(database).string();
    if (name == "posix" || name == "right") file.disable_recursion_pending();
    if (name[0] < 'A' || name[0] > 'Z' || !file->is_regular_file()) continue;
    Zone zone = load_zone(name);
    ASSERT_EQ(setenv("TZ", (":" + name).c_str(), 1), 0);
    tzset();
    auto check = [&](Instant instant) {
      std::time_t time = instant.time_since_epoch().count();
      std::tm parts{};
      localtime_r(&time, &parts);
      WallTime shown{instant.time_since_epoch() + seconds{parts.tm_gmtoff}};
      std::optional<Instant> back = instant_of(zone, shown);
      // An hour shown twice is told by its first instant.
      bool fits = back && (*back == instant || (*back<instant&& * back> instant - hours{25}));
      ASSERT_TRUE(fits) << name << " at " << time;
      if (*back != instant) {
        ASSERT_GT(shown_until(zone, instant), shown) << name;
      }
      if (*back == instant) {
        ASSERT_EQ(shown_until(zone, instant), shown) << name;
      }
    };
    // A prime number of hours meets every hour of the day.
    for (Instant at = utc(1970, 1, 2); at < utc(2199, 12, 31); at += hours{2851}) check(at);
    for (const Shift& shift : zone.shifts) {
      if (shift.at < utc(1970, 1, 2)) continue;
      check(shift.at - seconds{1});
      check(shift.at);
    }
    if (HasFatalFailure()) return;
    ++zones;
  }
  unsetenv("TZ");
  tzset();
  EXPECT_GT(zones, 400u);
}

TEST(Zone, NamesTheNearestToAnUnknownOne) {
  struct Row {
    std::string name;
    std::string hint;
  };
  const std::vector<Row> rows = {
      {"berlin", "did you mean Europe/Berlin?"},
      {"europe/berlin", "did you mean Europe/Berlin?"},
      {"Europe/Berln", "did you mean Europe/Berlin?"},
      {"America/New York", "did you mean America/New_York?"},
      {"new york", "did you mean America/New_York?"},
      {"utc", "did you mean UTC or Etc/UTC?"},
      {"../../../etc/passwd", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {"/etc/passwd", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {"posix/Europe/Berlin", "did you mean Europe/Berlin?"},
      {"localtime", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {"tzdata.zi", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {"Europe", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {"", "name it as the IANA database does, such as Europe/Berlin or UTC"},
      {std::string("UTC\0", 4), "did you mean UTC or Etc/UTC?"},
  };
  for (const Row& row : rows) {
    Error error = error_of([&] { load_zone(row.name); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << row.name;
    EXPECT_EQ(error.hint(), row.hint) << row.name;
  }
}

TEST(Zone, TellsApartAMissingAndABrokenDatabase) {
  TempDir directory;
  EXPECT_EQ(kind_of([&] { load_zone("Europe/Berlin", directory.path() / "none"); }),
            ErrorKind::not_found);
  EXPECT_TRUE(load_zone("UTC", directory.path()).shifts.empty());

  std::string whole = read_file("/usr/share/zoneinfo/Europe/Berlin");
  // Cut anywhere, it is refused or, within its rule, read as another rule; nothing worse.
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    write(directory.path() / "Cut", whole.substr(0, size));
    try {
      load_zone("Cut", directory.path());
      EXPECT_GE(size + 40, whole.size()) << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << size;
      EXPECT_EQ(error.hint(), "reinstall the package tzdata");
    }
  }
  for (std::size_t at = 0; at < whole.size(); at += at < 100 ? 1 : 11) {
    std::string broken = whole;
    broken[at] = '\xff';
    write(directory.path() / "Broken", broken);
    try {
      load_zone("Broken", directory.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << at;
    }
  }
}

}  // namespace
}  // namespace hallmark::schedule
