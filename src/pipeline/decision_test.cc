#include "pipeline/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/verify.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/testing.h"
#include "pipeline/approval.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TimePoint kNow = from_rfc3339("2026-11-22T12:00:00Z");

class Proof : public testing::Test {
 protected:
  SigningKey key_ = SigningKey::generate();
  std::vector<User> users_ = {
      {.name = "ada", .roles = {"security"}, .public_key = key_.public_key()}};
  std::vector<std::string> proofs_ = {"key", "aws"};
  GoldenImage image_{.run_id = "run-1", .image_key = "web-1/debian-12/1.0"};
  Decision decision_{.approver = "ada",
                     .approve = true,
                     .comment = "fine",
                     .evidence_digest = "abc",
                     .decided_at = "2026-11-22T12:00:00Z"};

  Json checked() { return checked_proof(users_, proofs_, {}, image_, decision_, kNow); }
  ErrorKind refused() {
    return error_of([&] { checked(); }).kind();
  }
};

TEST_F(Proof, AKeyProvesItsUser) {
  decision_.proof = key_proof(key_, image_, decision_);
  Json kept = checked();
  EXPECT_EQ(kept["key_id"], key_.public_key().id());
  decision_.proof = kept;
  EXPECT_TRUE(is_proved(users_, proofs_, image_, decision_));
}

TEST_F(Proof, FitsNothingElse) {
  const Json proof = key_proof(key_, image_, decision_);
  auto altered = [&](auto change) {
    Decision other = decision_;
    other.proof = proof;
    GoldenImage image = image_;
    change(other, image);
    return error_of([&] { checked_proof(users_, proofs_, {}, image, other, kNow); }).kind();
  };
  EXPECT_EQ(altered([](Decision& d, GoldenImage&) { d.approve = false; }), ErrorKind::denied);
  EXPECT_EQ(altered([](Decision& d, GoldenImage&) { d.evidence_digest = "abd"; }),
            ErrorKind::denied);
  EXPECT_EQ(altered([](Decision& d, GoldenImage&) { d.comment = "very fine"; }), ErrorKind::denied);
  EXPECT_EQ(altered([](Decision& d, GoldenImage&) { d.decided_at = "2026-11-22T12:00:01Z"; }),
            ErrorKind::denied);
  EXPECT_EQ(altered([](Decision&, GoldenImage& i) { i.run_id = "run-2"; }), ErrorKind::denied);
  EXPECT_EQ(altered([](Decision& d, GoldenImage&) { d.approver = "bob"; }), ErrorKind::denied);
}

TEST_F(Proof, ForgedOrMissingIsDenied) {
  decision_.proof = key_proof(SigningKey::generate(), image_, decision_);
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.proof = {{"kind", "key"}, {"signature", "?"}};
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.proof = {{"kind", "key"}};
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.proof = Json::array();
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.proof = {{"kind", 7}};
  EXPECT_EQ(refused(), ErrorKind::denied);
  for (const Json& broken :
       {Json(7), Json{{"kind", 7}}, Json{{"kind", "aws"}, {"arn", 7}}, Json{{"kind", "key"}}}) {
    decision_.proof = broken;
    EXPECT_FALSE(is_proved(users_, proofs_, image_, decision_)) << broken.dump();
  }
  decision_.proof = {{"kind", "none"}};
  EXPECT_EQ(refused(), ErrorKind::denied) << "where users are known a name alone is none";
  EXPECT_FALSE(is_proved(users_, proofs_, image_, decision_));
  users_.clear();
  EXPECT_EQ(checked(), Json({{"kind", "none"}}));
}

TEST_F(Proof, AServersWordCountsWhereThePolicyTakesIt) {
  const Json word = {{"kind", "session"}, {"id", "5e55"}, {"name", "ada"}};
  decision_.proof = word;
  EXPECT_EQ(refused(), ErrorKind::denied) << "not by default";
  proofs_ = {"key", "session"};
  decision_.proof = checked();
  EXPECT_EQ(decision_.proof["id"], "5e55");
  EXPECT_TRUE(is_proved(users_, proofs_, image_, decision_));
  EXPECT_FALSE(is_proved(users_, {"key"}, image_, decision_));

  Decision other = decision_;
  other.approve = false;
  EXPECT_FALSE(is_proved(users_, proofs_, image_, other)) << "it was said of the other verdict";
  decision_.proof = word;
  decision_.approver = "bob";
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.approver = "ada";
  decision_.decided_at = "2026-11-22T11:40:00Z";
  EXPECT_EQ(refused(), ErrorKind::denied);
  decision_.decided_at = "2026-11-22T12:00:00Z";
  decision_.proof["kind"] = "token";
  EXPECT_EQ(refused(), ErrorKind::denied) << "the policy names sessions only";
  proofs_ = {"token"};
  EXPECT_EQ(checked()["kind"], "token");
  decision_.proof = key_proof(key_, image_, decision_);
  EXPECT_EQ(refused(), ErrorKind::denied) << "the policy takes no keys";

  users_.clear();
  proofs_ = {"key", "aws"};
  decision_.proof = word;
  EXPECT_EQ(checked()["id"], "5e55") << "where a bare name does, this is kept";
  decision_.approver = "arn:aws:iam::111122223333:user/ada";
  decision_.proof["name"] = decision_.approver;
  EXPECT_EQ(refused(), ErrorKind::denied) << "nobody but AWS proves an ARN";
}

TEST_F(Proof, LateOnesAreDenied) {
  for (const char* at : {"2026-11-22T11:40:00Z", "2026-11-22T12:20:00Z"}) {
    decision_.decided_at = at;
    decision_.proof = key_proof(key_, image_, decision_);
    EXPECT_EQ(refused(), ErrorKind::denied) << at;
  }
}

TEST_F(Proof, AwsSaysWhoItIs) {
  decision_.approver = "arn:aws:sts::111122223333:assumed-role/security/ada";
  decision_.proof = {{"kind", "aws"}, {"url", "https://example.org/?secret"}};
  std::string asked;
  AwsIdentity identity = [&](const Json&, const std::string& digest) {
    asked = digest;
    return AwsCaller{decision_.approver, "c0ffee", "sts.eu-west-1.amazonaws.com"};
  };
  Json kept = checked_proof(users_, proofs_, identity, image_, decision_, kNow);
  EXPECT_EQ(kept, Json({{"kind", "aws"},
                        {"arn", decision_.approver},
                        {"statement_sha256", asked},
                        {"request_id", "c0ffee"},
                        {"host", "sts.eu-west-1.amazonaws.com"}}))
      << "nothing secret is kept, and CloudTrail can be asked";
  EXPECT_EQ(asked, sha256_hex(decision_statement(image_, decision_)));
  AwsIdentity other = [](const Json&, const std::string&) {
    return AwsCaller{.arn = "arn:aws:iam::1:user/mallory"};
  };
  EXPECT_EQ(
      error_of([&] { checked_proof(users_, proofs_, other, image_, decision_, kNow); }).kind(),
      ErrorKind::denied);
  EXPECT_EQ(refused(), ErrorKind::denied) << "nobody to ask";
  decision_.proof = {{"kind", "none"}};
  users_.clear();
  EXPECT_EQ(refused(), ErrorKind::denied) << "an ARN is never taken on trust";
}

TEST(Refusal, KnowsUsersRolesAndArns) {
  model::ApprovalPolicy policy;
  std::vector<User> users = {{.name = "ada", .roles = {"security"}}, {.name = "bob"}};
  EXPECT_FALSE(refusal(policy, users, "grace", "anyone"));
  EXPECT_TRUE(refusal(policy, users, "grace", "grace")) << "never the requester";
  EXPECT_TRUE(refusal(policy, users, "grace", ""));
  policy.approvers = {"role:security", "arn:aws:iam::111122223333:role/approvers"};
  EXPECT_FALSE(refusal(policy, users, "grace", "ada"));
  EXPECT_TRUE(refusal(policy, users, "grace", "bob"));
  EXPECT_FALSE(
      refusal(policy, users, "grace", "arn:aws:sts::111122223333:assumed-role/approvers/carol"));
  EXPECT_TRUE(
      refusal(policy, users, "grace", "arn:aws:sts::999999999999:assumed-role/approvers/carol"));
  EXPECT_TRUE(refusal(policy, users, "grace", "role:security")) << "a role is no name";
}

TEST(Users, AreKeptAndChecked) {
  Fixture fixture;
  db::Database& database = *fixture.product.database;
  const PublicKey key = SigningKey::generate().public_key();
  add_user(database, {.name = "ada", .roles = {"security"}, .public_key = key});
  EXPECT_EQ(find_user(database, "ada")->public_key, key);
  EXPECT_EQ(error_of([&] { add_user(database, {.name = "ada", .public_key = key}); }).kind(),
            ErrorKind::conflict);
  EXPECT_EQ(error_of([&] { add_user(database, {.name = "bob", .public_key = key}); }).kind(),
            ErrorKind::conflict)
      << "one person with two names would be two approvers";
  for (const char* bad : {"", "Ada", "arn:aws", "a b", "-a", "role:x"}) {
    EXPECT_EQ(error_of([&] { add_user(database, {.name = bad, .public_key = key}); }).kind(),
              ErrorKind::usage)
        << bad;
  }
  remove_user(database, "ada");
  remove_user(database, "ada");
  EXPECT_TRUE(list_users(database).empty());
}

class Deciding : public testing::Test {
 protected:
  int pending_updates_ = 0;
  Fixture fixture_{
      {.assess = [this](const model::Inventory&) { return assessment_with(pending_updates_); }}};
  Product& product_ = fixture_.product;
  model::Pipeline pipeline_ = sample_pipeline();

  GoldenImage waiting() {
    const std::string run_id = product_.build(pipeline_).run_id;
    return product_.image(run_id);
  }
  GoldenImage waived_for_an_hour() {
    pipeline_.gate.max_pending_updates = std::nullopt;
    pipeline_.gate.findings = {{model::Severity::unknown, {model::Judgement::fail, {}}}};
    pipeline_.gate.waivers = {{.finding = "fake:suite:package0",
                               .reason = "r",
                               .by = "b",
                               .expires_at = fixture_.clock.now() + std::chrono::hours(1)}};
    pending_updates_ = 1;
    return waiting();
  }
  void decide_now(const GoldenImage& image) {
    decide(*product_.engine, *product_.context, image, {.approver = "ada", .approve = true});
  }
  ErrorKind decide_again(const GoldenImage& image) {
    return error_of([&] { decide_now(image); }).kind();
  }
};

TEST_F(Deciding, RecordsTheDistributionThatIsToFollow) {
  const GoldenImage image = waiting();
  approve_and_distribute(*product_.engine, *product_.context, image,
                         {.approver = "ada", .approve = true});
  const workflow::RunInfo built = product_.drive(image.run_id);
  ASSERT_EQ(built.state, workflow::RunState::succeeded);
  // Whoever approved may be gone: the run is there, for whoever works on runs.
  const auto runs = product_.engine->list({.workflow = "distribute", .subject = image.image_key});
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].run_id, built.result.at("distribution"));
  EXPECT_EQ(runs[0].state, workflow::RunState::pending);
  EXPECT_EQ(product_.drive(runs[0].run_id).state, workflow::RunState::succeeded);
}

TEST_F(Deciding, DistributesNothingThatNobodyAskedFor) {
  const GoldenImage image = waiting();
  decide_now(image);
  ASSERT_EQ(product_.drive(image.run_id).state, workflow::RunState::succeeded);
  EXPECT_TRUE(product_.engine->list({.workflow = "distribute"}).empty());
}

TEST_F(Deciding, OnAlteredEvidenceIsRefused) {
  GoldenImage image = waiting();
  const Path file = evidence_directory(*product_.context, image.run_id) / "assessments.json";
  const std::string text = read_file(file);
  write_file(file, text + " ");
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt);
  write_file(file, text);
  EXPECT_NO_THROW(decide_now(image));
}

TEST_F(Deciding, OnAPageOtherThanTheOneThatWasWrittenIsRefused) {
  GoldenImage image = waiting();
  const Path directory = evidence_directory(*product_.context, image.run_id);
  write_file(directory / "report.html", "all is well");
  Json listing = parse_json(read_file(directory / "evidence.json"), "evidence");
  listing["files"]["report.html"] = sha256_hex("all is well");
  write_file(directory / "evidence.json", pretty(listing));
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt) << "though the listing fits";
}

TEST_F(Deciding, OnEvidenceThatListsLessIsRefused) {
  GoldenImage image = waiting();
  const Path file = evidence_directory(*product_.context, image.run_id) / "evidence.json";
  Json listing = parse_json(read_file(file), "evidence");
  listing["files"].erase("gate.json");
  write_file(file, pretty(listing));
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt);
  write_file(file, "{\"files\": {}, \"reviewed\": 1}");
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt);
  write_file(file, "{}");
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt);
}

TEST_F(Deciding, OnEvidenceWithAFileThatNobodyReviewedIsRefused) {
  GoldenImage image = waiting();
  const Path directory = evidence_directory(*product_.context, image.run_id);
  const std::string listed = read_file(directory / "evidence.json");
  for (const char* name : {"assessment.json", "source-assessment-2.json", "raw/qualys/scan.json"}) {
    write_file(directory / name, "{}");
    Json listing = parse_json(listed, "evidence");
    listing["files"][name] = sha256_hex("{}");
    write_file(directory / "evidence.json", pretty(listing));
    EXPECT_EQ(decide_again(image), ErrorKind::corrupt) << name;
  }
  write_file(directory / "evidence.json", listed);
  EXPECT_NO_THROW(decide_now(image));
}

TEST_F(Deciding, OnEvidenceFromBeforeThereWereSeveralScannersWorks) {
  GoldenImage image = waiting();
  const Path directory = evidence_directory(*product_.context, image.run_id);
  Json listing = parse_json(read_file(directory / "evidence.json"), "evidence");
  const std::string one =
      pretty(parse_json(read_file(directory / "assessments.json"), "assessments")[0]);
  std::filesystem::remove_all(directory / "assessments.json");
  write_file(directory / "assessment.json", one);
  listing["files"].erase("assessments.json");
  listing["files"]["assessment.json"] = sha256_hex(one);
  listing["reviewed"].erase("assessments");
  listing["reviewed"].erase("reports");
  listing["reviewed"]["assessment"] = sha256_hex(one);
  write_file(directory / "evidence.json", pretty(listing));
  EXPECT_EQ(decide_again(image), ErrorKind::corrupt) << "another evidence digest";
  image.evidence_digest = sha256_hex(compact(listing["reviewed"]));
  change_image(*product_.context, image.run_id, {.evidence_digest = image.evidence_digest});
  EXPECT_EQ(read_assessments(*product_.context, image.run_id).size(), 1u);
  EXPECT_NO_THROW(decide_now(image));
  // Older still: without the source.
  listing["files"].erase("source.json");
  listing["reviewed"].erase("source");
  write_file(directory / "evidence.json", pretty(listing));
  image.evidence_digest = sha256_hex(compact(listing["reviewed"]));
  EXPECT_EQ(read_looked(*product_.context, image).assessments.size(), 1u);
}

TEST(KeepRaw, KeepsWhatScannersSentAndBindsIt) {
  Fixture fixture;
  const Context& context = *fixture.product.context;
  const scan::KeepRaw keep = keep_raw(context, "run-1");
  keep("qualys/scan.json", "application/json", "{");
  model::Assessment assessment = assessment_with(0);
  assessment.raw = {keep("qualys/scan.json", "application/json", "{}")};
  const Path file = evidence_directory(context, "run-1") / "raw/qualys/scan.json";
  EXPECT_EQ(read_file(file), "{}");
  EXPECT_EQ(assessment.raw[0].size_bytes, 2u);
  EXPECT_EQ(assessment.raw[0].sha256, sha256_hex("{}"));

  Evidence evidence{.image_id = "ami-1", .assessments = {assessment}};
  const model::Pipeline pipeline = sample_pipeline();
  GoldenImage image{.run_id = "run-1", .image_key = "Web-1.0/Debian-12/1", .pipeline = pipeline};
  image.evidence_digest = write_evidence(context, "run-1", pipeline, evidence);
  check_evidence(context, image);
  write_file(file, "{ }");
  EXPECT_EQ(error_of([&] { check_evidence(context, image); }).kind(), ErrorKind::corrupt);
  EXPECT_EQ(error_of([&] { write_evidence(context, "run-1", pipeline, evidence); }).kind(),
            ErrorKind::corrupt);

  // Not even with a listing that fits: the assessment names the digest too.
  const Path listing_file = evidence_directory(context, "run-1") / "evidence.json";
  Json listing = parse_json(read_file(listing_file), "evidence");
  listing["files"]["raw/qualys/scan.json"] = sha256_hex("{ }");
  write_file(listing_file, pretty(listing));
  EXPECT_EQ(error_of([&] { check_evidence(context, image); }).kind(), ErrorKind::corrupt);
}

TEST(KeepRaw, NoNameLeadsElsewhere) {
  Fixture fixture;
  const scan::KeepRaw keep = keep_raw(*fixture.product.context, "run-1");
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("../x"), std::string("/etc/x"),
        std::string("a/../../x"), std::string("a//b"), std::string("a/"), std::string(".x"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("\xc3\xa4"),
        std::string(201, 'a')}) {
    EXPECT_EQ(error_of([&] { keep(name, "", ""); }).kind(), ErrorKind::usage) << name;
  }
}

TEST_F(Deciding, AfterAWaiverEndedIsRefused) {
  const GoldenImage image = waived_for_an_hour();
  ASSERT_EQ(to_string(image.state), "awaiting_approval") << image.state_reason;
  fixture_.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(decide_again(image), ErrorKind::conflict);
}

TEST_F(Deciding, WhileTheProgramIsNotThereDoesNotOutliveAWaiver) {
  const GoldenImage image = waived_for_an_hour();
  decide_now(image);
  fixture_.clock.advance(std::chrono::hours(2));
  const workflow::RunInfo run = product_.drive(image.run_id);
  EXPECT_EQ(run.error->kind(), ErrorKind::rejected);
  EXPECT_THAT(run.error->full_text(), HasSubstr("the gate has closed"));
  EXPECT_EQ(to_string(product_.image(image.run_id).state), "rejected");
}

TEST_F(Deciding, WhatWasRefusedIsInTheAuditLog) {
  const GoldenImage image = waiting();
  const Decision decision{.approver = image.requested_by, .approve = true};
  EXPECT_THROW(decide(*product_.engine, *product_.context, image, decision), Error);
  const std::vector<audit::Entry> entries = product_.audit->read(0, 100);
  const Json last = parse_json(entries.back().text, "entry");
  EXPECT_EQ(last["action"], "decision.refused");
  EXPECT_EQ(last["actor"], image.requested_by);
}

TEST_F(Deciding, WhoIsLoggedInDecidesWhereThePipelineSaysSo) {
  add_user(*product_.database, {.name = "bob", .public_key = SigningKey::generate().public_key()});
  const Decision by_ada{.approver = "ada",
                        .approve = true,
                        .proof = {{"kind", "session"}, {"id", "5e55"}, {"name", "ada"}}};
  auto decide_by_ada = [&](const GoldenImage& image) {
    decide(*product_.engine, *product_.context, image, by_ada);
  };
  const GoldenImage strict = waiting();
  EXPECT_EQ(error_of([&] { decide_by_ada(strict); }).kind(), ErrorKind::denied);

  pipeline_.version = "2";
  pipeline_.approval.proofs = {"key", "session"};
  const GoldenImage image = waiting();
  decide_by_ada(image);
  product_.drive(image.run_id);
  EXPECT_EQ(to_string(product_.image(image.run_id).state), "active");
  const Decision kept = list_decisions(*product_.database, image.run_id).at(0);
  EXPECT_EQ(kept.proof["kind"], "session");
  EXPECT_EQ(kept.proof["id"], "5e55");
  const std::vector<audit::Entry> entries = product_.audit->read(0, 100);
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const audit::Entry& entry) {
    return entry.text.find("decision.approve") != std::string::npos &&
           entry.text.find("5e55") != std::string::npos;
  }));
}

TEST_F(Deciding, WhatCountedGoesOnCountingWhenUsersCome) {
  pipeline_.approval.required = 2;
  GoldenImage image = waiting();
  product_.decide(image.run_id, true, "ada");
  product_.drive(image.run_id);
  const SigningKey key = SigningKey::generate();
  add_user(*product_.database, {.name = "bob", .public_key = key.public_key()});
  Decision second{.approver = "bob",
                  .approve = true,
                  .evidence_digest = image.evidence_digest,
                  .decided_at = to_rfc3339(fixture_.clock.now())};
  second.proof = key_proof(key, image, second);
  decide(*product_.engine, *product_.context, image, second);
  product_.drive(image.run_id);
  EXPECT_EQ(to_string(product_.image(image.run_id).state), "active");
}

TEST_F(Deciding, TheAuditLogHoldsTheWholeLife) {
  GoldenImage image = product_.golden(pipeline_);
  std::vector<std::string> actions;
  for (const audit::Entry& entry : product_.audit->read(0, 100)) {
    actions.push_back(parse_json(entry.text, "entry")["action"]);
  }
  EXPECT_THAT(actions, ElementsAre(audit::kStarted, "image.building", "image.awaiting_approval",
                                   "decision.approve", "image.active"));
  EXPECT_TRUE(
      audit::verify_log(*product_.audit, audit::first_key(product_.audit->directory())).intact());
}

TEST(Identity, SessionsOfARoleAreOnePerson) {
  const std::string role = "arn:aws:iam::111122223333:role/approvers";
  EXPECT_EQ(identity_of("arn:aws:sts::111122223333:assumed-role/approvers/a"), role);
  EXPECT_EQ(identity_of("arn:aws:sts::111122223333:assumed-role/approvers/b"), role);
  const std::string ada =
      "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Approver_0123456789abcdef/ada";
  EXPECT_EQ(identity_of(ada), ada) << "IAM Identity Center names the session after the person";
  EXPECT_EQ(identity_of("ada"), "ada");
}

}  // namespace
}  // namespace hallmark::pipeline
