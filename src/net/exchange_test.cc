#include "net/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "base/error.h"
#include "base/sync.h"
#include "net/loopback_server.h"

namespace hallmark::net {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

ErrorKind kind_for(const ExchangeRequest& request, std::stop_token stop = {}) {
  ConnectionPool pool;
  try {
    pool.send(request, stop);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

TEST(Exchange, SendsWhatItIsGivenAndNothingElse) {
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
    seen = request;
    return http_answer("418 Teapot", "short and stout", "X-A: one\r\nx-b:  two \r\n");
  });
  ConnectionPool pool;
  ExchangeResponse response = pool.send({.method = "POST",
                                         .url = server.url() + "/a/../b//c?x=%2F",
                                         .headers = {{"X-Amz-Target", "T.Op"}, {"X-Empty", ""}},
                                         .body = std::string("a\0b", 3)});
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.body, "short and stout");
  EXPECT_THAT(response.headers, Contains(Pair("X-A", "one")));
  EXPECT_THAT(response.headers, Contains(Pair("x-b", "two")));
  EXPECT_TRUE(seen.starts_with("POST /a/../b//c?x=%2F HTTP/1.1\r\n")) << seen;
  EXPECT_THAT(seen, HasSubstr("X-Amz-Target: T.Op\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_TRUE(seen.ends_with(std::string("\r\n\r\na\0b", 7)));
  for (const char* made_up : {"Expect", "User-Agent", "Accept", "Content-Type"}) {
    EXPECT_THAT(seen, Not(HasSubstr(made_up)));
  }
}

TEST(Exchange, EveryMethodHasItsForm) {
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
    seen = request;
    return http_answer("200 OK", request.starts_with("HEAD") ? "" : "body");
  });
  ConnectionPool pool;
  EXPECT_EQ(pool.send({.method = "HEAD", .url = server.url()}).status, 200);
  EXPECT_TRUE(seen.starts_with("HEAD / HTTP/1.1\r\n"));
  pool.send({.method = "PUT", .url = server.url()});
  EXPECT_THAT(seen, HasSubstr("Content-Length: 0\r\n"));
  pool.send({.method = "DELETE", .url = server.url()});
  EXPECT_TRUE(seen.starts_with("DELETE / HTTP/1.1\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(pool.send({.method = "GET", .url = server.url()}).body, "body");
  EXPECT_TRUE(seen.starts_with("GET / HTTP/1.1\r\n"));
}

TEST(Exchange, KeepsConnectionsOpen) {
  LoopbackServer server([](const std::string&) { return kept_http_answer("200 OK", "x"); });
  ConnectionPool pool;
  EXPECT_FALSE(pool.send({.method = "GET", .url = server.url()}).reused_connection);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(pool.send({.method = "POST", .url = server.url(), .body = "b"}).reused_connection);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Exchange, ThreadsShareThePool) {
  LoopbackServer server([](const std::string& request) {
    return kept_http_answer("200 OK", request.substr(request.find("\r\n\r\n") + 4));
  });
  ConnectionPool pool;
  std::vector<std::future<bool>> results;
  for (int i = 0; i < 8; ++i) {
    results.push_back(std::async(std::launch::async, [&, i] {
      bool ok = true;
      for (int n = 0; n < 25; ++n) {
        std::string body = std::to_string(i * 1000 + n);
        ok &= pool.send({.method = "POST", .url = server.url(), .body = body}).body == body;
      }
      return ok;
    }));
  }
  for (auto& result : results) EXPECT_TRUE(result.get());
  EXPECT_LE(server.connections(), 8);
}

TEST(Exchange, AConnectionClosedMeanwhileIsMadeAnew) {
  LoopbackServer server([](const std::string&) { return http_answer("200 OK", "x"); });
  ConnectionPool pool;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.send({.method = "POST", .url = server.url(), .body = "b"}).body, "x");
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST(Exchange, BadAnswersHaveTheirKinds) {
  Sync<std::string> answer;
  LoopbackServer server([&](const std::string&) { return *answer.lock(); });
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url()}), ErrorKind::unavailable);
  *answer.lock() = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut";
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url()}), ErrorKind::unavailable);
  *answer.lock() = http_answer("200 OK", "0123456789");
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url(), .max_bytes = 9}), ErrorKind::corrupt);
  *answer.lock() = http_answer("302 Found", "", "Location: http://127.0.0.1:1/\r\n");
  ConnectionPool pool;
  EXPECT_EQ(pool.send({.method = "GET", .url = server.url()}).status, 302);
}

TEST(Exchange, BadRequestsAreRefused) {
  EXPECT_EQ(kind_for({.method = "GET", .url = "file:///etc/passwd"}), ErrorKind::usage);
  EXPECT_EQ(kind_for({.method = "GET", .url = "http://[::1"}), ErrorKind::usage);
  EXPECT_EQ(
      kind_for({.method = "GET", .url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nY: b"}}}),
      ErrorKind::usage);
  ConnectionPool pool;
  EXPECT_THROW(pool.send({.method = "GET", .url = "http://127.0.0.1:1/"}), NotSent);
}

TEST(Exchange, StopsAtOnce) {
  std::stop_source stop;
  // The answer never comes: the server's thread is held until the exchange has ended.
  std::promise<void> ended;
  auto wait = ended.get_future().share();
  LoopbackServer server([&](const std::string&) {
    stop.request_stop();
    wait.wait();
    return std::string();
  });
  auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url()}, stop.get_token()),
            ErrorKind::cancelled);
  ended.set_value();
  EXPECT_LT(std::chrono::steady_clock::now() - started, 500ms);
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url()}, stop.get_token()),
            ErrorKind::cancelled);
}

TEST(Exchange, EndsAtItsTimeLimit) {
  std::promise<void> ended;
  auto wait = ended.get_future().share();
  LoopbackServer server([&](const std::string&) {
    wait.wait();
    return std::string();
  });
  EXPECT_EQ(kind_for({.method = "GET", .url = server.url(), .time_limit = 50ms}),
            ErrorKind::timeout);
  ended.set_value();
}

}  // namespace
}  // namespace hallmark::net
