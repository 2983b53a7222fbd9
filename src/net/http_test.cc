#include "net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/error.h"
#include "base/testing.h"
#include "net/loopback_server.h"

namespace hallmark::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

ErrorKind kind_for(const std::string& answer) {
  LoopbackServer server([&](const std::string&) { return answer; });
  return error_of([&] { http_get({.url = server.url() + "/x"}); }).kind();
}

TEST(Http, GetsABody) {
  LoopbackServer server([](const std::string&) {
    return http_answer("200 OK", "hello", "ETag: \"e1\"\r\nLast-Modified: yesterday\r\n");
  });
  HttpResponse response = http_get({.url = server.url() + "/path", .headers = {{"X-A", "b"}}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.etag, "\"e1\"");
  EXPECT_EQ(response.last_modified, "yesterday");
  EXPECT_EQ(server.requests().at(0), "GET /path HTTP/1.1");
}

TEST(Http, AsksOnlyForChanges) {
  std::string head;
  LoopbackServer server([&](const std::string& request) {
    head = request;
    return http_answer("304 Not Modified", "");
  });
  HttpResponse response =
      http_get({.url = server.url(), .etag = "\"e1\"", .last_modified = "yesterday"});
  EXPECT_TRUE(response.not_modified);
  EXPECT_THAT(head, HasSubstr("If-None-Match: \"e1\"\r\n"));
  EXPECT_THAT(head, HasSubstr("If-Modified-Since: yesterday\r\n"));
}

TEST(Http, StatusBecomesKind) {
  EXPECT_EQ(kind_for(http_answer("404 Not Found", "")), ErrorKind::not_found);
  EXPECT_EQ(kind_for(http_answer("401 Unauthorized", "")), ErrorKind::denied);
  EXPECT_EQ(kind_for(http_answer("403 Forbidden", "")), ErrorKind::denied);
  EXPECT_EQ(kind_for(http_answer("429 Too Many Requests", "")), ErrorKind::throttled);
  EXPECT_EQ(kind_for(http_answer("503 Service Unavailable", "")), ErrorKind::unavailable);
  EXPECT_EQ(kind_for(http_answer("418 Teapot", "")), ErrorKind::failed);
  EXPECT_EQ(kind_for(http_answer("304 Not Modified", "")), ErrorKind::failed);  // nobody asked
  EXPECT_EQ(kind_for(""), ErrorKind::unavailable);
  EXPECT_EQ(kind_for("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
            ErrorKind::unavailable);
}

TEST(Http, NobodyListening) {
  std::string url;
  {
    LoopbackServer server([](const std::string&) { return ""; });
    url = server.url();
  }
  EXPECT_EQ(error_of([&] { http_get({.url = url}); }).kind(), ErrorKind::unavailable);
}

TEST(Http, SizeIsLimited) {
  LoopbackServer server(
      [](const std::string&) { return http_answer("200 OK", std::string(100000, 'x')); });
  EXPECT_EQ(http_get({.url = server.url(), .max_bytes = 100000}).body_bytes, 100000u);
  EXPECT_EQ(error_of([&] { http_get({.url = server.url(), .max_bytes = 99999}); }).kind(),
            ErrorKind::corrupt);
}

TEST(Http, RedirectsAreFollowedButNotForEver) {
  LoopbackServer server([](const std::string& request) {
    if (request.starts_with("GET /old")) {
      return http_answer("302 Found", "moved", "Location: /new\r\nETag: old\r\n");
    }
    if (request.starts_with("GET /new")) return http_answer("200 OK", "here");
    return http_answer("302 Found", "", "Location: /loop\r\n");
  });
  HttpResponse response = http_get({.url = server.url() + "/old"});
  EXPECT_EQ(response.body, "here");
  EXPECT_EQ(response.etag, "");
  EXPECT_EQ(response.final_url, server.url() + "/new");
  EXPECT_EQ(error_of([&] { http_get({.url = server.url() + "/loop"}); }).kind(),
            ErrorKind::corrupt);
  EXPECT_THAT(server.requests(), SizeIs(2 + 6));
}

TEST(Http, RedirectToAFileIsRefused) {
  LoopbackServer server([](const std::string&) {
    return http_answer("302 Found", "", "Location: file:///etc/passwd\r\n");
  });
  EXPECT_EQ(error_of([&] { http_get({.url = server.url(), .allow_file = true}); }).kind(),
            ErrorKind::usage);
}

TEST(Http, OnlyOurProtocols) {
  for (const char* url : {"ftp://x/", "file:///etc/passwd", "nonsense", ""}) {
    EXPECT_EQ(error_of([&] { http_get({.url = url}); }).kind(), ErrorKind::usage) << url;
  }
  TempDir directory;
  write_file(directory.path() / "f", "content");
  std::string url = "file://" + (directory.path() / "f").string();
  EXPECT_EQ(http_get({.url = url, .allow_file = true}).body, "content");
  EXPECT_EQ(error_of([&] { http_get({.url = url + "2", .allow_file = true}); }).kind(),
            ErrorKind::not_found);
}

TEST(Http, SlowServerTimesOut) {
  std::atomic<bool> end = false;
  LoopbackServer server([&](const std::string&) {
    while (!end) std::this_thread::yield();
    return "";
  });
  Error error = error_of([&] { http_get({.url = server.url(), .time_limit = 50ms}); });
  end = true;
  EXPECT_EQ(error.kind(), ErrorKind::timeout);
}

TEST(Http, StopEndsTheExchange) {
  std::stop_source source;
  LoopbackServer server([&](const std::string&) {
    source.request_stop();
    return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
  });
  Error error = error_of([&] { http_get({.url = server.url()}, source.get_token()); });
  // The server breaks the body off, so that whichever is noticed first ends it.
  EXPECT_TRUE(error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::unavailable);
  EXPECT_EQ(error_of([&] { http_get({.url = server.url()}, source.get_token()); }).kind(),
            ErrorKind::cancelled);
}

TEST(Http, FileAppearsWholeOrNotAtAll) {
  TempDir directory;
  Path file = directory.path() / "sub" / "file";
  LoopbackServer server([](const std::string& request) {
    if (request.starts_with("GET /good")) return http_answer("200 OK", "content");
    if (request.starts_with("GET /same")) return http_answer("304 Not Modified", "");
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  });
  EXPECT_EQ(error_of([&] { http_get_to_file({.url = server.url() + "/cut"}, file); }).kind(),
            ErrorKind::unavailable);
  EXPECT_TRUE(std::filesystem::is_empty(file.parent_path()));
  http_get_to_file({.url = server.url() + "/good"}, file);
  EXPECT_EQ(read_file(file), "content");
  EXPECT_TRUE(http_get_to_file({.url = server.url() + "/same", .etag = "e"}, file).not_modified);
  EXPECT_EQ(read_file(file), "content");
}

TEST(Http, RetriesWhatMayHelp) {
  std::atomic<int> calls = 0;
  LoopbackServer server([&](const std::string& request) {
    if (request.starts_with("GET /none")) return http_answer("404 Not Found", "");
    return ++calls < 3 ? http_answer("503 Busy", "") : http_answer("200 OK", "ok");
  });
  ManualClock clock(from_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(http_get_retrying({.url = server.url() + "/x"}, clock, 5).body, "ok");
  EXPECT_EQ(clock.now(), from_rfc3339("2026-01-01T00:00:03Z"));
  EXPECT_EQ(error_of([&] { http_get_retrying({.url = server.url() + "/none"}, clock, 5); }).kind(),
            ErrorKind::not_found);
  EXPECT_THAT(server.requests(), SizeIs(4));
}

TEST(Http, CredentialsStayOutOfMessages) {
  EXPECT_EQ(without_credentials("http://u:p@host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_credentials("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_credentials("http://u:p@ss@host"), "http://host");
  Error error = error_of([] { http_get({.url = "ftp://u:secret@host/"}); });
  EXPECT_THAT(error.message(), Not(HasSubstr("secret")));
  EXPECT_EQ(error_of([] {
              http_get({.url = "http://127.0.0.1:1/", .headers = {{"A", "b\r\nC: d"}}});
            }).kind(),
            ErrorKind::usage);
}

}  // namespace
}  // namespace hallmark::net
