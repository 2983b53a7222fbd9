#include "audit/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "audit/plain_json.h"
#include "audit/verify.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "db/testing.h"

namespace hallmark::audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AuditLog : public testing::Test {
 protected:
  TempDir dir_;
  ManualClock clock_{TimePoint{}};
  std::unique_ptr<db::Database> database_ =
      db::Database::open(db::test_database_url(dir_.path() / "state.db"));
  Log log_{*database_, dir_.path() / "audit", clock_};

  void tell(int from, int to) {
    for (int i = from; i <= to; ++i) {
      log_.append({.token = "t" + std::to_string(i),
                   .actor = "alice",
                   .action = "image.active",
                   .subject = "web/debian-12/1." + std::to_string(i)});
    }
  }
  VerifyReport verified() { return verify_log(log_, first_key(log_.directory())); }
  void sql(const std::string& statement) {
    database_->transaction([&](db::Connection& c) { c.execute(statement, {}); });
  }
  std::string exported() {
    std::ostringstream out;
    export_log(log_, out);
    return out.str();
  }
  VerifyReport verified_export(const std::string& text) {
    std::istringstream in(text);
    return verify_export(in, first_key(log_.directory()), "export");
  }
};

TEST_F(AuditLog, IsIntactAsWritten) {
  tell(1, 5);
  VerifyReport report = verified();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.entries, 6) << "and the one that says with which key it begins";
  EXPECT_THAT(verified_export(exported()).problems, IsEmpty());
  Json first = parse_json(log_.read(0, 1).at(0).text, "entry");
  EXPECT_EQ(first["action"], kStarted);
}

TEST_F(AuditLog, TextsThatAreNotPlainAreIntactToo) {
  log_.append({.token = "1",
               .actor = "Zo\xc3\xab",
               .action = "decision.approve",
               .subject = "a \"quoted\" \\ one",
               .detail = {{"comment", "two\nlines\t\x01"}, {"score", 1.5}, {"none", nullptr}}});
  tell(2, 3);
  log_.rotate_key("alice");
  tell(4, 5);
  EXPECT_THAT(verified().problems, IsEmpty());
  EXPECT_THAT(verified_export(exported()).problems, IsEmpty());
}

TEST_F(AuditLog, TellsAnEventOnce) {
  tell(1, 2);
  tell(1, 2);
  EXPECT_EQ(log_.read(0, 100).size(), 3u);
}

TEST_F(AuditLog, ChangeAndEventGoTogether) {
  log_.append([](db::Connection&) { return std::optional<Event>(); });
  EXPECT_THROW(log_.append([](db::Connection&) -> std::optional<Event> {
    throw Error(ErrorKind::failed, "no");
  }),
               Error);
  EXPECT_TRUE(log_.read(0, 10).empty());
}

TEST_F(AuditLog, FindsAnEditedEntry) {
  tell(1, 5);
  sql("update audit_log set entry = replace(entry, 'alice', 'mallory') where sequence = 3");
  EXPECT_THAT(verified().problems, Contains(HasSubstr("entry 3 was edited")));
}

TEST_F(AuditLog, FindsAnEntryThatWasEditedWithItsDigest) {
  tell(1, 5);
  Entry entry = log_.read(2, 1).at(0);
  entry.text = replace_all(entry.text, "alice", "mallory");
  database_->transaction([&](db::Connection& c) {
    c.execute("update audit_log set entry = :entry, digest = :digest where sequence = 3",
              {{"entry", entry.text}, {"digest", sha256_hex(entry.text)}});
  });
  EXPECT_THAT(verified().problems, Contains(HasSubstr("entry 4 does not follow")));
}

TEST_F(AuditLog, FindsAChainThatWasComputedAnew) {
  tell(1, 5);
  std::string previous;
  for (Entry entry : log_.read(0, 100)) {
    Json json = parse_json(entry.text, "entry");
    if (entry.sequence == 3) json["actor"] = "mallory";
    json["previous"] = previous;
    const std::string text = compact(json);
    previous = sha256_hex(text);
    database_->transaction([&](db::Connection& c) {
      c.execute("update audit_log set entry = :entry, digest = :digest where sequence = :sequence",
                {{"entry", text}, {"digest", previous}, {"sequence", entry.sequence}});
    });
  }
  EXPECT_THAT(verified().problems, Contains(HasSubstr("entry 3 has no valid signature")));
}

TEST_F(AuditLog, FindsADroppedEntry) {
  tell(1, 5);
  sql("delete from audit_log where sequence = 3");
  EXPECT_THAT(verified().problems, Contains(HasSubstr("entry 4 stands where entry 3 should be")));
}

TEST_F(AuditLog, FindsSwappedEntries) {
  tell(1, 5);
  sql("update audit_log set sequence = -sequence where sequence in (3, 4)");
  sql("update audit_log set sequence = 7 + sequence where sequence < 0");
  EXPECT_THAT(verified().problems,
              Contains(HasSubstr("entry 3 says of itself that it is another")));
}

TEST_F(AuditLog, FindsACutEnd) {
  tell(1, 5);
  Entry last = log_.read(4, 1).at(0);
  sql("delete from audit_log where sequence > 5");
  database_->transaction([&](db::Connection& c) {
    c.execute("update audit_head set sequence = 5, digest = :digest", {{"digest", last.digest}});
  });
  EXPECT_THAT(verified().problems, ElementsAre(HasSubstr("its end was cut off")));
}

TEST_F(AuditLog, FindsTheSameInAnExportedFile) {
  tell(1, 5);
  const std::string whole = exported();
  std::vector<std::string> lines = split(trim(whole), '\n');
  auto without = [&](std::size_t index) {
    std::vector<std::string> left = lines;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(index));
    return join(left, "\n") + "\n";
  };
  EXPECT_FALSE(verified_export(replace_all(whole, "1.2", "1.9")).intact());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_FALSE(verified_export(without(i)).intact()) << "without line " << i + 1;
  }
  std::swap(lines[2], lines[3]);
  EXPECT_FALSE(verified_export(join(lines, "\n")).intact());
  EXPECT_THROW(verified_export("rubbish\n"), Error);
  EXPECT_THROW(verified_export("{}\n"), Error);
}

TEST_F(AuditLog, KeysRotate) {
  tell(1, 2);
  const PublicKey before = first_key(log_.directory());
  const PublicKey after = log_.rotate_key("root");
  tell(3, 4);
  EXPECT_EQ(log_.read(0, 100).back().key_id, after.id());
  EXPECT_EQ(first_key(log_.directory()), before);
  EXPECT_THAT(verified().problems, IsEmpty());
  EXPECT_THAT(verified_export(exported()).problems, IsEmpty());
}

TEST_F(AuditLog, RotationThatDiedHalfwayIsFinished) {
  tell(1, 1);
  const Path key_file = log_.directory() / kSigningKeyFile;
  const std::string old_key = read_file(key_file);
  const PublicKey next = log_.rotate_key("root");
  tell(2, 2);
  // As if the process had died after it told the log and before it put the new key in its place.
  std::filesystem::rename(key_file, log_.directory() / ("next-" + next.id() + ".pem"));
  write_file(key_file, old_key, 0600);
  tell(3, 3);
  EXPECT_THAT(verified().problems, IsEmpty());
}

TEST_F(AuditLog, AForeignKeyVouchesForNothing) {
  tell(1, 2);
  EXPECT_FALSE(verify_log(log_, SigningKey::generate().public_key()).intact());
}

TEST_F(AuditLog, NoKeyMeansNoEntry) {
  tell(1, 1);
  hallmark::remove_all(log_.directory() / kSigningKeyFile);
  EXPECT_THROW(tell(2, 2), Error);
  EXPECT_EQ(log_.read(0, 10).size(), 2u);
}

TEST(PlainObject, SaysWhatTheParserSays) {
  const std::string deep = std::string(10, '[') + std::string(10, ']');
  for (const char* text :
       {R"({})", R"({"a":1})", R"({"a":"x","b":-20,"a":"y"})", R"({"a":"\\ and \"b\":1"})",
        R"({"a":{"b":[1,{"c":null}],"d":true},"e":[],"f":false})", R"({"":""})"}) {
    auto plain = plain_object(text);
    ASSERT_TRUE(plain) << text;
    const Json json = Json::parse(text);
    for (const auto& [name, value] : json.items()) {
      EXPECT_EQ(plain->json(name), value.dump()) << text;
      EXPECT_EQ(plain->text(name).has_value(), value.is_string()) << text;
      if (value.is_string()) {
        EXPECT_EQ(*plain->text(name), value.get<std::string>()) << text;
      }
    }
    EXPECT_EQ(plain->json("missing"), "");
    EXPECT_FALSE(plain->text("missing"));
  }
  ASSERT_TRUE(plain_object(R"({"a":)" + deep + "}"));
}

TEST(PlainObject, LeavesToTheParserWhatIsNotPlain) {
  std::string many = "{";
  for (int i = 0; i < 17; ++i) many += (i ? "," : "") + ('"' + std::to_string(i) + "\":0");
  for (const std::string& text : {std::string(),
                                  std::string("{"),
                                  std::string("[]"),
                                  std::string("1"),
                                  std::string(R"({"a":1}x)"),
                                  std::string(R"({"a":1,})"),
                                  std::string(R"({"a" :1})"),
                                  std::string(R"({"a":01})"),
                                  std::string(R"({"a":1.5})"),
                                  std::string(R"({"a":1e3})"),
                                  std::string(R"({"a":-})"),
                                  std::string(R"({"a":12345678901234567890})"),
                                  std::string(R"({"a":"\n"})"),
                                  std::string(R"({"a":"\u0041"})"),
                                  std::string(R"({"a":"\)"),
                                  std::string(R"({"\"a":1})"),
                                  std::string("{\"a\":\"\xc3\xab\"}"),
                                  std::string("{\"a\":\"\n\"}"),
                                  std::string(R"({"a":"x)"),
                                  std::string(R"({"a":tru})"),
                                  std::string(R"({"a":[1,]})"),
                                  std::string(R"({"a":{"b":}})"),
                                  std::string(R"({"a":[1})"),
                                  many + "}",
                                  "{\"a\":" + std::string(1'000'000, '[')}) {
    EXPECT_FALSE(plain_object(text)) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace hallmark::audit
