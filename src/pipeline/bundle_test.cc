#include "pipeline/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/testing.h"
#include "disk/digest.h"
#include "pipeline/evidence.h"
#include "pipeline/fixture.h"
#include "pipeline/subject.h"

namespace hallmark::pipeline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ImageBundle : public testing::Test {
 protected:
  int pending_updates_ = 0;
  Fixture fixture_{
      {.assess = [this](const model::Inventory&) { return assessment_with(pending_updates_); }}};
  Product& product_ = fixture_.product;
  const Context& context_ = *product_.context;
  model::Pipeline pipeline_ = sample_pipeline();
  Path directory_ = fixture_.directory.path() / "bundle";

  /// Waiting for approval, with the disk's digest and a scanner's raw result in its evidence.
  GoldenImage waiting() {
    fixture_.clock.advance(std::chrono::minutes(1));
    const std::string run_id = product_.build(pipeline_).run_id;
    GoldenImage image = product_.image(run_id);
    if (image.state != GoldenState::awaiting_approval) return image;
    Evidence evidence = read_evidence(context_, image).evidence;
    auto disk = context_.cloud.open_image(image.home, image.image_id);
    evidence.disk_sha256 = disk::disk_sha256(*disk, {});
    evidence.assessments.front().raw = {
        keep_raw(context_, run_id)("fake/scan.json", "application/json", "{\"host\": 1}")};
    change_image(context_, run_id,
                 {.evidence_digest = write_evidence(context_, run_id, pipeline_, evidence)});
    return product_.image(run_id);
  }

  GoldenImage approved() {
    const GoldenImage image = waiting();
    // The workflow waits for a decision on what it assessed, so the record is closed by hand.
    record_decision(context_, image.run_id,
                    {.approver = "ada",
                     .approve = true,
                     .comment = "fine",
                     .evidence_digest = image.evidence_digest,
                     .decided_at = to_rfc3339(fixture_.clock.now())});
    change_image(context_, image.run_id, {.state = GoldenState::active});
    return product_.image(image.run_id);
  }

  Path logs(const GoldenImage& image) const {
    return product_.engine->log_path(image.run_id, "any").parent_path();
  }
  BundleWritten write(const GoldenImage& image) {
    return write_image_bundle(context_, image, directory_, logs(image));
  }
  evidence::Verified verify() const {
    return evidence::verify_bundle(directory_, installation_key(context_).public_key());
  }
};

TEST_F(ImageBundle, HoldsWhatADecisionRestsOnAndProvesItself) {
  const GoldenImage image = approved();
  const BundleWritten written = write(image);
  for (const char* name : {"sbom.cdx.json", "sbom.spdx.json", "findings.sarif", "report.html",
                           "provenance.intoto.dsse.json", "vulnerabilities-1-fake.intoto.dsse.json",
                           "approval.intoto.dsse.json", "record/evidence.json",
                           "record/assessments.json", "record/gate.json", "record/report.html",
                           "record/raw/fake/scan.json", "decisions.json", "audit.jsonl"}) {
    EXPECT_THAT(written.files, Contains(name));
  }
  EXPECT_THAT(written.files, Contains(testing::StartsWith("logs/")));
  const evidence::Verified verified = verify();
  EXPECT_THAT(verified.problems, IsEmpty());
  EXPECT_EQ(verified.evidence_digest, image.evidence_digest);
  EXPECT_EQ(verified.image_id, image.image_id);
  EXPECT_EQ(verified.file_count, written.files.size());

  // Anybody can count the evidence digest from the record that came with it.
  const Json kept = parse_json(read_file(directory_ / "record/evidence.json"), "");
  EXPECT_EQ(sha256_hex(compact(kept["reviewed"])), image.evidence_digest);
  EXPECT_EQ(kept["reviewed"]["disk_sha256"], verified.disk_sha256);
  const Json decisions = parse_json(read_file(directory_ / "decisions.json"), "");
  EXPECT_THAT(decisions[0]["statement"], HasSubstr(image.evidence_digest));
  const std::string audit = read_file(directory_ / "audit.jsonl");
  EXPECT_THAT(audit, HasSubstr("image.awaiting_approval"));
  EXPECT_THAT(audit, HasSubstr("decision.approve"));
  EXPECT_THAT(read_file(directory_ / "report.html"), HasSubstr("fine"));
}

TEST_F(ImageBundle, EachFileThatIsTamperedWithIsFound) {
  const BundleWritten written = write(approved());
  std::vector<std::string> names = written.files;
  names.insert(names.end(), {evidence::kManifest, evidence::kSignedManifest});
  for (const std::string& name : names) {
    const std::string before = read_file(directory_ / name);
    write_file(directory_ / name, before + "x");
    EXPECT_THAT(verify().problems, SizeIs(1)) << name;
    hallmark::remove_all(directory_ / name);
    EXPECT_THAT(verify().problems, Not(IsEmpty())) << name;
    write_file(directory_ / name, before);
  }
  EXPECT_THAT(verify().problems, IsEmpty());
}

TEST_F(ImageBundle, TheSameRecordGivesTheSameBytes) {
  const GoldenImage image = approved();
  write(image);
  fixture_.clock.advance(std::chrono::hours(5));
  note_look(context_, image, "eve", "image report");
  const Path again = fixture_.directory.path() / "again";
  write_image_bundle(context_, image, again, logs(image));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
    if (!entry.is_regular_file()) continue;
    const Path name = entry.path().lexically_relative(directory_);
    EXPECT_EQ(read_file(entry.path()), read_file(again / name)) << name;
  }
}

TEST_F(ImageBundle, AlteredEvidenceGivesNone) {
  const GoldenImage image = approved();
  write_file(evidence_directory(context_, image.run_id) / "report.html", "all is well");
  EXPECT_EQ(error_of([&] { write(image); }).kind(), ErrorKind::corrupt);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(ImageBundle, AgreesWithTheRecordAndTheCloud) {
  const GoldenImage image = approved();
  write(image);
  const evidence::Verified bundle = verify();
  auto problems = [&](const evidence::Verified& told) {
    std::string text;
    for (const auto& problem : compare_with_record(context_, image, told, {})) {
      text += problem.what + "\n";
    }
    return text;
  };
  EXPECT_EQ(problems(bundle), "");
  evidence::Verified other = bundle;
  other.disk_sha256 = std::string(64, '0');
  EXPECT_THAT(problems(other), HasSubstr("it is another disk"));
  other = bundle;
  other.disk_sha256.clear();
  EXPECT_THAT(problems(other), HasSubstr("nothing in the bundle says which disk"));
  other = bundle;
  other.evidence_digest = "abc";
  EXPECT_THAT(problems(other), HasSubstr("its evidence digest is abc"));
  EXPECT_THAT(problems(other), HasSubstr("the audit log does not know"));
  GoldenImage forged = image;
  forged.evidence_digest = other.evidence_digest;
  note_look(context_, forged, "mallory", "image report");
  EXPECT_THAT(problems(other), HasSubstr("the audit log does not know")) << "a look proves nothing";
  other = bundle;
  other.image_id = "ami-other";
  other.image_key = "a/b/c";
  EXPECT_THAT(problems(other), HasSubstr("its image id is ami-other"));
  EXPECT_THAT(problems(other), HasSubstr("its image is a/b/c"));
  write_file(evidence_directory(context_, image.run_id) / "gate.json", "{}");
  EXPECT_THAT(problems(bundle), HasSubstr("the evidence kept here"));
}

TEST_F(ImageBundle, WithoutItsDiskInTheCloudIsAProblemUntilDecommissioned) {
  GoldenImage image = approved();
  write(image);
  context_.cloud.remove_image(image.home, image.image_id);
  EXPECT_THAT(compare_with_record(context_, image, verify(), {}),
              ElementsAre(Field(&evidence::Problem::what, HasSubstr("cannot be read"))));
  image.state = GoldenState::decommissioned;
  EXPECT_THAT(compare_with_record(context_, image, verify(), {}), IsEmpty());
}

TEST_F(ImageBundle, KeysOfTheInstallationAreThoseOfItsLog) {
  const GoldenImage image = approved();
  const PublicKey first = installation_key(context_).public_key();
  EXPECT_EQ(installation_keys(context_), std::vector{first});
  const PublicKey second = context_.audit.rotate_key("ada");
  EXPECT_EQ(installation_keys(context_), (std::vector{first, second}));
  note_look(context_, image, "ada", "image evidence");
  EXPECT_TRUE(installation_key(context_).public_key() == second);
  context_.database.transaction([](db::Connection& connection) {
    connection.execute("update audit_log set entry = replace(entry, 'Web', 'Wob')", {});
  });
  EXPECT_EQ(error_of([&] { installation_keys(context_); }).kind(), ErrorKind::corrupt);
}

TEST_F(ImageBundle, LooksAreNoted) {
  const GoldenImage image = waiting();
  note_look(context_, image, "eve", "image report");
  note_look(context_, image, "eve", "image report");
  const std::vector<audit::Entry> entries = context_.audit.read(0, 100);
  const Json last = parse_json(entries.back().text, "");
  EXPECT_EQ(last["actor"], "eve");
  EXPECT_EQ(last["action"], "evidence.read");
  EXPECT_EQ(last["subject"], image.image_key);
  EXPECT_EQ(last["detail"]["by"], "image report");
  EXPECT_EQ(parse_json(entries[entries.size() - 2].text, "")["action"], "evidence.read");
}

using ImageSubject = ImageBundle;

TEST_F(ImageSubject, ComparesWithTheVersionBeforeAsItWasThen) {
  pipeline_.gate.max_pending_updates = std::nullopt;
  pending_updates_ = 1;
  const GoldenImage first = approved();
  EXPECT_FALSE(make_subject(context_, first).previous);
  pipeline_.version = "2";
  pending_updates_ = 2;
  const GoldenImage second = approved();
  pipeline_.version = "3";
  pending_updates_ = 0;
  const GoldenImage third = waiting();

  const evidence::Subject subject = make_subject(context_, second);
  ASSERT_TRUE(subject.previous);
  EXPECT_EQ(subject.previous->image_key, "Web-1.0/Debian-12/1");
  EXPECT_THAT(subject.previous->findings, SizeIs(1));
  EXPECT_THAT(subject.findings, SizeIs(2));
  EXPECT_EQ(make_subject(context_, third).previous->image_key, second.image_key);
  EXPECT_THAT(read_file(evidence_directory(context_, third.run_id) / "report.txt"),
              HasSubstr("Change since Web-1.0/Debian-12/2: 2 gone, 0 new, 0 unchanged"));

  const Path file = evidence_directory(context_, first.run_id) / "assessments.json";
  const std::string text = read_file(file);
  write_file(file, "[]");
  const evidence::Subject alone = make_subject(context_, second);
  EXPECT_FALSE(alone.previous) << "what was altered is not compared with";
  EXPECT_THAT(alone.rules.warnings, testing::Contains(HasSubstr("not compared with Web-1.0")));
  write_file(file, text);
  hallmark::remove_all(evidence_directory(context_, first.run_id));
  EXPECT_FALSE(make_subject(context_, second).previous) << "gone: nothing is said of it";
}

TEST_F(ImageSubject, ADamagedVersionBeforeStopsNoBuild) {
  const GoldenImage first = approved();
  write_file(evidence_directory(context_, first.run_id) / "assessments.json", "[]");
  pipeline_.version = "2";
  const GoldenImage second = waiting();
  EXPECT_EQ(second.state, GoldenState::awaiting_approval);
  EXPECT_FALSE(make_subject(context_, second).previous);
}

TEST_F(ImageSubject, OtherProductsAndVersionsNeverApprovedAreNotBefore) {
  pipeline_.product = "Other-1.0";
  approved();
  pipeline_.product = "Web-1.0";
  waiting();
  pipeline_.version = "2";
  EXPECT_FALSE(make_subject(context_, waiting()).previous);
}

TEST_F(ImageSubject, SaysWhoWaivedWhatUntilWhen) {
  pipeline_.gate.findings = {{model::Severity::unknown, {model::Judgement::fail, {}}}};
  pipeline_.gate.max_pending_updates = std::nullopt;
  const TimePoint end = fixture_.clock.now() + std::chrono::hours(48);
  pipeline_.gate.waivers = {{.finding = "fake:suite:package0",
                             .reason = "over by then",
                             .by = "mallory",
                             .expires_at = fixture_.clock.now() - std::chrono::hours(1)},
                            {.finding = "fake:suite:package0",
                             .reason = "not reachable",
                             .by = "bob",
                             .expires_at = end,
                             .justification = "vulnerable_code_not_in_execute_path"}};
  pending_updates_ = 1;
  const GoldenImage image = waiting();
  ASSERT_EQ(image.state, GoldenState::awaiting_approval) << image.state_reason;
  const evidence::Subject subject = make_subject(context_, image);
  ASSERT_THAT(subject.verdicts, SizeIs(1));
  ASSERT_TRUE(subject.verdicts[0].waived);
  EXPECT_EQ(subject.verdicts[0].waived->by, "bob");
  EXPECT_EQ(subject.verdicts[0].waived->expires_at, to_rfc3339(end));
  EXPECT_EQ(subject.verdicts[0].waived->justification, "vulnerable_code_not_in_execute_path");
  EXPECT_FALSE(subject.approved);
}

TEST_F(ImageSubject, OfAnImageThatTheGateRejectedIsRejected) {
  pending_updates_ = 1;
  const GoldenImage image = waiting();
  ASSERT_EQ(image.state, GoldenState::rejected);
  const evidence::Subject subject = make_subject(context_, image);
  EXPECT_EQ(subject.approved, false);
  EXPECT_THAT(subject.rules.failures, Contains(HasSubstr("pending security updates: 1")));
  EXPECT_THAT(subject.decisions, IsEmpty());
  ASSERT_TRUE(subject.source);
  EXPECT_THAT(subject.source->findings, SizeIs(1));
}

}  // namespace
}  // namespace hallmark::pipeline
