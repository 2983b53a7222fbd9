#include "rule/lambda/runtime_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/sync.h"
#include "net/loopback_server.h"

namespace hallmark::rule::lambda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Hands out events and keeps what it is told; answers 410 when it has no more.
class FakeRuntimeApi {
 public:
  explicit FakeRuntimeApi(std::deque<std::string> events)
      : events_(std::move(events)), server_([this](const std::string& request) {
          return request.starts_with("GET ") ? next() : keep(request);
        }) {}

  std::string host() const { return server_.url().substr(std::string("http://").size()); }
  std::vector<std::string> requests() { return server_.requests(); }
  std::vector<std::string> posts() { return *posts_.lock(); }

 private:
  std::string next() {
    if (events_.empty()) return net::kept_http_answer("410 Gone", "");
    std::string event = events_.front();
    events_.pop_front();
    return net::kept_http_answer("200 OK", event, "Lambda-Runtime-Aws-Request-Id: id-1\r\n");
  }
  std::string keep(const std::string& request) {
    posts_.lock()->push_back(request);
    return net::kept_http_answer("202 Accepted", "");
  }

  std::deque<std::string> events_;
  Sync<std::vector<std::string>> posts_;
  net::LoopbackServer server_;
};

void serve_all(FakeRuntimeApi& fake, const Handler& handler) {
  RuntimeApi api(fake.host());
  EXPECT_THROW(serve(api, handler), Error);
}

TEST(RuntimeApi, AnswersOneEventAfterTheOther) {
  FakeRuntimeApi fake({R"({"n": 1})", R"({"n": 2})"});
  serve_all(fake, [](const Json& event) { return Json{{"twice", event.at("n").get<int>() * 2}}; });
  EXPECT_THAT(fake.requests(),
              ElementsAre("GET /2018-06-01/runtime/invocation/next HTTP/1.1",
                          "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1",
                          "GET /2018-06-01/runtime/invocation/next HTTP/1.1",
                          "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1",
                          "GET /2018-06-01/runtime/invocation/next HTTP/1.1"));
  EXPECT_THAT(fake.posts(), ElementsAre(HasSubstr(R"({"twice":2})"), HasSubstr(R"({"twice":4})")));
}

TEST(RuntimeApi, AFailureIsToldAndTheNextEventIsServed) {
  FakeRuntimeApi fake({"not JSON", R"({"n": 1})", R"({"n": 2})"});
  int served = 0;
  serve_all(fake, [&](const Json& event) -> Json {
    if (event.at("n") == 1) throw Error(ErrorKind::denied, "not allowed").hint("ask");
    ++served;
    return event;
  });
  EXPECT_EQ(served, 1);
  const std::vector<std::string> posts = fake.posts();
  ASSERT_EQ(posts.size(), 3u);
  EXPECT_THAT(posts[0], HasSubstr("/error HTTP/1.1"));
  EXPECT_THAT(posts[0], HasSubstr("Lambda-Runtime-Function-Error-Type: Hallmark.corrupt"));
  EXPECT_THAT(posts[1], HasSubstr(R"("errorType":"Hallmark.denied")"));
  EXPECT_THAT(posts[1], HasSubstr("not allowed"));
  EXPECT_THAT(posts[2], HasSubstr("/response HTTP/1.1"));
}

TEST(RuntimeApi, AFailureToStartIsTold) {
  FakeRuntimeApi fake({});
  RuntimeApi(fake.host()).fail_to_start(Error(ErrorKind::usage, "AWS_REGION is not set"));
  ASSERT_EQ(fake.posts().size(), 1u);
  EXPECT_THAT(fake.posts()[0], HasSubstr("POST /2018-06-01/runtime/init/error HTTP/1.1"));
  EXPECT_THAT(fake.posts()[0], HasSubstr("AWS_REGION is not set"));
}

TEST(RuntimeApi, AnAnswerWithoutAnEventEndsIt) {
  net::LoopbackServer server([](const std::string&) { return net::http_answer("200 OK", "{}"); });
  RuntimeApi api(server.url().substr(std::string("http://").size()));
  EXPECT_THROW(api.next(), Error);
}

}  // namespace
}  // namespace hallmark::rule::lambda
