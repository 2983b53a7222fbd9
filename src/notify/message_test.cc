#include "notify/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/testing.h"
#include "base/text.h"
#include "notify/facts.h"
#include "notify/mime.h"
#include "notify/webhook.h"

namespace hallmark::notify {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kServer = "https://hallmark.example.com";

Event approval_event() {
  return {.event_id = "event-1",
          .kind = "image.awaiting_approval",
          .subject = "Web-1.0/Debian-12/1.2.0",
          .actor = "hallmark",
          .at = "2026-11-23T12:00:00.000Z",
          .detail = {{"run_id", "run-1"}}};
}

Batch batch_of(std::vector<Event> events) {
  Batch batch{.message_id = "message-1"};
  for (Event& event : events) batch.deliveries.push_back({.event = std::move(event)});
  return batch;
}

std::optional<ApprovalFacts> some_facts(const Event&) {
  ApprovalFacts facts = facts_in_report(
      {{"counts", {{"critical", 1}, {"low", 2}}},
       {"completeness", "complete"},
       {"rules", {{"reviews", {"1 finding needs a review"}}}},
       {"scanners", {{{"gaps", Json::array()}, {"hardening_score", 91.5}}}},
       {"change_since_previous",
        {{"since", "Web-1.0/Debian-12/1.1.0"},
         {"unchanged", 2},
         {"introduced",
          {{{"id", "CVE-2026-2"}, {"package", "zlib"}, {"severity", "low"}},
           {{"id", "CVE-2026-1"}, {"package", "<b>openssl</b>"}, {"severity", "critical"}}}},
         {"fixed", Json::array()}}}});
  facts.report_html = "<p>report</p>";
  return facts;
}

std::optional<ApprovalFacts> no_facts(const Event&) { return std::nullopt; }

TEST(Message, TellsAnApproverCountsDiffAndWhereToLook) {
  const Message message = compose(batch_of({approval_event()}), {.name = "a"}, kServer, some_facts);
  EXPECT_EQ(message.title, "Web-1.0/Debian-12/1.2.0 waits for approval");
  EXPECT_EQ(message.link, "https://hallmark.example.com/#/approvals/Web-1.0/Debian-12/1.2.0");
  EXPECT_THAT(message.text, HasSubstr("findings: 1 critical, 2 low"));
  EXPECT_THAT(message.text, HasSubstr("Web-1.0/Debian-12/1.1.0: 2 new, 0 fixed, 2 unchanged"));
  EXPECT_LT(message.text.find("CVE-2026-1"), message.text.find("CVE-2026-2"));
  EXPECT_THAT(message.text, HasSubstr(message.link));
  EXPECT_THAT(message.html, HasSubstr("&lt;b&gt;openssl&lt;/b&gt;"));
  EXPECT_THAT(message.html, Not(HasSubstr("<b>openssl")));
  EXPECT_THAT(message.html, Not(HasSubstr("<form")));
  EXPECT_EQ(message.data["approval"]["counts"]["critical"], 1);
  EXPECT_EQ(message.report_html, "<p>report</p>");
  // Without evidence it is told all the same.
  EXPECT_EQ(compose(batch_of({approval_event()}), {.name = "a"}, kServer, no_facts).title,
            message.title);
}

TEST(Message, OfManyIsADigest) {
  Event other = approval_event();
  other.kind = "image.active";
  const Message message =
      compose(batch_of({other, other, other}), {.name = "a"}, kServer, no_facts);
  EXPECT_EQ(message.title, "3 notices");
  EXPECT_THAT(message.html, HasSubstr("/#/images/Web-1.0/Debian-12/1.2.0"));
  EXPECT_EQ(message.data["events"].size(), 3u);
}

TEST(Message, TemplatesAreFilledOnce) {
  Receiver receiver{.name = "a", .title = "{subject} by {actor} {what}", .text = "see {link}"};
  Event event = approval_event();
  event.actor = "{link}\r\nBcc: x@example.com";
  const Message message = compose(batch_of({event}), receiver, kServer, no_facts);
  EXPECT_EQ(message.title, "Web-1.0/Debian-12/1.2.0 by {link} Bcc: x@example.com {what}");
  EXPECT_EQ(message.text, "see " + message.link);
}

TEST(Mime, NothingInAMessageBecomesAHeader) {
  Event event = approval_event();
  event.subject = "Web\r\nBcc: victim@example.com\r\n\r\nbody/\xc3\xa4/1";
  const Message message = compose(batch_of({event}), {.name = "a"}, "", some_facts);
  const Mail mail{.from = "hallmark@example.com", .to = {"a@example.com", "b@example.com"}};
  const std::string mime = mime_of(message, mail, TimePoint{});
  for (const std::string& line : split(mime, '\n')) {
    EXPECT_FALSE(line.starts_with("Bcc")) << line;
    EXPECT_TRUE(line.empty() || line.ends_with('\r')) << line;
    EXPECT_LT(line.size(), 200u);
  }
  EXPECT_THAT(mime, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"));
  EXPECT_THAT(mime, HasSubstr("Message-ID: <message-1@example.com>\r\n"));
  EXPECT_THAT(mime, HasSubstr("Subject: =?utf-8?B?"));
  EXPECT_THAT(mime, HasSubstr("filename=\"report.html\""));
  Mail plain = mail;
  plain.attach_report = false;
  EXPECT_THAT(mime_of(message, plain, TimePoint{}), Not(HasSubstr("report.html")));
  plain.to = {"a@example.com\r\nBcc: b@example.com"};
  EXPECT_EQ(kind_of([&] { mime_of(message, plain, TimePoint{}); }), ErrorKind::usage);
}

TEST(Mime, AHeaderIsEncodedWhereItMustBe) {
  EXPECT_EQ(header_text("plain words"), "plain words");
  EXPECT_EQ(header_text("\xc3\xa4"), "=?utf-8?B?w6Q=?=");
  EXPECT_EQ(header_text("a\nb"), "a b");
  EXPECT_EQ(header_text("=?utf-8?B?w6Q=?="), "=?utf-8?B?PT91dGYtOD9CP3c2UT0/PQ==?=");
  EXPECT_THAT(header_text(std::string(100, 'x')), HasSubstr("?=\r\n =?utf-8?B?"));
}

TEST(WebhookRequest, IsSignedOverItsTime) {
  const Message message = compose(batch_of({approval_event()}), {.name = "a"}, kServer, no_facts);
  const auto request = webhook_request(message, {}, "https://example.com/x", "key",
                                       TimePoint{} + std::chrono::seconds(1700000000));
  std::map<std::string, std::string> headers(request.headers.begin(), request.headers.end());
  EXPECT_EQ(headers["X-Hallmark-Timestamp"], "1700000000");
  EXPECT_EQ(headers["X-Hallmark-Signature"],
            "v1=" + to_hex(hmac_sha256("key", "1700000000." + request.body)));
  EXPECT_EQ(headers["X-Hallmark-Message"], "message-1");
  EXPECT_TRUE(request.public_only);
  EXPECT_FALSE(request.repeatable);
  EXPECT_EQ(parse_json(request.body, "body")["events"][0]["kind"], "image.awaiting_approval");
  const auto bare = webhook_request(message, {.allow_private = true}, "http://x", "", TimePoint{});
  EXPECT_FALSE(bare.public_only);
  EXPECT_EQ(bare.headers.size(), 3u);
}

TEST(WebhookBody, HasTheShapeOfSlackAndTeams) {
  Event event = approval_event();
  event.actor = "<!channel> ``` [x](https://evil.example.com)";
  const Message message = compose(batch_of({event}), {.name = "a"}, kServer, no_facts);
  const Json slack = webhook_body(message, "slack");
  EXPECT_EQ(slack["blocks"][0]["type"], "header");
  EXPECT_THAT(compact(slack), Not(HasSubstr("<!channel>")));
  EXPECT_THAT(slack["blocks"][2]["text"]["text"], "<" + message.link + "|Open>");
  const Json card = webhook_body(message, "teams")["attachments"][0];
  EXPECT_EQ(card["contentType"], "application/vnd.microsoft.card.adaptive");
  EXPECT_EQ(card["content"]["body"][1]["type"], "RichTextBlock");
  EXPECT_EQ(card["content"]["actions"][0]["url"], message.link);
}

TEST(WebhookAnswer, SaysWhetherToComeBack) {
  auto kind_of_status = [](int status) {
    return kind_of([&] { check_webhook_answer({.status = status, .body = "no\r\nwell"}); });
  };
  check_webhook_answer({.status = 204});
  EXPECT_EQ(kind_of_status(400), ErrorKind::failed);
  EXPECT_EQ(kind_of_status(403), ErrorKind::denied);
  EXPECT_EQ(kind_of_status(302), ErrorKind::denied);
  EXPECT_EQ(kind_of_status(429), ErrorKind::throttled);
  EXPECT_EQ(kind_of_status(503), ErrorKind::unavailable);
}

}  // namespace
}  // namespace hallmark::notify
