#include "notify/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "base/testing.h"
#include "db/testing.h"

namespace hallmark::notify {
namespace {

using testing::ElementsAre;

class Outbox : public testing::Test {
 protected:
  void tell(const std::string& token, const std::string& kind = "image.active",
            const std::string& subject = "Web-1.0/Debian-12/1") {
    log_.append({.token = token, .actor = "ada", .action = kind, .subject = subject});
  }
  /// Messages that are due, each as it is claimed; none is ever delivered.
  std::vector<std::size_t> claims(const Receiver& receiver) {
    std::vector<std::size_t> sizes;
    while (auto batch = claim(*database_, receiver, clock_.now())) {
      sizes.push_back(batch->deliveries.size());
    }
    return sizes;
  }
  Batch one(const Receiver& receiver) {
    auto batch = claim(*database_, receiver, clock_.now());
    return batch ? *batch : Batch{};
  }
  int collected() { return collect(*database_, {all_}, clock_.now()); }

  TempDir dir_;
  ManualClock clock_{TimePoint{} + std::chrono::hours(24)};
  std::unique_ptr<db::Database> database_ =
      db::Database::open(db::test_database_url(dir_.path() / "state.db"));
  audit::Log log_{*database_, dir_.path() / "audit", clock_};
  Receiver all_{.name = "all", .way = Webhook{}};
};

TEST_F(Outbox, HearsWhatHappensFromWhenItWasFirstSeen) {
  tell("before");
  EXPECT_EQ(collected(), 0);
  tell("one");
  tell("two", "evidence.read");
  EXPECT_EQ(collected(), 1);
  EXPECT_EQ(collected(), 0);
  const Batch batch = one(all_);
  ASSERT_EQ(batch.deliveries.size(), 1u);
  EXPECT_EQ(batch.deliveries[0].event.kind, "image.active");
  EXPECT_EQ(batch.deliveries[0].event.actor, "ada");
  record_delivered(*database_, batch, clock_.now());
  EXPECT_TRUE(list_deliveries(*database_, true, 10).empty());
  EXPECT_EQ(list_deliveries(*database_, false, 10).at(0).state, "delivered");
}

TEST_F(Outbox, RoutesByKindAndProduct) {
  Receiver web = all_;
  web.kinds = {"image.*"};
  web.products = {"Web-*"};
  const auto event = [](const char* kind, const char* subject) {
    return Event{.kind = kind, .subject = subject};
  };
  EXPECT_TRUE(wants(web, event("image.active", "Web-1.0/Debian-12/1")));
  EXPECT_FALSE(wants(web, event("image.active", "Db-1.0/Debian-12/1")));
  EXPECT_FALSE(wants(web, event("decision.approve", "Web-1.0/Debian-12/1")));
  EXPECT_FALSE(wants(web, event("image.active", "machines")));
  EXPECT_TRUE(wants(all_, event("user.added", "ada")));
  EXPECT_FALSE(wants(all_, event("evidence.read", "Web-1.0/Debian-12/1")));
}

TEST_F(Outbox, AClaimIsTakenOverUnderTheSameIdWhenItsLeaseEnds) {
  collected();
  tell("one");
  collected();
  const Batch lost = one(all_);
  ASSERT_FALSE(lost.message_id.empty());
  EXPECT_TRUE(one(all_).message_id.empty()) << "while somebody sends it";
  clock_.advance(kLease);
  const Batch taken = one(all_);
  EXPECT_EQ(taken.message_id, lost.message_id);
  record_failure(*database_, lost, "too late", true, clock_.now());
  EXPECT_EQ(list_deliveries(*database_, true, 10).at(0).state, "waiting");
  record_delivered(*database_, taken, clock_.now());
  EXPECT_TRUE(list_deliveries(*database_, true, 10).empty());
}

TEST_F(Outbox, TriesAgainWithGrowingPausesUntilItIsDead) {
  EXPECT_EQ(pause_after(1), Duration{30'000});
  EXPECT_EQ(pause_after(3), Duration{120'000});
  EXPECT_EQ(pause_after(50), Duration{3600'000});
  collected();
  tell("one");
  tell("two", "image.awaiting_approval");
  collected();
  redact("hunter2-hunter2");
  for (int i = 0; i < kAttempts; ++i) {
    const Batch batch = one(all_);
    ASSERT_FALSE(batch.deliveries.empty()) << i;
    record_failure(*database_, batch, "no hunter2-hunter2 for you", false, clock_.now());
    EXPECT_TRUE(one(all_).deliveries.empty()) << "the others wait too: " << i;
    clock_.advance(pause_after(batch.deliveries[0].attempts));
  }
  const auto left = list_deliveries(*database_, true, 10);
  ASSERT_EQ(left.size(), 2u);
  const Delivery& tried = left[0].attempts > left[1].attempts ? left[0] : left[1];
  EXPECT_THAT(tried.error, testing::Not(testing::HasSubstr("hunter2")));
  for (int i = 0; i < 2 * kAttempts; ++i) {
    clock_.advance(Duration{3600'000});
    const Batch batch = one(all_);
    if (batch.deliveries.empty()) break;
    record_failure(*database_, batch, "no", false, clock_.now());
  }
  for (const Delivery& delivery : list_deliveries(*database_, true, 10)) {
    EXPECT_EQ(delivery.state, "dead");
  }
  EXPECT_EQ(kind_of([&] { retry_deliveries(*database_, {"delivery-1"}, clock_.now()); }),
            ErrorKind::not_found);
  EXPECT_EQ(retry_deliveries(*database_, {tried.delivery_id}, clock_.now()), 1);
  EXPECT_EQ(kind_of([&] { retry_deliveries(*database_, {tried.delivery_id}, clock_.now()); }),
            ErrorKind::conflict);
  EXPECT_EQ(one(all_).message_id, tried.message_id);
  EXPECT_EQ(retry_deliveries(*database_, {}, clock_.now()), 1);
}

TEST_F(Outbox, ADigestCollectsButNeverWhatSomebodyIsWaitedFor) {
  Receiver slow = all_;
  slow.digest = Duration{3600'000};
  collect(*database_, {slow}, clock_.now());
  tell("one");
  collect(*database_, {slow}, clock_.now());
  clock_.advance(Duration{1800'000});
  tell("two");
  tell("urgent", "image.awaiting_approval");
  collect(*database_, {slow}, clock_.now());
  EXPECT_THAT(claims(slow), ElementsAre(1u)) << "the urgent one";
  clock_.advance(Duration{1800'000} - kLease / 2);
  EXPECT_THAT(claims(slow), ElementsAre(1u)) << "it again, its lease being over";
  clock_.advance(kLease / 2);
  EXPECT_THAT(claims(slow), ElementsAre(2u)) << "both others";
}

TEST_F(Outbox, ManyAtOnceGoOutTogether) {
  collected();
  for (int i = 0; i < kMany; ++i) tell(std::to_string(i));
  collected();
  EXPECT_EQ(claims(all_).size(), static_cast<std::size_t>(kMany));
  for (int i = 0; i <= kMany; ++i) tell("more" + std::to_string(i));
  collected();
  const Batch batch = one(all_);
  EXPECT_EQ(batch.deliveries.size(), kMany + 1u);
  clock_.advance(kLease);
  tell("late");
  collected();
  std::size_t again = 0;
  for (std::size_t size : claims(all_)) again = std::max(again, size);
  EXPECT_EQ(again, kMany + 1u) << "tried again as it was";
}

}  // namespace
}  // namespace hallmark::notify
