/// evaluate.sh with an oscap that does as it is told.

#include "scan/openscap/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/text.h"
#include "scan/openscap/fixture.h"
#include "scan/openscap/gzip.h"

namespace hallmark::scan::openscap {
namespace {

using namespace std::chrono_literals;
using model::Completeness;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Script : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.content = testdata("sample-ds.xml");
    config_.profile = "stig";
  }
  std::unique_ptr<OutsideScanner> open() {
    return make_openscap_scanner(config_, machine_.commands(), clock_);
  }
  model::Assessment scan() {
    auto scanner = open();
    std::string id = scanner->launch(target_, {});
    KeepRaw keep = [this](const std::string& name, const std::string& type,
                          std::string_view bytes) {
      raw_[name] = bytes;
      return model::RawResult{name, type, bytes.size(), sha256_hex(bytes)};
    };
    return scanner->collect(target_, id, keep, {});
  }
  static std::string reasons(const model::Assessment& assessment) {
    return join(assessment.reasons, "\n");
  }
  /// The kind and the text of what is thrown.
  static std::pair<ErrorKind, std::string> thrown(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return {error.kind(), error.full_text()};
    }
    return {ErrorKind::internal, "nothing was thrown"};
  }

  LocalMachine machine_;
  ManualClock clock_{from_rfc3339("2026-11-22T10:00:00Z")};
  OpenscapConfig config_;
  ScanTarget target_{.title = "run-1", .machine_id = "i-0c0ffee0000000001"};
  std::map<std::string, std::string> raw_;
};

const std::string kResults = "cp '" + testdata("results.xml").string() + "' \"$results\"; ";

TEST_F(Script, HandsContentOverUnaltered) {
  config_.fetch_remote_resources = true;
  EXPECT_EQ(scan().completeness, Completeness::complete);
  EXPECT_EQ(machine_.seen("content"), read_file(testdata("sample-ds.xml")));
  EXPECT_THAT(machine_.seen("arguments"), HasSubstr("xccdf eval --profile stig"));
  EXPECT_THAT(machine_.seen("arguments"), HasSubstr("--fetch-remote-resources"));
}

TEST_F(Script, LeavesNothingBehind) {
  scan();
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

TEST_F(Script, ScrubsTheEnvironment) {
  machine_.environment = {{"OSCAP_PROBE_ROOT", "/mnt"},
                          {"OSCAP_PROBE_IGNORE_PATHS", "/etc"},
                          {"SOURCE_DATE_EPOCH", "0"},
                          {"LD_LIBRARY_PATH", "/nowhere"},
                          {"https_proxy", "http://proxy.example:3128"}};
  scan();
  std::string environment = machine_.seen("environment");
  EXPECT_THAT(environment, Not(HasSubstr("OSCAP_")));
  EXPECT_THAT(environment, Not(HasSubstr("SOURCE_DATE_EPOCH")));
  EXPECT_THAT(environment, Not(HasSubstr("/nowhere")));
  EXPECT_THAT(environment, HasSubstr("https_proxy=http://proxy.example:3128"));
}

TEST_F(Script, AProfileIsOneWord) {
  config_.content.clear();
  config_.content_path = testdata("sample-ds.xml").string();
  config_.profile = "it's $(touch " + (machine_.root() / "hit").string() + ") \"x\"";
  scan();
  EXPECT_FALSE(std::filesystem::exists(machine_.root() / "hit"));
  EXPECT_THAT(machine_.seen("arguments"), HasSubstr(config_.profile));
}

TEST_F(Script, WithoutOscapItFails) {
  machine_.hide_oscap();
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("has no oscap"));
  EXPECT_THAT(assessment.findings, IsEmpty());
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

TEST_F(Script, InstallsOscapIfToldTo) {
  machine_.hide_oscap();
  std::string bin = (machine_.root() / "bin").string();
  LocalMachine other;  // has the program that gets installed
  machine_.add_program(
      "apt-get", "#!/bin/sh\necho \"$*\" >>'" + bin + "/calls'\n" +
                     "case $* in *install*) ln -s oscap '" + bin + "/hidden-oscap'; cp '" +
                     (other.root() / "bin/oscap").string() + "' '" + bin + "/oscap' ;; esac\n");
  config_.install = true;
  EXPECT_EQ(scan().completeness, Completeness::complete);
  EXPECT_THAT(read_file(bin + "/calls"), HasSubstr("install openscap-scanner"));
}

TEST_F(Script, SaysWhyOscapCouldNotBeInstalled) {
  machine_.hide_oscap();
  machine_.add_program("apt-get", "#!/bin/sh\necho 'E: no route to the archive' >&2\nexit 100\n");
  config_.install = true;
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("no route to the archive"));
}

TEST_F(Script, ContentThatIsNotInTheMachineFails) {
  config_.content.clear();
  config_.content_path = "/no/such/ds.xml";
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("/no/such/ds.xml"));
}

TEST_F(Script, ExitOneIsAFailure) {
  machine_.set_oscap("echo 'OpenSCAP Error: Unable to parse XML' >&2; exit 1");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("Unable to parse XML"));
  // Nor does it become one that holds by results that were left.
  target_.title = "run-2";
  machine_.set_oscap(kResults + "exit 1");
  EXPECT_EQ(scan().completeness, Completeness::failed);
}

TEST_F(Script, AKilledOscapIsAFailure) {
  machine_.set_oscap(kResults + "kill -KILL $$");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("signal 9"));
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

TEST_F(Script, ErrorsOfItsOwnLowerTheVerdict) {
  machine_.set_oscap(kResults + "echo 'E: oscap:     dpkginfo_init has failed.' >&2; exit 2");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::inconclusive);
  EXPECT_THAT(reasons(assessment), HasSubstr("dpkginfo_init has failed."));
  EXPECT_EQ(assessment.findings.size(), 1u) << "what it saw is shown all the same";

  target_.title = "run-2";
  machine_.set_oscap(kResults + "echo 'E: oscap: Cannot read /proc/1/x' >&2; exit 2");
  EXPECT_EQ(scan().completeness, Completeness::partial);

  target_.title = "run-3";
  machine_.set_oscap(kResults + "echo 'W: oscap: nothing much' >&2; exit 2");
  EXPECT_EQ(scan().completeness, Completeness::complete);
}

TEST_F(Script, AnErrorCountsBeforeEndlessMessagesToo) {
  machine_.set_oscap(kResults +
                     "echo 'E: oscap: dpkginfo_init has failed.' >&2; "
                     "yes 'W: oscap: much' | head -n 100000 >&2; exit 2");
  EXPECT_EQ(scan().completeness, Completeness::inconclusive);
  EXPECT_LT(raw_["openscap/messages.txt"].size(), 300'000u);
}

TEST_F(Script, RemotePartsThatWereNotFetchedAreMissedByRulesOnly) {
  const std::string warn =
      "echo \"WARNING: Datastream component 'x' points out to the remote 'https://a'. Use "
      "'--fetch-remote-resources' option\"; ";
  machine_.set_oscap(kResults + warn + "exit 2");
  EXPECT_EQ(scan().completeness, Completeness::complete);
  target_.title = "run-2";
  machine_.set_oscap(kResults + warn +
                     "sed -i 's/>notapplicable</>notchecked</' \"$results\"; exit 2");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::partial);
  EXPECT_THAT(reasons(assessment), HasSubstr("fetch_remote_resources"));
}

TEST_F(Script, AHugeArfIsLeftOutAndSaidSo) {
  config_.limits.output_bytes = 100'000;
  machine_.set_oscap(kResults + "head -c 300000 /dev/urandom >\"$arf\"; exit 2");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::complete) << reasons(assessment);
  EXPECT_THAT(assessment.native_state, HasSubstr("arf.xml, 300000 bytes"));
  EXPECT_FALSE(raw_.contains("openscap/arf.xml.gz"));
}

TEST_F(Script, ResultsThatDoNotFitFail) {
  config_.limits.output_bytes = 1'000;
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("do not fit"));
}

TEST_F(Script, CutOffOutputFails) {
  machine_.output_limit = 2'000;
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("cut off"));
  EXPECT_THAT(assessment.findings, IsEmpty());
  EXPECT_TRUE(raw_.contains("openscap/output.txt"));
}

TEST_F(Script, TakesItsTemporaryFilesAlongWhenItsTimeIsUp) {
  config_.limits.time_limit = 300ms;
  machine_.set_oscap("sleep 60");
  model::Assessment assessment = scan();
  EXPECT_EQ(assessment.completeness, Completeness::failed);
  EXPECT_THAT(reasons(assessment), HasSubstr("time limit"));
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

TEST_F(Script, TakesItsTemporaryFilesAlongWhenNobodyReadsIt) {
  machine_.set_oscap(kResults + "exit 2");
  Path file = machine_.root() / "unread";
  write_file(file, make_script(config_, target_));
  run_process({.argv = {"/bin/sh", "-c", "/bin/sh " + file.string() + " | head -n 4"},
               .environment = {{"PATH", (machine_.root() / "bin").string() + ":/usr/bin:/bin"},
                               {"TMPDIR", (machine_.root() / "tmp").string()}}});
  EXPECT_THAT(machine_.leftovers(), IsEmpty());
}

TEST_F(Script, NoiseOfTheMachineIsNoResult) {
  // What oscap's children say, and even lines that look like ours, do not get between ours.
  machine_.set_oscap(kResults + "echo 'hallmark-openscap-0 problem x'; echo noise >&2; exit 2");
  EXPECT_EQ(scan().completeness, Completeness::complete);
}

TEST_F(Script, IsTheSameForTheSameTitle) {
  EXPECT_EQ(make_script(config_, target_), make_script(config_, target_));
  ScanTarget other = target_;
  other.title = "run-2";
  EXPECT_NE(mark_of(target_), mark_of(other));
}

TEST_F(Script, ContentThatIsTooLargeIsRefused) {
  config_.limits.content_bytes = 500;
  auto [kind, text] = thrown([&] { open()->check({}); });
  EXPECT_EQ(kind, ErrorKind::usage);
  EXPECT_THAT(text, HasSubstr("content_path"));
  EXPECT_EQ(thrown([&] { open()->launch(target_, {}); }).first, ErrorKind::usage);
  EXPECT_EQ(machine_.starts, 0);
}

TEST_F(Script, AProfileThatTheContentHasNotIsRefused) {
  config_.profile = "cis";
  auto [kind, text] = thrown([&] { open()->check({}); });
  EXPECT_EQ(kind, ErrorKind::usage);
  EXPECT_THAT(text, HasSubstr("xccdf_org.example_profile_stig"));
}

TEST_F(Script, ContentThatIsNoneIsRefused) {
  config_.content = testdata("no-such-file.xml");
  EXPECT_EQ(thrown([&] { open()->check({}); }).first, ErrorKind::usage);
  config_.content = machine_.root() / "bin/oscap";
  EXPECT_EQ(thrown([&] { open()->check({}); }).first, ErrorKind::usage);
  config_.content = testdata("sample-ds.xml");
  config_.tailoring = testdata("sample-ds.xml");
  EXPECT_THAT(thrown([&] { open()->check({}); }).second, HasSubstr("not a tailoring"));
}

TEST_F(Script, RefusesWhatCannotWork) {
  auto refused = [&](const std::function<void(OpenscapConfig&)>& change) {
    OpenscapConfig config = config_;
    change(config);
    return thrown([&] { make_openscap_scanner(config, machine_.commands(), clock_); }).first;
  };
  EXPECT_EQ(refused([](auto& c) { c.content_path = "/a"; }), ErrorKind::usage) << "two contents";
  EXPECT_EQ(refused([](auto& c) { c.content.clear(); }), ErrorKind::usage) << "no content";
  EXPECT_EQ(refused([](auto& c) { c.profile = "--fetch-remote-resources"; }), ErrorKind::usage);
  EXPECT_EQ(refused([](auto& c) { c.name = "a/../b"; }), ErrorKind::usage);
  EXPECT_EQ(refused([](auto& c) { c.name = ""; }), ErrorKind::usage);
  EXPECT_EQ(refused([](auto& c) { c.min_evaluated = 0; }), ErrorKind::usage);
  EXPECT_EQ(refused([](auto& c) { c.limits.time_limit = 0s; }), ErrorKind::usage);
  EXPECT_EQ(refused([](auto& c) {
              c.content.clear();
              c.content_path = "here.xml";
            }),
            ErrorKind::usage);
}

}  // namespace
}  // namespace hallmark::scan::openscap
