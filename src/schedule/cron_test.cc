#include "schedule/cron.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/testing.h"

namespace hallmark::schedule {
namespace {

Cron cron_of(std::string_view fields) {
  return parse_cron(fmt::format("cron({})", fields), fields);
}

WallMinute at(std::string_view text) {
  TimePoint time = from_rfc3339(fmt::format("{}:00Z", text));
  return WallMinute{std::chrono::floor<std::chrono::minutes>(time.time_since_epoch())};
}
std::string text_of(WallMinute minute) {
  return to_rfc3339(TimePoint{minute.time_since_epoch()}).substr(0, 16);
}

/// The next few minutes, or "never".
std::string nexts(const Cron& cron, std::string_view after, int count) {
  std::string found;
  WallMinute from = at(after);
  for (int i = 0; i < count; ++i) {
    std::optional<WallMinute> next = next_minute(cron, from);
    if (!next) return found + (found.empty() ? "never" : " never");
    found += (found.empty() ? "" : " ") + text_of(*next);
    from = *next;
  }
  return found;
}

TEST(Cron, NamesTheMinutesOfEveryOperator) {
  struct Row {
    const char* fields;
    const char* after;
    const char* next;  ///< as many as are listed
  };
  const std::vector<Row> rows = {
      // Each value, and strictly later.
      {"* * * * ? *", "2026-01-01T00:00", "2026-01-01T00:01 2026-01-01T00:02"},
      {"0 10 * * ? *", "2026-01-01T10:00", "2026-01-02T10:00 2026-01-03T10:00"},
      {"15 12 * * ? *", "2026-01-01T12:14", "2026-01-01T12:15 2026-01-02T12:15"},
      {"0 10 ? * * *", "2026-01-01T10:00", "2026-01-02T10:00 2026-01-03T10:00"},
      // Lists, names in any case, and leading zeros.
      {"0,30,15 08 1 Jan,jUL ? *", "2026-01-01T08:15",
       "2026-01-01T08:30 2026-07-01T08:00 2026-07-01T08:15"},
      {"0 8 ? * SUN,3 *", "2026-01-01T00:00", "2026-01-04T08:00 2026-01-06T08:00"},
      // Ranges, and those that go on from the lowest value.
      {"0 18 ? * MON-FRI *", "2026-01-01T18:00", "2026-01-02T18:00 2026-01-05T18:00"},
      {"0 18 ? * 2-2 *", "2026-01-01T18:00", "2026-01-05T18:00 2026-01-12T18:00"},
      {"0 0 ? * FRI-MON *", "2026-01-01T00:00",
       "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00 2026-01-05T00:00 2026-01-09T00:00"},
      {"0 22-1 1 1 ? *", "2026-01-01T01:00", "2026-01-01T22:00 2026-01-01T23:00 2027-01-01T00:00"},
      {"0 0 1 NOV-FEB ? *", "2026-02-01T00:00",
       "2026-11-01T00:00 2026-12-01T00:00 2027-01-01T00:00 2027-02-01T00:00 2027-11-01T00:00"},
      {"0 0 30-2 * ? *", "2026-01-31T00:00", "2026-02-01T00:00 2026-02-02T00:00 2026-03-01T00:00"},
      {"58-1 0 1 1 ? *", "2026-01-01T00:00", "2026-01-01T00:01 2026-01-01T00:58"},
      // Steps: from a value to the highest, of all, of a range, of one that goes on.
      {"1/10 0 1 1 ? *", "2026-01-01T00:00",
       "2026-01-01T00:01 2026-01-01T00:11 2026-01-01T00:21 2026-01-01T00:31 2026-01-01T00:41 "
       "2026-01-01T00:51 2027-01-01T00:01"},
      {"*/25 * * * ? *", "2026-01-01T00:00", "2026-01-01T00:25 2026-01-01T00:50 2026-01-01T01:00"},
      {"0-15/5 8-8 * * ? *", "2026-01-01T08:10", "2026-01-01T08:15 2026-01-02T08:00"},
      {"0 11-23/4 * * ? *", "2026-01-01T00:00",
       "2026-01-01T11:00 2026-01-01T15:00 2026-01-01T19:00 2026-01-01T23:00 2026-01-02T11:00"},
      {"0 22-4/3 * * ? *", "2026-01-01T00:00",
       "2026-01-01T01:00 2026-01-01T04:00 2026-01-01T22:00"},
      {"0 0 1-31/30 * ? *", "2026-01-01T00:00", "2026-01-31T00:00 2026-02-01T00:00"},
      {"0 0 1 1-12/3 ? *", "2026-01-01T00:00", "2026-04-01T00:00 2026-07-01T00:00"},
      {"0 0 1 FEB/5 ? *", "2026-01-01T00:00", "2026-02-01T00:00 2026-07-01T00:00 2026-12-01T00:00"},
      {"0 1-3/2,20 * * ? *", "2026-01-01T00:00",
       "2026-01-01T01:00 2026-01-01T03:00 2026-01-01T20:00"},
      {"15/65 10 * * ? *", "2026-01-01T00:00", "2026-01-01T10:15 2026-01-02T10:15"},
      {"0 0 1 1 ? 2024/4", "2026-01-01T00:00", "2028-01-01T00:00 2032-01-01T00:00"},
      {"0 0 1 1 ? 2024,2027-2028", "2026-01-01T00:00", "2027-01-01T00:00 2028-01-01T00:00 never"},
      // The last day, leap years and 2100 among them.
      {"0 0 L * ? *", "2026-01-31T00:00", "2026-02-28T00:00 2026-03-31T00:00 2026-04-30T00:00"},
      {"0 0 L 2 ? *", "2027-03-01T00:00", "2028-02-29T00:00 2029-02-28T00:00"},
      {"0 0 29 2 ? *", "2096-02-28T00:00", "2096-02-29T00:00 2104-02-29T00:00"},
      {"0 0 29 FEB ? 2100", "2026-01-01T00:00", "never"},
      {"0 0 31 * ? *", "2026-03-31T00:00", "2026-05-31T00:00 2026-07-31T00:00 2026-08-31T00:00"},
      {"0 0 31 2,4,6,9,11 ? *", "2026-01-01T00:00", "never"},
      // The nearest Monday to Friday, never in another month. Saturday 1 August 2026,
      // Sunday 31 May 2026, Sunday 1 March 2026, Saturday 31 October 2026.
      {"0 0 15W * ? *", "2026-02-01T00:00", "2026-02-16T00:00 2026-03-16T00:00 2026-04-15T00:00"},
      {"0 0 14W * ? *", "2026-02-01T00:00", "2026-02-13T00:00 2026-03-13T00:00 2026-04-14T00:00"},
      {"0 0 1W 8 ? *", "2026-01-01T00:00", "2026-08-03T00:00 2027-08-02T00:00"},
      {"0 0 1W 3 ? *", "2026-01-01T00:00", "2026-03-02T00:00"},
      {"0 0 31W * ? *", "2026-05-01T00:00",
       "2026-05-29T00:00 2026-07-31T00:00 2026-08-31T00:00 2026-10-30T00:00"},
      {"0 0 30W * ? *", "2026-08-01T00:00", "2026-08-31T00:00 2026-09-30T00:00"},
      {"0 0 28W 2 ? *", "2026-01-01T00:00", "2026-02-27T00:00 2027-02-26T00:00 2028-02-28T00:00"},
      {"0 0 29w 2 ? *", "2026-01-01T00:00", "2028-02-29T00:00 2032-02-27T00:00"},
      {"0 0 LW * ? *", "2026-01-01T00:00",
       "2026-01-30T00:00 2026-02-27T00:00 2026-03-31T00:00 2026-04-30T00:00 2026-05-29T00:00"},
      // Days of the week: L is Saturday, nL the last, n#k the k-th.
      {"0 0 ? * L *", "2026-01-01T00:00", "2026-01-03T00:00 2026-01-10T00:00"},
      {"15 10 ? * 6L 2022-2023", "2022-01-01T00:00", "2022-01-28T10:15 2022-02-25T10:15"},
      {"15 10 ? * FRIL *", "2026-01-01T00:00", "2026-01-30T10:15 2026-02-27T10:15"},
      {"0 0 ? * 1L *", "2026-01-01T00:00", "2026-01-25T00:00 2026-02-22T00:00 2026-03-29T00:00"},
      {"0 9 ? * 3#2 *", "2026-01-01T00:00", "2026-01-13T09:00 2026-02-10T09:00"},
      {"0 9 ? * mon#1 *", "2026-01-01T00:00", "2026-01-05T09:00 2026-02-02T09:00"},
      {"0 9 ? * 5#5 *", "2026-01-01T09:00", "2026-01-29T09:00 2026-04-30T09:00"},
      {"0 9 ? 2 1#5 *", "2026-01-01T00:00", "2032-02-29T09:00 2060-02-29T09:00"},
      // The ends of the years.
      {"59 23 31 12 ? *", "2199-01-01T00:00", "2199-12-31T23:59 never"},
      {"* * * * ? *", "2199-12-31T23:58", "2199-12-31T23:59 never"},
      {"0 0 1 1 ? 1970", "1969-12-31T23:59", "1970-01-01T00:00 never"},
      {"0 0 1 1 ? *", "1960-01-01T00:00", "1970-01-01T00:00 1971-01-01T00:00"},
      {"\t0  0\t1 1 ?  * ", "1960-01-01T00:00", "1970-01-01T00:00"},
  };
  for (const Row& row : rows) {
    int count = 1 + static_cast<int>(std::count(row.next, row.next + std::strlen(row.next), ' '));
    EXPECT_EQ(nexts(cron_of(row.fields), row.after, count), row.next) << row.fields;
  }
}

TEST(Cron, GoesBackAndCountsAsItGoesOn) {
  for (const char* fields :
       {"* * * * ? *", "0/7 3-5 * * ? *", "13 */5 L * ? *", "0,59 0,23 31W * ? *",
        "5 5 ? 2,3 1#5 *", "0 0 ? * 7L 2026/2", "59 23 1,31 12-1 ? *", "30 12 LW * ? 2025-2027"}) {
    Cron cron = cron_of(fields);
    for (const char* start : {"2025-12-31T23:59", "2026-02-28T12:30", "2026-03-01T00:00"}) {
      WallMinute from = at(start);
      WallMinute last = from;
      for (int count = 1; count <= 200; ++count) {
        std::optional<WallMinute> next = next_minute(cron, last);
        if (!next) break;
        ASSERT_EQ(count_minutes(cron, from, *next), count) << fields << " " << text_of(*next);
        ASSERT_EQ(count_minutes(cron, from, *next - std::chrono::minutes{1}), count - 1) << fields;
        ASSERT_EQ(last_minute(cron, *next), *next) << fields;
        if (count > 1) {
          ASSERT_EQ(last_minute(cron, *next - std::chrono::minutes{1}), last);
        }
        last = *next;
      }
    }
  }
  Cron all = cron_of("* * * * ? *");
  EXPECT_EQ(count_minutes(all, WallMinute::min(), WallMinute::max()), 84006LL * 24 * 60);
  EXPECT_EQ(count_minutes(all, at("2026-01-02T00:00"), at("2026-01-01T00:00")), 0);
  EXPECT_EQ(last_minute(all, at("1969-12-31T23:59")), std::nullopt);
  EXPECT_EQ(last_minute(cron_of("0 0 1 1 ? 2030"), at("2029-12-31T23:59")), std::nullopt);
  EXPECT_EQ(next_minute(all, WallMinute::max()), std::nullopt);
}

TEST(Cron, SaysWhatIsWrong) {
  struct Row {
    const char* fields;
    const char* problem;
    const char* hint;
  };
  const char* days =
      "use 1 (Sunday) to 7 (Saturday) or SUN to SAT, L, the last one such as 6L, or the n-th such "
      "as 2#1";
  const std::vector<Row> rows = {
      {"60 * * * ? *", "minutes \"60\" is not from 0 to 59", "use 0 to 59"},
      {"-1 * * * ? *", "minutes \"-1\" is no value", "use 0 to 59"},
      {"007 * * * ? *", "minutes \"007\" is not from 0 to 59", "use 0 to 59"},
      {"0 24 * * ? *", "hours \"24\" is not from 0 to 23", "use 0 to 23; midnight is 0"},
      {"0 5-24 * * ? *", "hours \"5-24\" is not from 0 to 23", "use 0 to 23; midnight is 0"},
      {"0 9am * * ? *", "hours \"9AM\" is no value", "use 0 to 23; midnight is 0"},
      {"0 5L * * ? *", "hours \"5L\" has a letter that this field does not know",
       "use 0 to 23; midnight is 0"},
      {"0 0 0 * ? *", "day-of-month \"0\" is not from 1 to 31",
       "use 1 to 31, L, LW, a day with W such as 15W, or ?"},
      {"0 0 32W * ? *", "day-of-month \"32W\" is not from 1 to 31",
       "use 1 to 31, L, LW, a day with W such as 15W, or ?"},
      {"0 0 W * ? *", "day-of-month \"W\" is no day",
       "L, LW and a day with W such as 15W stand alone"},
      {"0 0 L-3 * ? *", "day-of-month \"L-3\" is no day",
       "L, LW and a day with W such as 15W stand alone"},
      {"0 0 15,L * ? *", "day-of-month \"15,L\" is no day",
       "L, LW and a day with W such as 15W stand alone"},
      {"0 0 3L * ? *", "day-of-month \"3L\" is no day",
       "L, LW and a day with W such as 15W stand alone"},
      {"0 0 1-5W * ? *", "day-of-month \"1-5W\" is no day",
       "L, LW and a day with W such as 15W stand alone"},
      {"0 0 1,? * ? *", "day-of-month \"?\" is no value", "? stands alone in its field"},
      {"0 0 2#1 * ? *", "day-of-month \"2#1\" has a letter that this field does not know",
       "use 1 to 31, L, LW, a day with W such as 15W, or ?"},
      {"0 0 1 13 ? *", "month \"13\" is not from 1 to 12", "use 1 to 12 or JAN to DEC"},
      {"0 0 1 JANUARY ? *", "month \"JANUARY\" is no value", "use 1 to 12 or JAN to DEC"},
      {"0 0 1 2/FEB ? *", "month \"2/FEB\" has no step of 1 or more behind its /",
       "write it as in 0/15 or 9-17/2"},
      {"0 0 1 ? ? *", "month \"?\" is no value",
       "? is only for day-of-month and day-of-week; use * for every value"},
      {"0 0 ? * 0 *", "day-of-week \"0\" is not from 1 to 7", days},
      {"0 0 ? * 8L *", "day-of-week \"8L\" is not from 1 to 7", days},
      {"0 0 ? * MONDAY *", "day-of-week \"MONDAY\" is no value", days},
      {"0 0 ? * 2/2 *", "day-of-week \"2/2\" has a step, which this field does not know",
       "name the days, such as MON,WED,FRI"},
      {"0 0 ? * 15W *", "day-of-week \"15W\" is no value", days},
      {"0 0 ? * L-2 *", "day-of-week \"L-2\" is no day",
       "a last weekday stands alone, such as 6L or FRIL"},
      {"0 0 ? * 2L,6L *", "day-of-week \"2L,6L\" is no day",
       "a last weekday stands alone, such as 6L or FRIL"},
      {"0 0 ? * 3#1,6#3 *", "day-of-week \"3#1,6#3\" has more than one day with #",
       "an n-th weekday stands alone, such as 2#1"},
      {"0 0 ? * 3#6 *", "day-of-week \"3#6\" has no 1 to 5 behind its #",
       "a month has its weekdays four or five times; the last one is such as 6L"},
      {"0 0 ? * 3# *", "day-of-week \"3#\" has no 1 to 5 behind its #",
       "a month has its weekdays four or five times; the last one is such as 6L"},
      {"0 0 ? * #2 *", "day-of-week \"#2\" is no value", days},
      {"0 0 ? * 3##2 *", "day-of-week \"3##2\" has more than one day with #",
       "an n-th weekday stands alone, such as 2#1"},
      {"0 0 1 1 ? 1969", "year \"1969\" is not from 1970 to 2199", "use 1970 to 2199 or *"},
      {"0 0 1 1 ? 2200", "year \"2200\" is not from 1970 to 2199", "use 1970 to 2199 or *"},
      {"0 0 1 1 ? 2030-2026", "year \"2030-2026\" ends before it begins",
       "write the earlier one first"},
      {"*/0 * * * ? *", "minutes \"*/0\" has no step of 1 or more behind its /",
       "write it as in 0/15 or 9-17/2"},
      {"*/ * * * ? *", "minutes \"*/\" has no step of 1 or more behind its /",
       "write it as in 0/15 or 9-17/2"},
      {"0/99999 * * * ? *", "minutes \"0/99999\" has no step of 1 or more behind its /",
       "write it as in 0/15 or 9-17/2"},
      {"/5 * * * ? *", "minutes \"/5\" is no value", "use 0 to 59"},
      {"5/5/5 * * * ? *", "minutes \"5/5/5\" has no step of 1 or more behind its /",
       "write it as in 0/15 or 9-17/2"},
      {"1-2-3 * * * ? *", "minutes \"1-2-3\" is no value", "use 0 to 59"},
      {"1- * * * ? *", "minutes \"1-\" is no value", "use 0 to 59"},
      {"*-5 * * * ? *", "minutes \"*-5\" is no value",
       "* stands alone, or before a step as in */5"},
      {"5,* * * * ? *", "minutes \"5,*\" names all values and others",
       "leave out the * or the others"},
      {"1,,2 * * * ? *", "minutes \"1,,2\" has an empty value",
       "separate values by one comma, and fields by spaces without commas"},
      {"0/5, 9-18, 1 * ? *", "minutes \"0/5,\" has an empty value",
       "separate values by one comma, and fields by spaces without commas"},
      {"* * * * *", "cron has 5 fields, not 6",
       "write minutes hours day-of-month month day-of-week year; * is every year, days of the week "
       "count from 1 = Sunday"},
      {"", "cron has 0 fields, not 6",
       "write minutes hours day-of-month month day-of-week year, such as cron(0 3 * * ? *)"},
      {"0 0 0 1 1 ? 2026", "cron has 7 fields, not 6",
       "write minutes hours day-of-month month day-of-week year, such as cron(0 3 * * ? *)"},
      {"0 0 * * * *", "day-of-month \"*\" and day-of-week \"*\" both name days",
       "write ? in the one that is not meant"},
      {"0 0 1 * MON *", "day-of-month \"1\" and day-of-week \"MON\" both name days",
       "write ? in the one that is not meant"},
      {"0 0 ? * ? *", "day-of-month \"?\" and day-of-week \"?\" name no day",
       "write * in one of them for every day"},
  };
  for (const Row& row : rows) {
    Error error = error_of([&] { cron_of(row.fields); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << row.fields;
    EXPECT_EQ(error.message(), fmt::format("schedule \"cron({})\": {}", row.fields, row.problem));
    EXPECT_EQ(error.hint(), row.hint) << row.fields;
  }
}

}  // namespace
}  // namespace hallmark::schedule
