#include "evidence/bundle.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/ids.h"
#include "base/text.h"
#include "evidence/dsse.h"
#include "evidence/fixture.h"

namespace hallmark::evidence {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class Bundle : public testing::Test {
 protected:
  Bundle() { write(small_subject()); }

  void write(const Subject& subject) {
    std::vector<File> files = documents(subject, key_);
    files.push_back({"raw/qualys/scan.json", "{\"host\":1}\n"});
    write_bundle(directory_, subject, files, key_);
  }
  std::vector<Problem> problems() { return verify_bundle(directory_, key_.public_key()).problems; }
  static auto is(const std::string& file, const std::string& what) {
    return AllOf(Field("file", &Problem::file, file),
                 Field("what", &Problem::what, HasSubstr(what)));
  }
  /// The manifest with a change, signed by `key`.
  void forge(const std::function<void(Json&)>& change, const SigningKey& key) {
    Json manifest = parse_json(read_file(directory_ / kManifest), kManifest);
    change(manifest);
    write_file(directory_ / kManifest, pretty(manifest));
    write_file(directory_ / kSignedManifest, seal(kManifestType, pretty(manifest), key));
  }

  SigningKey key_ = SigningKey::generate();
  TempDir parent_;
  Path directory_ = parent_.path() / "bundle";
};

TEST_F(Bundle, ProvesItself) {
  const Verified verified = verify_bundle(directory_, key_.public_key());
  EXPECT_THAT(verified.problems, IsEmpty());
  EXPECT_EQ(verified.image_id, "ami-0123456789abcdef0");
  EXPECT_EQ(verified.image_key, "web/debian-12/1.4.0");
  EXPECT_EQ(verified.evidence_digest, std::string(64, 'f'));
  // Four documents, the page, provenance, one complete scanner's findings, approval, the raw file.
  EXPECT_EQ(verified.file_count, 9u);
}

TEST_F(Bundle, NoticesAMissingFile) {
  hallmark::remove_all(directory_ / "sbom.cdx.json");
  EXPECT_THAT(problems(), ElementsAre(is("sbom.cdx.json", "missing")));
}

TEST_F(Bundle, NoticesAnExtraFile) {
  write_file(directory_ / "raw/extra", "");
  EXPECT_THAT(problems(), ElementsAre(is("raw/extra", "does not list")));
}

TEST_F(Bundle, NoticesAChangedFileOfTheSameSize) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
    if (!entry.is_regular_file()) continue;
    const std::string before = read_file(entry.path());
    std::string after = before;
    after[after.size() / 2] = static_cast<char>(after[after.size() / 2] ^ 1);
    write_file(entry.path(), after);
    EXPECT_EQ(problems().size(), 1u) << entry.path();
    write_file(entry.path(), before);
  }
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Bundle, NoticesACutFile) {
  write_file(directory_ / "findings.sarif", "");
  EXPECT_THAT(problems(), ElementsAre(is("findings.sarif", "another size")));
}

TEST_F(Bundle, NoticesTwoFilesThatChangedNames) {
  std::filesystem::rename(directory_ / "sbom.cdx.json", directory_ / "t");
  std::filesystem::rename(directory_ / "sbom.spdx.json", directory_ / "sbom.cdx.json");
  std::filesystem::rename(directory_ / "t", directory_ / "sbom.spdx.json");
  EXPECT_EQ(problems().size(), 2u);
}

TEST_F(Bundle, NoticesALinkInPlaceOfAFile) {
  std::filesystem::rename(directory_ / "sbom.cdx.json", parent_.path() / "elsewhere");
  std::filesystem::create_symlink(parent_.path() / "elsewhere", directory_ / "sbom.cdx.json");
  EXPECT_THAT(problems(), ElementsAre(is("sbom.cdx.json", "no ordinary file")));
}

/// A directory so deep that no path leads to its end; even root cannot look into it.
void make_deep(const Path& directory) {
  const std::string name(200, 'd');
  FileDescriptor at(::open(directory.c_str(), O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 30; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
    at = FileDescriptor(::openat(at.get(), name.c_str(), O_DIRECTORY | O_CLOEXEC));
  }
}

TEST_F(Bundle, WhatCannotBeReadIsAProblemOfMany) {
  const Path deep = directory_ / "raw" / "deep";
  make_directories(deep);
  make_deep(deep);
  hallmark::remove_all(directory_ / "sbom.cdx.json");
  const std::vector<Problem> found = problems();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].file, HasSubstr("raw/deep/"));
  EXPECT_THAT(found[0].what, HasSubstr("cannot be read"));
  EXPECT_THAT(found[1], is("sbom.cdx.json", "missing"));
}

TEST_F(Bundle, SaysWhoseItSaysToBe) {
  EXPECT_EQ(signer(directory_), key_.public_key().id());
  write_file(directory_ / kSignedManifest, "{\"signatures\": 3}");
  EXPECT_EQ(signer(directory_), "");
  hallmark::remove_all(directory_ / kSignedManifest);
  EXPECT_EQ(signer(directory_), "");
  ASSERT_EQ(::mkfifo((directory_ / kSignedManifest).c_str(), 0600), 0);
  EXPECT_EQ(signer(directory_), "") << "and does not wait";
}

TEST_F(Bundle, NoticesAManifestThatFollowsTheChange) {
  write_file(directory_ / "findings.sarif", "{}");
  Json manifest = parse_json(read_file(directory_ / kManifest), kManifest);
  for (Json& file : manifest["files"]) {
    if (file["name"] == "findings.sarif") {
      file["sha256"] = sha256_hex("{}");
      file["size_bytes"] = 2;
    }
  }
  write_file(directory_ / kManifest, pretty(manifest));
  EXPECT_THAT(problems(), ElementsAre(is(kManifest, "not the manifest that was signed")));
}

TEST_F(Bundle, AnEnvelopeWithoutEndIsAProblem) {
  const int depth = 300'000;
  write_file(directory_ / kSignedManifest,
             "{\"signatures\": " + std::string(depth, '[') + std::string(depth, ']') + "}");
  EXPECT_EQ(signer(directory_), "");
  EXPECT_THAT(problems(), ElementsAre(is(kSignedManifest, "nested")));
}

TEST_F(Bundle, NoticesAnothersSignature) {
  forge([](Json&) {}, SigningKey::generate());
  EXPECT_THAT(problems(), ElementsAre(is(kSignedManifest, "is signed by the key")));
}

TEST_F(Bundle, NoticesAManifestWithoutSignature) {
  hallmark::remove_all(directory_ / kSignedManifest);
  EXPECT_THAT(problems(), ElementsAre(is(kSignedManifest, "missing")));
}

TEST_F(Bundle, NoticesAStatementSignedByAnother) {
  const std::string name = "provenance.intoto.dsse.json";
  const std::string forged = seal(kInTotoType, "{}", SigningKey::generate());
  write_file(directory_ / name, forged);
  forge(
      [&](Json& manifest) {
        for (Json& file : manifest["files"]) {
          if (file["name"] != name) continue;
          file["sha256"] = sha256_hex(forged);
          file["size_bytes"] = forged.size();
        }
      },
      key_);
  EXPECT_THAT(problems(), ElementsAre(is(name, "is signed by the key")));
}

TEST_F(Bundle, NoticesAStatementOnAnotherImage) {
  forge([](Json& manifest) { manifest["disk_sha256"] = std::string(64, '0'); }, key_);
  EXPECT_EQ(problems().size(), 3u);
  EXPECT_THAT(problems().front().what, HasSubstr("another image"));
}

TEST_F(Bundle, NeverReadsWhatAManifestNamesElsewhere) {
  write_file(parent_.path() / "secret", "x");
  for (const char* name : {"../secret", "/etc/passwd", "raw/../../secret", "", ".", "raw//x"}) {
    forge([&](Json& manifest) { manifest["files"][0]["name"] = name; }, key_);
    EXPECT_THAT(problems(), testing::Contains(is(name, "leads out")));
  }
}

TEST_F(Bundle, NoticesAManifestOfAnotherShape) {
  for (const auto& change : std::vector<std::function<void(Json&)>>{
           [](Json& m) { m["format"] = "hallmark-evidence-v2"; }, [](Json& m) { m.erase("files"); },
           [](Json& m) { m["files"] = 3; }, [](Json& m) { m = nullptr; },
           [](Json& m) { m["files"].push_back(m["files"][0]); },
           [](Json& m) { m["files"][0].erase("sha256"); }}) {
    const std::string before = read_file(directory_ / kManifest);
    forge(change, key_);
    EXPECT_FALSE(problems().empty());
    forge([&](Json& m) { m = parse_json(before, ""); }, key_);
  }
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Bundle, IsWrittenOnlyIntoAnEmptyDirectory) { EXPECT_THROW(write(small_subject()), Error); }

TEST_F(Bundle, RefusesNamesThatLeaveTheDirectory) {
  for (const char* name : {"../x", "/x", "a/../x", "", "manifest.json", "manifest.dsse.json"}) {
    EXPECT_THROW(write_bundle(parent_.path() / "other", small_subject(), {{name, ""}}, key_), Error)
        << name;
  }
  EXPECT_THROW(
      write_bundle(parent_.path() / "other", small_subject(), {{"x", ""}, {"x", ""}}, key_), Error);
}

TEST_F(Bundle, NeedsADirectory) {
  EXPECT_THROW(verify_bundle(parent_.path() / "none", key_.public_key()), Error);
}

TEST_F(Bundle, HoldsAHostileSubject) {
  directory_ = parent_.path() / "hostile";
  write(hostile_subject());
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Bundle, HasNoStatementsWithoutADigestOfTheDisk) {
  Subject subject = small_subject();
  subject.disk_sha256.clear();
  EXPECT_EQ(documents(subject, key_).size(), 5u);
}

}  // namespace
}  // namespace hallmark::evidence
