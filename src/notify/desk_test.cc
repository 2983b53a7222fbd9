#include "notify/desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing.h"
#include "net/loopback_server.h"
#include "notify/facts.h"
#include "pipeline/fixture.h"

namespace hallmark::notify {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Remembers calls, and answers as it is told.
class Script : public aws::Caller {
 public:
  aws::Value call(const aws::Call& call, const aws::Value& input, std::stop_token) override {
    calls.emplace_back(call, input);
    return answer;
  }
  std::vector<std::pair<aws::Call, aws::Value>> calls;
  aws::Value answer = aws::Value::object();
};

class TellDue : public testing::Test {
 protected:
  TellDue() {
    desk_.ways.aws = [this] { return aws_; };
    desk_.ways.secret = [](const std::string& reference, std::stop_token) {
      return "value of " + reference;
    };
    desk_.ways.http = [this](const net::ExchangeRequest& request, std::stop_token) {
      requests_.push_back(request);
      return net::ExchangeResponse{.status = status_};
    };
    desk_.ways.mail = [this](const net::SmtpServer& server, const net::Envelope&,
                             const std::string& mail, std::stop_token) {
      servers_.push_back(server);
      mails_.push_back(mail);
    };
  }
  void add(Receiver receiver) { desk_.receivers.push_back(std::move(receiver)); }
  Told tell() { return tell_due(desk_, {}); }
  /// An image that waits for approval.
  std::string build() {
    const workflow::RunInfo run = fixture_.product.build(pipeline::sample_pipeline());
    EXPECT_EQ(run.state, workflow::RunState::waiting);
    return run.run_id;
  }

  pipeline::Fixture fixture_;
  std::shared_ptr<Script> aws_ = std::make_shared<Script>();
  std::vector<net::ExchangeRequest> requests_;
  std::vector<net::SmtpServer> servers_;
  std::vector<std::string> mails_;
  int status_ = 200;
  Desk desk_{.database = *fixture_.product.database,
             .clock = fixture_.clock,
             .server_url = "https://hallmark.example.com",
             .facts_of = facts_of_evidence(*fixture_.product.context)};
};

TEST_F(TellDue, AWholeLifeToAWebhookOnceEach) {
  add({.name = "hook", .way = Webhook{.url = "env:HOOK", .secret = "env:KEY"}});
  tell();
  const std::string run_id = build();
  tell();
  fixture_.product.decide(run_id, true);
  fixture_.product.drive(run_id);
  tell();
  EXPECT_EQ(tell().delivered, 0);
  std::vector<std::string> kinds;
  for (const auto& request : requests_) {
    EXPECT_EQ(request.url, "value of env:HOOK");
    kinds.push_back(parse_json(request.body, "body")["events"][0]["kind"]);
  }
  for (const char* kind :
       {"image.building", "image.awaiting_approval", "decision.approve", "image.active"}) {
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), kind), 1) << kind;
  }
}

TEST_F(TellDue, AnApproverGetsTheEvidenceByMailAndIsReminded) {
  Mail mail{.server = {.place = "smtp.example.com:587", .username = "hallmark"},
            .password = "env:SMTP",
            .from = "hallmark@example.com",
            .to = {"ada@example.com"}};
  add({.name = "approvers",
       .kinds = {"image.awaiting_approval", "decision.reminder"},
       .way = mail});
  tell();
  const std::string run_id = build();
  EXPECT_EQ(tell().delivered, 1);
  ASSERT_EQ(mails_.size(), 1u);
  EXPECT_EQ(servers_[0].password, "value of env:SMTP");
  EXPECT_THAT(mails_[0], HasSubstr("filename=\"report.html\""));
  fixture_.clock.advance(Duration{47 * 3600'000});
  fixture_.product.drive(run_id);
  tell();
  ASSERT_GE(mails_.size(), 2u);
  const auto facts = desk_.facts_of({.kind = "image.awaiting_approval",
                                     .subject = "x",
                                     .at = "2026-11-23T12:00:00.000Z",
                                     .detail = {{"run_id", run_id}}});
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->completeness, "complete");
  EXPECT_FALSE(facts->evidence_digest.empty());
  EXPECT_THAT(facts->report_html, HasSubstr("<html"));
}

TEST_F(TellDue, AReceiverThatIsAwayKeepsNobodyElseWaiting) {
  add({.name = "away", .way = Webhook{.url = "https://a.example.com"}});
  add({.name = "there", .kinds = {"image.*"}, .way = Topic{.arn = "arn:aws:sns:eu-west-1:1:t"}});
  tell();
  status_ = 503;
  build();
  const Told told = tell();
  EXPECT_EQ(told.waiting, 1) << "after one that failed no more are tried";
  EXPECT_EQ(told.delivered, 2);
  EXPECT_EQ(tell().waiting, 0);
  status_ = 200;
  fixture_.clock.advance(pause_after(1));
  EXPECT_GE(tell().delivered, 2);
  EXPECT_TRUE(list_deliveries(desk_.database, true, 10).empty());
  EXPECT_EQ(requests_.front().body, requests_[1].body) << "the same message again";
}

TEST_F(TellDue, WhatIsRefusedForGoodIsGivenUpAndTheRestGoesOn) {
  add({.name = "strict", .kinds = {"image.*"}, .way = Webhook{.url = "https://a.example.com"}});
  tell();
  status_ = 400;
  build();
  EXPECT_EQ(tell().dead, 2);
  EXPECT_EQ(list_deliveries(desk_.database, true, 10).at(0).state, "dead");
  status_ = 200;
  retry_deliveries(desk_.database, {}, fixture_.clock.now());
  EXPECT_EQ(tell().delivered, 2);
}

TEST_F(TellDue, SnsAndEventBridgeGetTheirOwnShapes) {
  add({.name = "topic",
       .kinds = {"image.awaiting_approval"},
       .way = Topic{.arn = "arn:aws:sns:eu-west-1:111122223333:news.fifo"}});
  add({.name = "zbus",
       .kinds = {"image.awaiting_approval"},
       .way = Bus{.name = "default", .region = "us-east-1"}});
  tell();
  build();
  EXPECT_EQ(tell().delivered, 2);
  ASSERT_EQ(aws_->calls.size(), 2u);
  const auto& [publish, input] = aws_->calls[0];
  EXPECT_EQ(publish.operation, "Publish");
  EXPECT_EQ(publish.region, "eu-west-1");
  EXPECT_EQ(input["MessageDeduplicationId"],
            input["MessageAttributes"]["message_id"]["StringValue"]);
  const Json text = parse_json(input["Message"].get<std::string>(), "Message");
  EXPECT_EQ(parse_json(text["sqs"].get<std::string>(), "sqs")["events"].size(), 1u);
  const auto& [put, entries] = aws_->calls[1];
  EXPECT_EQ(put.operation, "PutEvents");
  EXPECT_EQ(entries["Entries"][0]["DetailType"], "image.awaiting_approval");
}

TEST_F(TellDue, AnEventThatEventBridgeRefusesIsNotDelivered) {
  add({.name = "bus", .kinds = {"image.building"}, .way = Bus{.name = "b", .region = "us-east-1"}});
  tell();
  aws_->answer = {{"FailedEntryCount", 1}, {"Entries", {{{"ErrorCode", "ThrottlingException"}}}}};
  build();
  EXPECT_EQ(tell().waiting, 1);
}

TEST_F(TellDue, NothingIsSentToAPrivateAddressUnlessAllowed) {
  net::LoopbackServer server([](const std::string&) { return net::http_answer("200 OK", ""); });
  desk_.ways.http = real_ways().http;
  add({.name = "inside", .kinds = {"image.building"}, .way = Webhook{.url = server.url()}});
  tell();
  build();
  EXPECT_EQ(tell().waiting, 1);
  EXPECT_EQ(server.connections(), 0);
  EXPECT_THAT(list_deliveries(desk_.database, true, 1).at(0).error, HasSubstr("private address"));
  std::get<Webhook>(desk_.receivers[0].way).allow_private = true;
  fixture_.clock.advance(pause_after(1));
  EXPECT_EQ(tell().delivered, 1);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace hallmark::notify
