#include "schedule/expression.h"

#include <string>
#include <vector>

#include "base/text.h"
#include "schedule/testing.h"

namespace hallmark::schedule {
namespace {

const TimePoint kAnchor = utc("2026-01-01T00:00:30");

/// The next few times, up to seconds, or "never".
std::string nexts(const Expression& expression, std::string_view after, int count) {
  std::vector<std::string> found;
  TimePoint from = utc(after);
  for (int i = 0; i < count; ++i) {
    std::optional<TimePoint> due = next(expression, from, kAnchor);
    if (!due) {
      found.push_back("never");
      break;
    }
    std::string text = to_rfc3339(*due);
    EXPECT_EQ(text.substr(19), ".000Z");
    found.push_back(text.substr(0, text.substr(16, 3) == ":00" ? 16 : 19));
    from = *due;
  }
  return join(found, " ");
}

TEST(Expression, TellsWhatIsNext) {
  struct Row {
    const char* text;
    const char* zone;
    const char* after;
    const char* next;
  };
  const std::vector<Row> rows = {
      // A rate: the anchor first, then its multiples, 24 hours a day whatever the clocks do.
      {"rate(1 minute)", "UTC", "2025-01-01T00:00", "2026-01-01T00:00:30 2026-01-01T00:01:30"},
      {"rate(5 minutes)", "UTC", "2026-01-01T00:00:30", "2026-01-01T00:05:30 2026-01-01T00:10:30"},
      {"rate(5 minutes)", "UTC", "2026-01-01T00:05:29", "2026-01-01T00:05:30"},
      {"rate(1 hour)", "UTC", "2026-02-28T23:30", "2026-03-01T00:00:30 2026-03-01T01:00:30"},
      {"rate(36 hours)", "UTC", "2026-01-01T12:00", "2026-01-02T12:00:30 2026-01-04T00:00:30"},
      {"rate(1 day)", "Europe/Berlin", "2026-03-28T00:00",
       "2026-03-28T00:00:30 2026-03-29T00:00:30 2026-03-30T00:00:30"},
      {"rate(7 days)", "UTC", "2026-01-01T00:01", "2026-01-08T00:00:30 2026-01-15T00:00:30"},
      {"rate(7 \t days)", "UTC", "2026-01-01T00:01", "2026-01-08T00:00:30"},
      {"rate(1 day)", "UTC", "2199-12-31T00:00", "2199-12-31T00:00:30 never"},
      {"rate(84006 days)", "UTC", "2026-01-01T00:01", "never"},
      // AWS's own example: 02:30 is left out in spring, and comes once in autumn, at first.
      {"cron(30 2 * * ? *)", "America/Los_Angeles", "2026-03-07T00:00",
       "2026-03-07T10:30 2026-03-09T09:30"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T00:00",
       "2026-03-28T01:30 2026-03-30T00:30"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00",
       "2026-10-25T00:30 2026-10-26T01:30"},
      {"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00",
       "2026-11-01T05:30 2026-11-02T06:30"},
      {"cron(0/30 * * * ? *)", "Europe/Berlin", "2026-10-25T00:00",
       "2026-10-25T00:30 2026-10-25T02:00 2026-10-25T02:30"},
      {"cron(0/30 * * * ? *)", "Europe/Berlin", "2026-03-29T00:00",
       "2026-03-29T00:30 2026-03-29T01:00 2026-03-29T01:30"},
      {"cron(0/15 * * * ? *)", "Australia/Lord_Howe", "2026-04-04T14:00",
       "2026-04-04T14:15 2026-04-04T14:30 2026-04-04T14:45 2026-04-04T15:30"},
      {"cron(0/15 * * * ? *)", "Australia/Lord_Howe", "2026-10-03T15:00",
       "2026-10-03T15:15 2026-10-03T15:30 2026-10-03T15:45"},
      {"cron(0 8 * * ? *)", "Asia/Kolkata", "2026-01-01T00:00",
       "2026-01-01T02:30 2026-01-02T02:30"},
      // From within the hour that comes twice.
      {"cron(0 3 * * ? *)", "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T02:00"},
      {"cron(45 2 * * ? *)", "Europe/Berlin", "2026-10-25T01:30", "2026-10-26T01:45"},
      // The last minute, where it is not the last of UTC.
      {"cron(59 23 31 12 ? 2199)", "America/New_York", "2199-12-31T23:59",
       "2200-01-01T04:59 never"},
      {"cron(0 0 1 1 ? 1970)", "Asia/Tokyo", "1960-01-01T00:00", "1969-12-31T15:00 never"},
      {"cron(0 0 29 2 ? *)", "UTC", "2096-02-29T00:00", "2104-02-29T00:00"},
      {"at(2026-11-20T13:00:00)", "America/Los_Angeles", "2026-01-01T00:00",
       "2026-11-20T21:00 never"},
      {"at(2026-11-20T13:00:07)", "UTC", "2026-11-20T13:00:06", "2026-11-20T13:00:07 never"},
      {"at(2026-11-20T13:00:07)", "UTC", "2026-11-20T13:00:07", "never"},
      {"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00", "2026-10-25T00:30 never"},
      {"at(2028-02-29T00:00:00)", "UTC", "2026-01-01T00:00", "2028-02-29T00:00 never"},
  };
  for (const Row& row : rows) {
    int count = 1 + static_cast<int>(split(row.next, ' ').size() - 1);
    EXPECT_EQ(nexts(parse(row.text, row.zone), row.after, count), row.next)
        << row.text << " " << row.zone;
  }
}

TEST(Expression, KeepsItsTextAndTimeZone) {
  Expression expression = parse("cron(0 3 ? * 2#1 *)", "Europe/Berlin");
  EXPECT_EQ(expression.text, "cron(0 3 ? * 2#1 *)");
  EXPECT_EQ(expression.time_zone, "Europe/Berlin");
  EXPECT_EQ(parse("rate(1 day)").time_zone, "UTC");
}

TEST(Expression, KnowsWhenNothingIsDueAnyMore) {
  TimePoint now = utc("2026-06-01T12:00");
  EXPECT_TRUE(never_fires(parse("at(2026-06-01T12:00:00)"), now));
  EXPECT_FALSE(never_fires(parse("at(2026-06-01T12:00:01)"), now));
  EXPECT_TRUE(never_fires(parse("cron(0 0 * * ? 2020-2025)"), now));
  EXPECT_TRUE(never_fires(parse("cron(0 12 1 1-6 ? 2026)"), now));
  EXPECT_FALSE(never_fires(parse("cron(1 12 1 1-6 ? 2026)"), now));
  EXPECT_FALSE(never_fires(parse("rate(63000 days)"), now));
  EXPECT_TRUE(never_fires(parse("rate(64000 days)"), now));
  EXPECT_TRUE(never_fires(parse("rate(1 minute)"), utc("2199-12-31T23:59")));
  EXPECT_FALSE(never_fires(parse("rate(1 minute)"), TimePoint::min()));
  EXPECT_TRUE(never_fires(parse("rate(1 minute)"), TimePoint::max()));
}

TEST(Expression, CountsWhatWasMissed) {
  struct Row {
    const char* text;
    const char* zone;
    const char* last;
    const char* now;
    std::int64_t count;
    const char* latest;
  };
  const std::vector<Row> rows = {
      {"rate(1 minute)", "UTC", "2026-01-01T00:00:30", "2036-01-01T00:00:30", 5'258'880,
       "2036-01-01T00:00:30"},
      {"rate(5 minutes)", "UTC", "2025-01-01T00:00", "2026-01-01T00:00:29", 0, ""},
      {"rate(5 minutes)", "UTC", "2025-01-01T00:00", "2026-01-01T00:00:30", 1,
       "2026-01-01T00:00:30"},
      {"rate(5 minutes)", "UTC", "2026-01-01T00:00:30", "2026-01-01T00:05:29", 0, ""},
      {"rate(5 minutes)", "UTC", "2026-01-01T00:00:29", "2026-01-01T00:05:30", 2,
       "2026-01-01T00:05:30"},
      // Strictly later than the last, and the present one too.
      {"cron(0 3 * * ? *)", "UTC", "2026-01-01T03:00", "2026-01-04T03:00", 3, "2026-01-04T03:00"},
      {"cron(0 3 * * ? *)", "UTC", "2026-01-01T03:00", "2026-01-02T02:59:59", 0, ""},
      {"cron(* * * * ? *)", "Europe/Berlin", "2026-01-01T00:00", "2036-01-01T00:00",
       5'258'880 - 10 * 60, "2036-01-01T00:00"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00", "2026-03-30T00:29", 0, ""},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T12:00", 1,
       "2026-10-25T00:30"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T02:00", 0, ""},
      // The latest by the calendar is one that the clock has jumped over.
      {"cron(30 2 29 3 ? *)", "Europe/Berlin", "2024-01-01T00:00", "2026-06-01T00:00", 2,
       "2025-03-29T01:30"},
      {"cron(0 0 1 1 ? 2030)", "UTC", "2026-01-01T00:00", "2029-01-01T00:00", 0, ""},
      {"at(2026-06-01T12:00:00)", "UTC", "2026-06-01T11:59", "2026-06-01T12:00", 1,
       "2026-06-01T12:00"},
      {"at(2026-06-01T12:00:00)", "UTC", "2026-06-01T12:00", "2026-06-02T12:00", 0, ""},
      // A clock that was put back has missed nothing.
      {"rate(1 minute)", "UTC", "2026-02-01T00:00", "2026-01-01T00:00", 0, ""},
      {"cron(* * * * ? *)", "UTC", "2026-02-01T00:00", "2026-01-01T00:00", 0, ""},
  };
  for (const Row& row : rows) {
    Missed all = missed(parse(row.text, row.zone), utc(row.last), utc(row.now), kAnchor);
    EXPECT_EQ(all.count, row.count) << row.text << " " << row.last;
    ASSERT_EQ(all.latest.has_value(), *row.latest != '\0') << row.text << " " << row.last;
    if (all.latest) {
      EXPECT_EQ(*all.latest, utc(row.latest)) << row.text;
    }
  }
}

// Each is a look at months or less, so all of time takes no longer than a blink.
TEST(Expression, IsNotImpressedByTheEndsOfTime) {
  for (const char* text : {"rate(1 minute)", "cron(* * * * ? *)", "at(2026-01-01T00:00:00)",
                           "cron(0 0 29 2 ? 2196)", "rate(84006 days)"}) {
    for (const char* zone : {"UTC", "Europe/Berlin"}) {
      Expression expression = parse(text, zone);
      EXPECT_TRUE(next(expression, TimePoint::min(), kAnchor)) << text;
      EXPECT_FALSE(next(expression, TimePoint::max(), kAnchor)) << text;
      EXPECT_GT(missed(expression, TimePoint::min(), TimePoint::max(), kAnchor).count, 0) << text;
      EXPECT_EQ(missed(expression, TimePoint::max(), TimePoint::min(), kAnchor).count, 0) << text;
      EXPECT_EQ(missed(expression, TimePoint::max() - Duration{1}, TimePoint::max(), kAnchor).count,
                0)
          << text;
    }
  }
  Missed all = missed(parse("cron(* * * * ? *)"), TimePoint::min(), TimePoint::max(), kAnchor);
  EXPECT_EQ(all.count, 84'006LL * 24 * 60);
  EXPECT_EQ(all.latest, utc("2199-12-31T23:59"));
  Missed rate = missed(parse("rate(1 day)"), TimePoint::min(), TimePoint::max(), kAnchor);
  EXPECT_EQ(rate.latest, utc("2199-12-31T00:00:30"));
}

TEST(Expression, SaysWhatIsWrong) {
  struct Row {
    std::string text;
    const char* message;
    const char* hint;
  };
  const char* forms = "write rate(5 minutes), cron(0 3 * * ? *) or at(2030-01-31T03:00:00)";
  const char* rates = "write rate(1 day), rate(12 hours), rate(5 minutes)";
  const char* plural = "use minute, hour, day or their plurals";
  const char* shape = "write such as at(2030-01-31T03:00:00), and the time zone apart from it";
  const std::vector<Row> rows = {
      {"", "schedule \"\": it is not rate(..), cron(..) or at(..)", forms},
      {"daily", "schedule \"daily\": it is not rate(..), cron(..) or at(..)", forms},
      {"0 3 * * ? *", "schedule \"0 3 * * ? *\": it is not rate(..), cron(..) or at(..)", forms},
      {"RATE(1 day)", "schedule \"RATE(1 day)\": it is not rate(..), cron(..) or at(..)", forms},
      {" rate(1 day)", "schedule \" rate(1 day)\": it is not rate(..), cron(..) or at(..)", forms},
      {"rate(1 day) ", "schedule \"rate(1 day) \": it is not rate(..), cron(..) or at(..)", forms},
      {"rate(1 day", "schedule \"rate(1 day\": it is not rate(..), cron(..) or at(..)", forms},
      {"rate", "schedule \"rate\": it is not rate(..), cron(..) or at(..)", forms},
      {")rate(", "schedule \")rate(\": it is not rate(..), cron(..) or at(..)", forms},
      {std::string("rate(1 day)\0", 12), "a schedule has a character that is not printable ASCII",
       forms},
      {"rate(1\xc2\xa0"
       "day)",
       "a schedule has a character that is not printable ASCII", forms},
      {"cron(0 3\n* * ? *)", "a schedule has a character that is not printable ASCII", forms},
      {std::string(257, '('), "a schedule of 257 characters is too long", "256 are allowed"},
      {"rate()", "schedule \"rate()\": rate has not a value and a unit", rates},
      {"rate(5)", "schedule \"rate(5)\": rate has not a value and a unit", rates},
      {"rate( 5 minutes)", "schedule \"rate( 5 minutes)\": rate has not a value and a unit", rates},
      {"rate(5minutes)", "schedule \"rate(5minutes)\": rate has not a value and a unit", rates},
      {"rate(0 minutes)",
       "schedule \"rate(0 minutes)\": value \"0\" is not a whole number of 1 or more", rates},
      {"rate(-1 minutes)",
       "schedule \"rate(-1 minutes)\": value \"-1\" is not a whole number of 1 or more", rates},
      {"rate(1.5 hours)",
       "schedule \"rate(1.5 hours)\": value \"1.5\" is not a whole number of 1 or more", rates},
      {"rate(99999999999999999999 days)",
       "schedule \"rate(99999999999999999999 days)\": value \"99999999999999999999\" is not a "
       "whole number of 1 or more",
       rates},
      {"rate(999999999999999999 days)",
       "schedule \"rate(999999999999999999 days)\": value \"999999999999999999\" is longer than "
       "all years from 1970 to 2199",
       "shorten it, or use at(..) for a single time"},
      {"rate(1 minutes)", "schedule \"rate(1 minutes)\": unit \"minutes\" does not go with 1",
       "write rate(1 minute)"},
      {"rate(5 minute)", "schedule \"rate(5 minute)\": unit \"minute\" does not go with 5",
       "write rate(5 minutes)"},
      {"rate(2 day)", "schedule \"rate(2 day)\": unit \"day\" does not go with 2",
       "write rate(2 days)"},
      {"rate(1 week)", "schedule \"rate(1 week)\": unit \"week\" is not known", plural},
      {"rate(10 seconds)", "schedule \"rate(10 seconds)\": unit \"seconds\" is not known", plural},
      {"rate(5 Minutes)", "schedule \"rate(5 Minutes)\": unit \"Minutes\" is not known", plural},
      {"rate(5 minutes UTC)", "schedule \"rate(5 minutes UTC)\": unit \"minutes UTC\" is not known",
       plural},
      {"at(2026-01-01)",
       "schedule \"at(2026-01-01)\": time \"2026-01-01\" is not yyyy-mm-ddThh:mm:ss", shape},
      {"at(2026-01-01T00:00:00Z)",
       "schedule \"at(2026-01-01T00:00:00Z)\": time \"2026-01-01T00:00:00Z\" is not "
       "yyyy-mm-ddThh:mm:ss",
       shape},
      {"at(2026-01-01 00:00:00)",
       "schedule \"at(2026-01-01 00:00:00)\": time \"2026-01-01 00:00:00\" is not "
       "yyyy-mm-ddThh:mm:ss",
       shape},
      {"at(2026-02-29T00:00:00)",
       "schedule \"at(2026-02-29T00:00:00)\": date \"2026-02-29\" is not in the calendar",
       "name a day that there is"},
      {"at(2026-13-01T00:00:00)",
       "schedule \"at(2026-13-01T00:00:00)\": date \"2026-13-01\" is not in the calendar",
       "name a day that there is"},
      {"at(2026-01-01T24:00:00)",
       "schedule \"at(2026-01-01T24:00:00)\": time \"24:00:00\" is not of a day",
       "use 00:00:00 to 23:59:59"},
      {"at(2026-01-01T00:00:60)",
       "schedule \"at(2026-01-01T00:00:60)\": time \"00:00:60\" is not of a day",
       "use 00:00:00 to 23:59:59"},
      {"at(2200-01-01T00:00:00)",
       "schedule \"at(2200-01-01T00:00:00)\": year \"2200\" is not from 1970 to 2199",
       "name a year that AWS knows"},
      // What can never be.
      {"cron(0 0 31 2 ? *)", "schedule \"cron(0 0 31 2 ? *)\": it is never due in Europe/Berlin",
       "no month, year and change of the clock gives such a day and time; name others"},
      {"cron(0 0 29 2 ? 2026-2027)",
       "schedule \"cron(0 0 29 2 ? 2026-2027)\": it is never due in Europe/Berlin",
       "no month, year and change of the clock gives such a day and time; name others"},
      {"cron(0 0 ? 2 1#5 2026)",
       "schedule \"cron(0 0 ? 2 1#5 2026)\": it is never due in Europe/Berlin",
       "no month, year and change of the clock gives such a day and time; name others"},
      {"cron(30 2 ? 3 1L *)", "", ""},
      {"cron(30 2 ? 3 1L 2026-2199)",
       "schedule \"cron(30 2 ? 3 1L 2026-2199)\": it is never due in Europe/Berlin",
       "no month, year and change of the clock gives such a day and time; name others"},
      {"at(2026-03-29T02:30:00)",
       "schedule \"at(2026-03-29T02:30:00)\": it is never due in Europe/Berlin",
       "the clock jumps over this time; name another"},
  };
  for (const Row& row : rows) {
    // Before there was daylight saving time it was due.
    if (*row.message == '\0') {
      EXPECT_NO_THROW(parse(row.text, "Europe/Berlin")) << row.text;
      continue;
    }
    Error error = error_of([&] { parse(row.text, "Europe/Berlin"); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << row.text;
    EXPECT_EQ(error.message(), row.message) << row.text;
    EXPECT_EQ(error.hint(), row.hint) << row.text;
  }
  EXPECT_EQ(error_of([] { parse("rate(1 day)", "Berlin"); }).hint(), "did you mean Europe/Berlin?");
  Expression rate = parse("rate(1 day)");
  for (TimePoint wrong : {TimePoint::min(), utc("1969-12-31T23:59"), utc("2200-01-01T00:00")}) {
    EXPECT_EQ(kind_of([&] { next(rate, kAnchor, wrong); }), ErrorKind::usage);
    EXPECT_EQ(kind_of([&] { missed(rate, kAnchor, kAnchor, wrong); }), ErrorKind::usage);
    EXPECT_NO_THROW(next(parse("cron(0 0 * * ? *)"), kAnchor, wrong));
  }
}

TEST(Expression, IsDescribedForPeople) {
  struct Row {
    const char* text;
    const char* description;
  };
  const std::vector<Row> rows = {
      {"rate(1 day)", "every day"},
      {"rate(5 minutes)", "every 5 minutes"},
      {"at(2026-11-20T13:00:00)", "once on 2026-11-20 at 13:00:00, UTC"},
      {"cron(* * * * ? *)", "every minute, UTC"},
      {"cron(0/15 * * * ? *)", "every 15 minutes, UTC"},
      {"cron(0 * * * ? *)", "every hour, UTC"},
      {"cron(0 */6 * * ? *)", "at 00:00, 06:00, 12:00 and 18:00 every day, UTC"},
      {"cron(0 */3 ? * 2-6 *)", "every 3 hours from 00:00 on Monday to Friday, UTC"},
      {"cron(5,10,12 * * * ? *)", "at minute 5, 10 and 12 of every hour, UTC"},
      {"cron(0 3 * * ? *)", "at 03:00 every day, UTC"},
      {"cron(0 3 ? * 2#1 *)", "at 03:00 on the first Monday of the month, UTC"},
      {"cron(30 2,14 ? 3,6 6L *)",
       "at 02:30 and 14:30 on the last Friday of the month in March and June, UTC"},
      {"cron(0/5 8-17 ? * MON-FRI *)",
       "every 5 minutes in the hours 08 to 17 on Monday to Friday, UTC"},
      {"cron(7 8-17 1,15 * ? *)",
       "at minute 7 in the hours 08 to 17 on days 1 and 15 of the month, UTC"},
      {"cron(0 0 15 1 ? 2026-2028)",
       "at 00:00 on day 15 of the month in January of 2026 to 2028, UTC"},
      {"cron(0 0 15W * ? 2026)",
       "at 00:00 on the Monday to Friday nearest to day 15 of the month in 2026, UTC"},
      {"cron(0 0 L * ? *)", "at 00:00 on the last day of the month, UTC"},
      {"cron(0 0 LW * ? *)", "at 00:00 on the last Monday to Friday of the month, UTC"},
  };
  for (const Row& row : rows) EXPECT_EQ(describe(parse(row.text)), row.description) << row.text;
}

}  // namespace
}  // namespace hallmark::schedule
