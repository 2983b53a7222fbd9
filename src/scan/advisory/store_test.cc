#include "scan/advisory/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/testing.h"
#include "base/text.h"
#include "scan/advisory/match.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kSamples = HALLMARK_ADVISORY_TESTDATA;

class Store : public ::testing::Test {
 protected:
  AdvisoryConfig config(const std::string& name, const std::string& kind, const Path& file) {
    return {.feeds = {{.name = name, .kind = kind, .place = file.string()}}};
  }
  std::vector<std::string> update(const AdvisoryConfig& given) {
    std::vector<std::string> states;
    for (const auto& outcome : update_feeds(given, {}, state(), clock_))
      states.push_back(outcome.name + " " + outcome.state);
    return states;
  }
  Path state() const { return directory_.path() / "advisories"; }

  TempDir directory_;
  ManualClock clock_{from_rfc3339("2026-01-02T00:00:00Z")};
};

TEST_F(Store, KeepsWhatDidNotChangeAndSwapsWhatDid) {
  const Path file = directory_.path() / "alma.json";
  write_file(file, read_file(kSamples / "alma-gupnp.json"));
  EXPECT_EQ(open_advisories(state()), nullptr);
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma new"));
  const auto before = open_advisories(state());
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma unchanged"));
  EXPECT_EQ(open_advisories(state())->feeds()[0].fetched_at, "2026-01-02T01:00:00.000Z")
      << "it was looked at again";
  write_file(file, read_file(kSamples / "alma-nodejs-10.json"));
  EXPECT_THAT(update(config("alma", "osv", file)), ElementsAre("alma new"));
  EXPECT_EQ(before->text(before->advisories()[0].id), "ALSA-2021:2363")
      << "who has it open goes on with it";
  const auto after = open_advisories(state());
  EXPECT_EQ(after->text(after->advisories()[0].id), "ALSA-2021:0548");
}

TEST_F(Store, WhatCannotBeFetchedStaysAsItWas) {
  const Path file = directory_.path() / "alma.json";
  write_file(file, read_file(kSamples / "alma-gupnp.json"));
  update(config("alma", "osv", file));
  write_file(file, "<html>Please log in</html>");
  AdvisoryConfig two = config("alma", "osv", file);
  two.feeds.push_back({.name = "azure",
                       .kind = "oval",
                       .place = (kSamples / "azurelinux-3.0-oval.xml").string(),
                       .ecosystem = "azurelinux:3.0"});
  EXPECT_THAT(update(two), ElementsAre("alma failed", "azure new"));
  EXPECT_EQ(open_advisories(state())->feeds().size(), 2u);
}

TEST_F(Store, ADigestThatDoesNotHoldIsRefused) {
  FeedSource source{.name = "alma",
                    .kind = "osv",
                    .place = (kSamples / "alma-gupnp.json").string(),
                    .sha256 = std::string(64, '0')};
  EXPECT_EQ(kind_of([&] { import_feed(source, state(), clock_); }), ErrorKind::corrupt);
  EXPECT_EQ(open_advisories(state()), nullptr);
  source.sha256 = sha256_hex(read_file(source.place));
  import_feed(source, state(), clock_);
  // As sha256sum writes it.
  write_file(directory_.path() / "sums", source.sha256 + "  alma.json\n");
  source.sha256 = (directory_.path() / "sums").string();
  import_feed(source, state(), clock_);
  EXPECT_EQ(open_advisories(state())->advisories().size(), 1u);
}

TEST_F(Store, FollowsARepositorysList) {
  const std::string update_bytes = read_file(kSamples / "amazon-2023-updateinfo.xml.gz");
  const Path root = directory_.path() / "repo";
  write_file(root / "repodata/u.xml.gz", update_bytes);
  const auto list = [&](const std::string& digest) {
    write_file(
        root / "repodata/repomd.xml",
        R"(<repomd><data type="primary"><checksum type="sha256">x</checksum><location href="repodata/p.xml"/></data>
      <data type="updateinfo"><checksum type="sha256">)" +
            digest + R"(</checksum><location href="repodata/u.xml.gz"/></data></repomd>)");
  };
  list(std::string(64, 'a'));
  const AdvisoryConfig amazon =
      config("amazon", "updateinfo", "file://" + (root / "repodata/repomd.xml").string());
  const auto outcome = update_feeds(amazon, {}, state(), clock_)[0];
  EXPECT_EQ(outcome.state, "failed");
  EXPECT_THAT(outcome.why, HasSubstr("SHA-256"));
  list(sha256_hex(update_bytes));
  EXPECT_THAT(update(amazon), ElementsAre("amazon new"));
  EXPECT_THAT(update(amazon), ElementsAre("amazon unchanged"));
}

TEST_F(Store, FetchesThroughAMirror) {
  AdvisoryConfig mirrored{.feeds = {{.name = "debian"}},
                          .mirror = "file://" + (directory_.path() / "mirror").string()};
  write_file(directory_.path() / "mirror/security-tracker.debian.org/tracker/data/json",
             read_file(kSamples / "debian-tracker.json"));
  EXPECT_THAT(update(mirrored), ElementsAre("debian new"));
  EXPECT_THAT(open_advisories(state())->feeds()[0].in_passing,
              ElementsAre("debian:10", "debian:11", "debian:12", "debian:13"))
      << "one source package makes no feed of a release";
}

TEST_F(Store, ForgetsAFeed) {
  import_feed({.name = "alma", .kind = "osv", .place = (kSamples / "alma-gupnp.json").string()},
              state(), clock_);
  EXPECT_EQ(kind_of([&] { remove_feed("other", state()); }), ErrorKind::not_found);
  EXPECT_EQ(kind_of([&] { remove_feed("../alma", state()); }), ErrorKind::not_found);
  remove_feed("alma", state());
  EXPECT_THAT(open_advisories(state())->feeds(), IsEmpty());
}

TEST_F(Store, CompilesAnewWhatAnotherVersionWrote) {
  const AdvisoryConfig alma = config("alma", "osv", kSamples / "alma-gupnp.json");
  update(alma);
  write_file(state() / "compiled.advisories", "something else");
  update(alma);
  EXPECT_EQ(open_advisories(state())->advisories().size(), 1u);
}

TEST_F(Store, ADamagedFeedIsLeftOutAndFetchedAnew) {
  AdvisoryConfig two = config("alma", "osv", kSamples / "alma-gupnp.json");
  two.feeds.push_back({.name = "azure",
                       .kind = "oval",
                       .place = (kSamples / "azurelinux-3.0-oval.xml").string(),
                       .ecosystem = "azurelinux:3.0"});
  update(two);
  const Path bytes = state() / "feeds/alma.feed";
  write_file(bytes, replace_all(read_file(bytes), "1.0.6-2.el8_4", "1.0.5-1.el8_4"));
  import_feed({.name = "amazon",
               .kind = "updateinfo",
               .place = (kSamples / "amazon-2023-updateinfo.xml.gz").string()},
              state(), clock_);
  const auto file = open_advisories(state());
  ASSERT_EQ(file->feeds().size(), 3u) << "the others are compiled";
  const FeedInfo& damaged = *std::find_if(file->feeds().begin(), file->feeds().end(),
                                          [](const auto& feed) { return feed.name == "alma"; });
  EXPECT_THAT(damaged.damage, HasSubstr("another digest"));
  EXPECT_EQ(file->ecosystem("almalinux:8"), nullptr) << "nothing of it counts";
  EXPECT_THAT(update(two), ElementsAre("alma new", "azure unchanged"));
  EXPECT_NE(open_advisories(state())->ecosystem("almalinux:8"), nullptr);
}

TEST_F(Store, AHeadThatMakesNoSenseIsLeftOut) {
  update(config("alma", "osv", kSamples / "alma-gupnp.json"));
  write_file(state() / "feeds/other.json", "{");
  AdvisoryConfig azure{.feeds = {{.name = "azure",
                                  .kind = "oval",
                                  .place = (kSamples / "azurelinux-3.0-oval.xml").string(),
                                  .ecosystem = "azurelinux:3.0"}}};
  EXPECT_THAT(update(azure), ElementsAre("azure new", "other left out"));
  EXPECT_EQ(open_advisories(state())->feeds().size(), 3u);
}

TEST_F(Store, TwoFeedsOfOneNameAreRefused) {
  AdvisoryConfig two = config("debian", "osv", kSamples / "alma-gupnp.json");
  two.feeds.push_back({.name = "debian"});
  EXPECT_EQ(kind_of([&] { update(two); }), ErrorKind::usage);
}

TEST_F(Store, AFileThatWasCutShortIsRefused) {
  const auto records = [&](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ",") + std::string(R"({"id": "A-)") + std::to_string(i) + "\"}";
    }
    write_file(directory_.path() / "all.json", "[" + text + "]");
  };
  const AdvisoryConfig osv = config("osv", "osv", directory_.path() / "all.json");
  records(40);
  EXPECT_THAT(update(osv), ElementsAre("osv new"));
  records(19);
  const auto outcome = update_feeds(osv, {}, state(), clock_)[0];
  EXPECT_EQ(outcome.state, "failed");
  EXPECT_THAT(outcome.why, HasSubstr("19 records, and had 40"));
  EXPECT_EQ(open_advisories(state())->advisories().size(), 40u);
  records(20);
  EXPECT_THAT(update(osv), ElementsAre("osv new"));
}

TEST_F(Store, ADigestThatIsAskedForLaterIsCheckedThen) {
  const Path file = directory_.path() / "alma.json";
  write_file(file, read_file(kSamples / "alma-gupnp.json"));
  AdvisoryConfig alma = config("alma", "osv", "file://" + file.string());
  update(alma);
  alma.feeds[0].sha256 = std::string(64, '0');
  EXPECT_THAT(update(alma), ElementsAre("alma failed"));
  alma.feeds[0].sha256 = sha256_hex(read_file(file));
  EXPECT_THAT(update(alma), ElementsAre("alma unchanged"));
  alma.feeds[0].signature = (directory_.path() / "alma.sig").string();
  alma.feeds[0].keyring = (directory_.path() / "keys").string();
  write_file(alma.feeds[0].signature, "no signature");
  write_file(alma.feeds[0].keyring, "");
  const auto outcome = update_feeds(alma, {}, state(), clock_)[0];
  EXPECT_EQ(outcome.state, "failed") << "what is kept has no good signature";
}

TEST_F(Store, AFeedSaysUntilWhenItIsGood) {
  AdvisoryConfig alma = config("alma", "osv", kSamples / "alma-gupnp.json");
  update(alma);
  EXPECT_EQ(open_advisories(state())->feeds()[0].good_until, "2026-01-09T00:00:00.000Z");
  alma.max_age = std::chrono::hours(48);
  update(alma);
  EXPECT_EQ(open_advisories(state())->feeds()[0].good_until, "2026-01-04T00:00:00.000Z");
}

TEST(KnownFeeds, HaveShortNames) {
  EXPECT_EQ(known_feed("alpine:3.22").size(), 2u);
  EXPECT_EQ(known_feed("osv:Rocky Linux:9")[0].name, "osv-rocky-linux-9");
  EXPECT_THAT(known_feed("osv:Rocky Linux:9")[0].place, HasSubstr("/Rocky%20Linux%3A9/all.zip"));
  EXPECT_EQ(kind_of([] { known_feed("gentoo"); }), ErrorKind::usage);
}

}  // namespace
}  // namespace hallmark::scan
