#include "net/smtp.h"

#include <gtest/gtest.h>

#include "base/testing.h"

namespace hallmark::net {
namespace {

TEST(Smtp, AnAddressSaysNothingElseToTheServer) {
  EXPECT_TRUE(is_mail_address("a.b+c@example.com"));
  for (const char* text : {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b>\r\nRCPT TO:<x@y", "<a@b>",
                           "a@b\n", "a@b,c@d", "\xc3\xa4@b"}) {
    EXPECT_FALSE(is_mail_address(text)) << text;
  }
  EXPECT_FALSE(is_mail_address(std::string(300, 'a') + "@b"));
}

TEST(Smtp, RefusesBeforeAnythingIsSent) {
  const Envelope good{.from = "a@example.com", .to = {"b@example.com"}};
  const SmtpServer server{.place = "127.0.0.1:1", .tls = SmtpTls::none};
  SmtpServer open = server;
  open.username = "a";
  open.password = "secret";
  EXPECT_EQ(kind_of([&] { send_mail(open, good, "x"); }), ErrorKind::usage);
  SmtpServer strange = server;
  strange.place = "127.0.0.1:1/x?y\r\n";
  EXPECT_EQ(kind_of([&] { send_mail(strange, good, "x"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { send_mail(server, {.from = "a@b", .to = {}}, "x"); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { send_mail(server, {.from = "a@b", .to = {"a@b\r\nDATA"}}, "x"); }),
            ErrorKind::usage);
  EXPECT_EQ(kind_of([&] { send_mail(server, good, "x"); }), ErrorKind::unavailable);
}

}  // namespace
}  // namespace hallmark::net
