#include "scan/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/loopback_server.h"

namespace hallmark::scan {
namespace {

using namespace std::chrono_literals;
using net::http_answer;
using net::LoopbackServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const TimePoint kStart = from_rfc3339("2026-11-22T10:00:00Z");

/// Answers in this order, the last one for ever; an empty one closes the connection.
LoopbackServer::Answer sequence(std::vector<std::string> answers) {
  auto at = std::make_shared<std::size_t>(0);
  return [answers = std::move(answers), at](const std::string&) {
    std::size_t index = std::min(*at, answers.size() - 1);
    ++*at;
    return answers[index];
  };
}

struct Bench {
  explicit Bench(std::vector<std::string> answers) : server(sequence(std::move(answers))) {}
  explicit Bench(LoopbackServer::Answer answer) : server(std::move(answer)) {}

  ServiceConfig config() {
    ServiceConfig config;
    config.name = "Demo";
    config.url = server.url();
    config.secret_headers = {{"X-Key", "open-sesame-77"}};
    config.random = [] { return 0.5; };
    return config;
  }
  ServiceAnswer call(const ServiceCall& call) { return Service(config(), clock).call(call); }
  Error error(const ServiceCall& what) {
    try {
      call(what);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "nothing");
  }
  Duration waited() { return clock.now() - kStart; }

  ManualClock clock{kStart};
  LoopbackServer server;
};

const ServiceCall kRead{.path = "/things", .query = "id=7", .repeatable = true};
const ServiceCall kMake{.method = "POST", .path = "/things", .body = "a=1"};

TEST(Service, SendsItsHeadersAndTheCallsOwn) {
  std::string seen;
  Bench bench([&](const std::string& request) {
    seen = request;
    return http_answer("200 OK", "{}", "X-Left: 3\r\n");
  });
  ServiceCall call = kRead;
  call.headers = {{"Accept", "application/json"}};
  ServiceAnswer answer = bench.call(call);
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(header_of(answer.headers, "x-LEFT"), "3");
  EXPECT_THAT(seen, HasSubstr("GET /things?id=7 HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Key: open-sesame-77\r\n"));
  EXPECT_THAT(seen, HasSubstr("Accept: application/json\r\n"));
}

TEST(Service, StatusesHaveTheirKinds) {
  const std::vector<std::pair<std::string, ErrorKind>> kinds = {
      {"400 Bad Request", ErrorKind::usage},       {"401 Unauthorized", ErrorKind::denied},
      {"403 Forbidden", ErrorKind::denied},        {"404 Not Found", ErrorKind::not_found},
      {"409 Conflict", ErrorKind::conflict},       {"410 Gone", ErrorKind::not_found},
      {"429 Too Many", ErrorKind::throttled},      {"500 Oops", ErrorKind::unavailable},
      {"503 Unavailable", ErrorKind::unavailable}, {"502 Bad Gateway", ErrorKind::unavailable}};
  for (const auto& [status, kind] : kinds) {
    Bench bench({http_answer(status, "no")});
    Error error = bench.error(kMake);
    EXPECT_EQ(error.kind(), kind) << status;
    EXPECT_EQ(error.message(), "Demo: POST /things: HTTP " + status.substr(0, 3) + ": no");
    EXPECT_THAT(bench.server.requests(), SizeIs(1)) << status;
  }
}

TEST(Service, ErrorsHoldNoSecretNoQueryAndLittleOfTheBody) {
  Bench bench(
      {http_answer("400 Bad", "\x1b[31mkey open-sesame-77 is bad " + std::string(5000, 'x'))});
  Error error = bench.error(kRead);
  EXPECT_THAT(error.full_text(), Not(HasSubstr("sesame")));
  EXPECT_THAT(error.full_text(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(error.full_text(), Not(HasSubstr("id=7")));
  EXPECT_LT(error.full_text().size(), 400u);
}

TEST(Service, TriesAgainWhatIsRepeatable) {
  Bench bench({"", http_answer("503 Busy", "<html>soon</html>"), http_answer("200 OK", "ok")});
  ServiceAnswer answer = bench.call(kRead);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.attempts, 3);
  EXPECT_EQ(bench.waited(), 3s) << "half of two seconds, half of four";
}

TEST(Service, GivesUpAfterItsAttempts) {
  Bench bench({http_answer("500 Oops", "broken")});
  EXPECT_EQ(bench.error(kRead).kind(), ErrorKind::unavailable);
  EXPECT_THAT(bench.server.requests(), SizeIs(5));
}

TEST(Service, NeverRepeatsWhatMayHaveBeenDone) {
  for (const std::string& answer :
       {std::string(), http_answer("503 Busy", "x"), http_answer("200 OK", "<html>"),
        http_answer("429 Slow", "x", "Retry-After: 1\r\n")}) {
    Bench bench({answer, http_answer("200 OK", "done twice")});
    bench.error(kMake);
    EXPECT_THAT(bench.server.requests(), SizeIs(1)) << answer;
    EXPECT_EQ(bench.waited(), 0s);
  }
}

TEST(Service, WaitsAsLongAsItIsAsked) {
  Bench bench({http_answer("429 Slow", "<html></html>", "Retry-After: 40\r\n"),
               http_answer("503 Busy", "", "retry-after: Sun, 22 Nov 2026 10:02:00 GMT\r\n"),
               http_answer("200 OK", "ok")});
  EXPECT_EQ(bench.call(kRead).body, "ok");
  EXPECT_GE(bench.waited(), 120s);
  EXPECT_LT(bench.waited(), 122s);
}

TEST(Service, ThrottlingIsBoundedByTheDeadlineOnly) {
  std::vector<std::string> answers(20, http_answer("429 Slow", "", "Retry-After: 2\r\n"));
  answers.push_back(http_answer("200 OK", "ok"));
  Bench bench(std::move(answers));
  EXPECT_EQ(bench.call(kRead).attempts, 21);
}

TEST(Service, DoesNotBeginAWaitPastTheDeadline) {
  Bench bench({http_answer("429 Slow", "slow", "Retry-After: 3600\r\n")});
  ServiceCall call = kRead;
  call.deadline = kStart + 30s;
  Error error = bench.error(call);
  EXPECT_EQ(error.kind(), ErrorKind::throttled);
  EXPECT_THAT(error.full_text(), HasSubstr("wait for 1h"));
  EXPECT_EQ(bench.waited(), 0s);
  call.deadline = kStart;
  EXPECT_EQ(bench.error(call).kind(), ErrorKind::timeout);
  EXPECT_THAT(bench.server.requests(), SizeIs(1));
}

TEST(Service, APageIsAnOutageUnlessItIsAskedFor) {
  const std::string page = "\xef\xbb\xbf \n<?xml version='1.0'?><!-- x --><!DOCTYPE HTML><p>";
  Bench bench({http_answer("200 OK", page)});
  Error error = bench.error(kMake);
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_THAT(error.message(), HasSubstr("a web page instead of an answer"));
  ServiceCall report = kMake;
  report.html_is_data = true;
  EXPECT_EQ(bench.call(report).body, page);
}

TEST(Service, TellsPagesFromData) {
  EXPECT_TRUE(is_html("<HTML lang=en>"));
  EXPECT_TRUE(is_html("\n<!-- a --> <!doctype html>"));
  EXPECT_FALSE(is_html("<!DOCTYPE SIMPLE_RETURN SYSTEM \"x\"><SIMPLE_RETURN/>"));
  EXPECT_FALSE(is_html("{\"html\": \"<html>\"}"));
  EXPECT_FALSE(is_html("<!-- never ends <html>"));
  EXPECT_FALSE(is_html(""));
}

TEST(Service, FollowsRedirectsOnItsHostOnly) {
  Bench bench({http_answer("307 There", "", "Location: /other\r\n"), http_answer("200 OK", "ok")});
  EXPECT_EQ(bench.call(kMake).body, "ok");
  EXPECT_THAT(bench.server.requests(),
              ElementsAre("POST /things HTTP/1.1", "POST /other HTTP/1.1"));
}

TEST(Service, NeverTakesItsSecretsElsewhere) {
  LoopbackServer other([](const std::string&) { return http_answer("200 OK", "caught"); });
  for (const std::string& target :
       {other.url() + "/x", std::string("https://127.0.0.1/x"), std::string("//127.0.0.2/x"),
        std::string(), std::string("/x\\@elsewhere")}) {
    Bench bench(
        {http_answer("302 There", "", "Location: " + target + "\r\n"), http_answer("404 No", "")});
    EXPECT_THAT((std::vector{ErrorKind::denied, ErrorKind::not_found}),
                ::testing::Contains(bench.error(kRead).kind()))
        << target;
  }
  EXPECT_TRUE(other.requests().empty());
  Bench bench({http_answer("302 There", "", "Location: /login\r\n")});
  EXPECT_EQ(bench.error(kMake).kind(), ErrorKind::usage);
  Bench loop({http_answer("302 There", "", "Location: /again\r\n")});
  EXPECT_EQ(loop.error(kRead).kind(), ErrorKind::unavailable);
}

TEST(Service, ItsOwnJudgeDecides) {
  Bench bench({http_answer("409 Conflict", "<CODE>1965</CODE>", "X-ToWait: 9\r\n"),
               http_answer("200 OK", "<CODE>2001</CODE>")});
  ServiceConfig config = bench.config();
  config.judge = [](const ServiceCall&, const ServiceAnswer& answer, TimePoint) {
    if (answer.status == 409) {
      return ServiceVerdict{
          .kind = ServiceVerdict::Kind::later, .error = ErrorKind::throttled, .wait = 9s};
    }
    return ServiceVerdict{.kind = ServiceVerdict::Kind::refused,
                          .error = ErrorKind::denied,
                          .message = "expired",
                          .hint = "renew it"};
  };
  try {
    Service(config, bench.clock).call(kMake);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::denied);
    EXPECT_EQ(error.message(), "Demo: POST /things: HTTP 200: expired");
    EXPECT_EQ(error.hint(), "renew it");
  }
  EXPECT_GE(bench.waited(), 9s);
  EXPECT_THAT(bench.server.requests(), SizeIs(2)) << "a call that was not done is sent again";
}

TEST(Service, NothingWasDoneWithoutAConnection) {
  std::string url;
  {
    url = LoopbackServer([](const std::string&) { return ""; }).url();
  }
  ManualClock clock(kStart);
  Service service({.name = "Demo", .url = url, .attempts = 3, .random = [] { return 0.5; }}, clock);
  EXPECT_THROW(service.call(kMake), Error);
  EXPECT_EQ(clock.now() - kStart, 3s) << "tried three times although it is not repeatable";
}

TEST(Service, LongAndBrokenAnswersAreRefused) {
  Bench bench({http_answer("200 OK", std::string(2000, 'x'))});
  ServiceCall call = kRead;
  call.max_bytes = 1000;
  EXPECT_EQ(bench.error(call).kind(), ErrorKind::corrupt);
  Bench cut({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"});
  EXPECT_EQ(cut.error(kMake).kind(), ErrorKind::unavailable);
}

TEST(Service, StopsWhenAsked) {
  Bench bench({http_answer("503 Busy", "")});
  std::stop_source stop;
  stop.request_stop();
  Service service(bench.config(), bench.clock);
  try {
    service.call(kRead, stop.get_token());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::cancelled);
  }
}

TEST(Service, RefusesUrlsThatAreNoneOrInTheClear) {
  ManualClock clock(kStart);
  for (const char* url :
       {"", "qualys.com", "ftp://x", "https://", "https://u:p@host", "https://host?x=1",
        "http://scanner.example.org", "http://127.0.0.1.example.org", "https://ho st"}) {
    EXPECT_THROW(Service({.name = "Demo", .url = url}, clock), Error) << url;
  }
  for (const char* url : {"https://host:8834/", "http://localhost:1", "http://[::1]:80/base"}) {
    EXPECT_NO_THROW(Service({.name = "Demo", .url = url}, clock)) << url;
  }
}

TEST(Service, ReadsRetryAfter) {
  EXPECT_EQ(parse_retry_after("7", kStart), 7s);
  EXPECT_EQ(parse_retry_after("Sun, 22 Nov 2026 10:00:30 GMT", kStart), 30s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kStart), 0s);
  EXPECT_EQ(parse_retry_after("99999999999", kStart), 366 * 24h);
  EXPECT_FALSE(parse_retry_after("-1", kStart));
  EXPECT_FALSE(parse_retry_after("soon", kStart));
  EXPECT_FALSE(parse_retry_after("", kStart));
}

TEST(Service, EncodesForms) {
  EXPECT_EQ(form_text({{"scan_ref", "scan/1.2"}, {"title", "a b&c=ü"}}),
            "scan_ref=scan%2F1.2&title=a%20b%26c%3D%C3%BC");
}

}  // namespace
}  // namespace hallmark::scan
