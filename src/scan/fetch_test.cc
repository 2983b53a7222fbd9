#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "base/error.h"
#include "base/ids.h"
#include "base/sync.h"
#include "net/loopback_server.h"
#include "scan/scan.h"
#include "scan/suite.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Path kData = HALLMARK_SCAN_TESTDATA;
constexpr const char* kIndex = "/dists/bookworm-security/main/binary-amd64/";

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() {
    files_["/dists/bookworm-security/InRelease"] = read_file(kData / "InRelease");
    std::string packed = read_file(kData / "Packages.xz");
    files_[kIndex + ("by-hash/SHA256/" + sha256_hex(packed))] = packed;
    source_ = {
        .url = server_.url() + "/", .suite = "bookworm-security", .keyring = kData / "archive.gpg"};
  }
  std::shared_ptr<const SecuritySuite> fetch() {
    return fetch_security_suite(source_, cache_.path(), clock_, {});
  }
  Error error() {
    try {
      fetch();
    } catch (const Error& caught) {
      return caught;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "");
  }
  std::string& in_release() { return files_["/dists/bookworm-security/InRelease"]; }

  std::string answer(const std::string& request) {
    if (down_) return net::http_answer("503 Service Unavailable", "");
    std::string path = request.substr(4, request.find(' ', 4) - 4);
    auto file = files_.find(path);
    if (file == files_.end()) return net::http_answer("404 Not Found", "");
    std::string etag = "\"" + sha256_hex(file->second).substr(0, 8) + "\"";
    if (request.find("If-None-Match: " + etag) != request.npos) {
      return net::http_answer("304 Not Modified", "");
    }
    return net::http_answer("200 OK", file->second, "ETag: " + etag + "\r\n");
  }

  std::map<std::string, std::string> files_;
  std::atomic<bool> down_ = false;
  net::LoopbackServer server_{[this](const std::string& request) { return answer(request); }};
  TempDir cache_;
  ManualClock clock_{from_rfc3339("2024-06-02T00:00:00Z")};
  SuiteSource source_;
};

TEST_F(FetchTest, FetchesChecksAndSorts) {
  auto suite = fetch();
  EXPECT_EQ(suite->name, "bookworm-security");
  EXPECT_EQ(suite->digest, sha256_hex(read_file(kData / "Packages")));
  EXPECT_EQ(suite->date, "2024-06-01T10:00:00.000Z");
  EXPECT_EQ(suite->fetched_at, "2024-06-02T00:00:00.000Z");
  EXPECT_EQ(suite->unreadable, 1);
  ASSERT_THAT(suite->packages, SizeIs(4));
  EXPECT_EQ(suite->packages[0].name, "libssl3");
  EXPECT_EQ(suite->packages[1].source_version, "6.1.158+1");
  EXPECT_EQ(suite->packages[3].version, "2025b-0+deb12u2");
}

TEST_F(FetchTest, ArmouredKeyringIsFine) {
  source_.keyring = kData / "archive.asc";
  EXPECT_THAT(fetch()->packages, SizeIs(4));
}

TEST_F(FetchTest, FallsBackToThePlainName) {
  std::string packed = read_file(kData / "Packages.xz");
  files_.erase(kIndex + ("by-hash/SHA256/" + sha256_hex(packed)));
  EXPECT_EQ(error().kind(), ErrorKind::not_found);
  files_[kIndex + std::string("Packages.xz")] = packed;
  EXPECT_THAT(fetch()->packages, SizeIs(4));
}

TEST_F(FetchTest, AsksOnlyForChangesTheSecondTime) {
  fetch();
  std::size_t before = server_.requests().size();
  clock_.advance(std::chrono::hours(1));
  auto again = fetch();
  EXPECT_EQ(server_.requests().size(), before + 1);
  EXPECT_EQ(again->fetched_at, "2024-06-02T01:00:00.000Z");
  EXPECT_THAT(again->packages, SizeIs(4));
}

TEST_F(FetchTest, UsesTheCacheWhileTheMirrorIsAway) {
  fetch();
  down_ = true;
  clock_.advance(std::chrono::hours(5));
  auto cached = fetch();
  EXPECT_EQ(cached->fetched_at, "2024-06-02T00:00:00.000Z");
  EXPECT_THAT(cached->packages, SizeIs(4));
}

TEST_F(FetchTest, WithoutACacheAMirrorThatIsAwayIsAnError) {
  down_ = true;
  EXPECT_EQ(error().kind(), ErrorKind::unavailable);
}

TEST_F(FetchTest, DamagedCacheIsFetchedAnew) {
  fetch();
  for (const auto& entry : std::filesystem::directory_iterator(cache_.path())) {
    std::string text = read_file(entry.path());
    text[text.size() - 5] ^= 1;
    write_file(entry.path(), text);
  }
  EXPECT_EQ(fetch()->packages.at(3).version, "2025b-0+deb12u2");
}

TEST_F(FetchTest, ForgedReleaseIsRefused) {
  std::string good = in_release();
  in_release().replace(good.find("main/binary"), 4, "evil");
  EXPECT_EQ(error().kind(), ErrorKind::corrupt);
  in_release() = good + "Suite: evil\n";
  EXPECT_EQ(error().kind(), ErrorKind::corrupt);
  in_release() = "Suite: evil\n" + good;
  EXPECT_EQ(error().kind(), ErrorKind::corrupt);
  in_release() = good + good;
  EXPECT_EQ(error().kind(), ErrorKind::corrupt);
  in_release() = "<html>captive portal</html>";
  EXPECT_EQ(error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(std::filesystem::is_empty(cache_.path()));
}

TEST_F(FetchTest, SignatureOfSomebodyElseIsRefused) {
  source_.keyring = kData / "other.gpg";
  Error caught = error();
  EXPECT_EQ(caught.kind(), ErrorKind::corrupt);
  EXPECT_THAT(caught.message(), HasSubstr("no good signature"));
  source_.keyring = kData / "missing.gpg";
  EXPECT_EQ(error().kind(), ErrorKind::not_found);
}

TEST_F(FetchTest, IndexWithAnotherDigestIsRefused) {
  for (auto& [path, content] : files_) {
    if (path.starts_with(kIndex)) content[100] ^= 1;
  }
  Error caught = error();
  EXPECT_EQ(caught.kind(), ErrorKind::corrupt);
  EXPECT_THAT(caught.message(), HasSubstr("digest"));
}

TEST_F(FetchTest, AnotherSuiteIsRefused) {
  files_["/dists/trixie-security/InRelease"] = in_release();
  source_.suite = "trixie-security";
  EXPECT_THAT(error().message(), HasSubstr("trixie-security"));
}

TEST_F(FetchTest, ExpiredAdvisoriesAreAGap) {
  model::Inventory inventory;
  inventory.distribution = {"debian", "12", "bookworm", "Debian"};
  inventory.packages = {{"tzdata", "2020a-0", "all", "tzdata", "2020a-0", "dpkg"}};
  auto suite = fetch();
  model::Assessment fresh = assess(inventory, *suite, clock_);
  // The index has one entry that cannot be read, which is a gap too.
  EXPECT_THAT(fresh.gaps, SizeIs(1));
  clock_.advance(std::chrono::hours(24 * 7));
  model::Assessment stale = assess(inventory, *suite, clock_);
  ASSERT_THAT(stale.gaps, SizeIs(2));
  EXPECT_THAT(stale.gaps[0].reason, HasSubstr("valid until 2024-06-08"));
  EXPECT_EQ(stale.completeness, model::Completeness::partial);
  EXPECT_THAT(stale.findings, SizeIs(1));
}

TEST(Suite, UnpackingXzIsBounded) {
  std::string packed = read_file(kData / "Packages.xz");
  std::string plain = read_file(kData / "Packages");
  EXPECT_EQ(unpack_xz(packed, plain.size()), plain);
  EXPECT_THROW(unpack_xz(packed, 100), Error);
  EXPECT_THROW(unpack_xz(packed.substr(0, 200), 10000), Error);
  EXPECT_THROW(unpack_xz("nonsense", 10000), Error);
  EXPECT_THROW(unpack_xz("", 10000), Error);
}

}  // namespace
}  // namespace hallmark::scan
