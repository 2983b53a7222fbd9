/// What runs in a cloud, judged. Several tests are defects of the original pipelines that must not
/// come back.

#include "pipeline/compliance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cloud/hooks/hooked_cloud.h"
#include "pipeline/compliance_facts.h"
#include "pipeline/compliance_history.h"
#include "pipeline/compliance_last.h"
#include "pipeline/fixture.h"
#include "pipeline/names.h"
#include "pipeline/ownership.h"

namespace hallmark::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

const cloud::Place kChildEu{kChildAccount, "eu-west-1"};
constexpr Duration kDay{24 * 3600'000LL};

std::string launch(Fixture& fixture, const cloud::Place& place, const std::string& image_id,
                   const std::string& token, cloud::Tags tags = {}) {
  return fixture.product.cloud->launch_machine(
      place, {.image_id = image_id, .name = token, .tags = std::move(tags)}, token, {});
}

/// An active version that is at its targets.
GoldenImage golden(Fixture& fixture, const std::string& version) {
  // The newest is whose build began last.
  fixture.clock.advance(std::chrono::hours(1));
  model::Pipeline pipeline = sample_pipeline();
  pipeline.version = version;
  GoldenImage image = fixture.product.golden(pipeline);
  fixture.product.drive(
      start_distribute(*fixture.product.engine, *fixture.product.context, image, {}));
  return image;
}

/// Its id at the place.
std::string id_at(Fixture& fixture, const GoldenImage& image, const cloud::Place& place) {
  return find_target(*fixture.product.database, image.run_id, place).value().image_id;
}

ComplianceReport check(Fixture& fixture, const ComplianceRules& rules = {}) {
  return check_compliance(*fixture.product.context, known_places(*fixture.product.context), rules,
                          {});
}

/// Throws `not_found`.
ComplianceRow row(const ComplianceReport& report, const std::string& id) {
  for (const ComplianceRow& row : rows_of(report)) {
    if (row.resource->id == id) return row;
  }
  throw Error(ErrorKind::not_found, "there is no row of {}", id);
}

TEST(Compliance, TellsGoldenFromTheRest) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string good = launch(fixture, kChildWest, id_at(fixture, image, kChildWest), "golden",
                            {{"aws:autoscaling:groupName", "web"}});
  std::string raw = launch(fixture, kHome, image.source_image_id, "raw");
  const ComplianceReport report = check(fixture);
  EXPECT_FALSE(report.is_compliant());
  const std::vector<ComplianceRow> rows = rows_of(report);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].resource->id, raw) << "the worst first";
  EXPECT_EQ(rows[0].ruling.verdict, Verdict::non_compliant);
  EXPECT_THAT(*rows[0].ruling.reason, HasSubstr("not in /GoldenAMI/latest"));
  EXPECT_EQ(rows[0].resource->launched_by, "") << "nobody says";
  EXPECT_EQ(rows[1].resource->id, good);
  EXPECT_EQ(rows[1].ruling.verdict, Verdict::compliant);
  EXPECT_THAT(*rows[1].ruling.reason, HasSubstr("Web-1.0/Debian-12/1"));
  EXPECT_EQ(rows[1].resource->launched_by, "auto scaling group web");
  const Json json = report;
  EXPECT_EQ(json["compliant"], false);
  EXPECT_EQ(json["counts"]["non-compliant"], 1);
  EXPECT_EQ(json["accounts"][0]["account_id"], kHomeAccount) << "the worst first";
  EXPECT_EQ(json["machines"][1]["kind"], "machine");
  EXPECT_EQ(json["machines"][1]["compliant"], true);
  EXPECT_EQ(json["machines"][1]["image_key"], "Web-1.0/Debian-12/1");
  EXPECT_THAT(json["machines"][1]["launched_at"].get<std::string>(), StartsWith("2026-11-2"));
}

// Originals: "ami-1111" counted as golden because "ami-11111111" was.
TEST(Compliance, ComparesWholeIds) {
  Fixture fixture;
  std::string source = fixture.product.import_source();
  fixture.product.cloud->put_parameter(kHome, kLatestParameter, source + "0,x" + source, 0);
  std::string id = launch(fixture, kHome, source, "m");
  EXPECT_EQ(row(check(fixture), id).ruling.verdict, Verdict::non_compliant);
}

// Originals: a missing list was an exception instead of a verdict.
TEST(Compliance, WithoutAListNothingIsGolden) {
  Fixture fixture;
  std::string id = launch(fixture, kHome, fixture.product.import_source(), "m");
  const ComplianceReport report = check(fixture);
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::non_compliant);
  EXPECT_THAT(*row(report, id).ruling.reason, HasSubstr("there is no /GoldenAMI/latest"));
}

TEST(Compliance, AVersionIsSupersededWhenANewerOneIsActive) {
  Fixture fixture;
  GoldenImage first = golden(fixture, "1");
  std::string id = launch(fixture, kChildWest, id_at(fixture, first, kChildWest), "m");
  fixture.clock.advance(100 * kDay);
  EXPECT_EQ(row(check(fixture), id).ruling.verdict, Verdict::compliant);
  golden(fixture, "2");
  fixture.clock.advance(20 * kDay);
  golden(fixture, "3");
  fixture.clock.advance(9 * kDay);
  ComplianceReport report = check(fixture);
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::superseded);
  EXPECT_THAT(*row(report, id).ruling.reason, HasSubstr("by Web-1.0/Debian-12/3"));
  EXPECT_TRUE(report.is_compliant());
  fixture.clock.advance(2 * kDay);
  report = check(fixture);
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::non_compliant)
      << "30 days count from the first that was newer";
  EXPECT_EQ(row(check(fixture, {.exemptions = {}, .grace = 60 * kDay}), id).ruling.verdict,
            Verdict::superseded);
  model::Exemption exemption{
      .machine_id = id, .reason = "later", .by = "alice", .expires_at = fixture.clock.now() + kDay};
  report = check(fixture, {.exemptions = {exemption}});
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::exempt);
  EXPECT_TRUE(report.is_compliant());
  EXPECT_THAT(report.warnings, SizeIs(1));
}

// On its way out a version is in the list until its place is left.
TEST(Compliance, AVersionThatIsBeingRemovedIsSupersededToo) {
  Fixture fixture;
  GoldenImage first = golden(fixture, "1");
  golden(fixture, "2");
  std::string id = launch(fixture, kChildWest, id_at(fixture, first, kChildWest), "m");
  change_image(*fixture.product.context, first.run_id, {.state = GoldenState::decommissioning});
  EXPECT_EQ(row(check(fixture), id).ruling.verdict, Verdict::superseded);
  fixture.clock.advance(31 * kDay);
  EXPECT_EQ(row(check(fixture), id).ruling.verdict, Verdict::non_compliant);
}

/// An image that an account makes of its own machine.
std::string image_of(Fixture& fixture, const cloud::Place& place, const std::string& machine_id,
                     const std::string& name) {
  fixture.product.cloud->stop_machine(place, machine_id);
  return fixture.product.cloud->create_image(place, machine_id, {.name = name}, name, {});
}

TEST(Compliance, FollowsWhatAnImageWasMadeFrom) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string parent = launch(fixture, kChildWest, id_at(fixture, image, kChildWest), "parent");
  std::string made = image_of(fixture, kChildWest, parent, "child-of-golden");
  std::string child = launch(fixture, kChildWest, made, "child");
  std::string again = image_of(fixture, kChildWest, child, "grandchild-of-golden");
  std::string grandchild = launch(fixture, kChildWest, again, "grandchild");
  ComplianceReport report = check(fixture);
  EXPECT_EQ(row(report, grandchild).ruling.verdict, Verdict::non_compliant);
  EXPECT_THAT(*row(report, grandchild).ruling.reason, HasSubstr("made from Web-1.0/Debian-12/1"));
  const ComplianceRules accepting{.exemptions = {}, .accept_derived = true};
  report = check(fixture, accepting);
  EXPECT_EQ(row(report, child).ruling.verdict, Verdict::derived);
  EXPECT_EQ(row(report, grandchild).ruling.verdict, Verdict::derived);
  EXPECT_EQ(*row(report, grandchild).ruling.image_key, "Web-1.0/Debian-12/1");
  EXPECT_TRUE(report.is_compliant());
}

TEST(Compliance, IsNotLedAroundInCircles) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string first = fixture.product.import_source();
  std::string id = launch(fixture, kHome, first, "m");
  std::string second = image_of(fixture, kHome, id, "second");
  fixture.world->change_image(first, [&](cloud::Image& made) { made.source_image_id = second; });
  const ComplianceRules accepting{.exemptions = {}, .accept_derived = true};
  EXPECT_EQ(row(check(fixture, accepting), id).ruling.verdict, Verdict::non_compliant);
}

TEST(Compliance, AForgedTagHidesNothing) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string forged =
      launch(fixture, kHome, image.source_image_id, "forged", {{kRunTag, "run-x"}});
  std::string former =
      launch(fixture, kHome, image.source_image_id, "former", {{kRunTag, image.run_id}});
  const std::string open_run = "run-that-has-not-ended";
  std::string own = launch(fixture, kHome, image.source_image_id, "own", {{kRunTag, open_run}});
  workflow::Ledger& ledger = *fixture.product.ledger;
  ledger.plan({.entry_id = "entry", .run_id = open_run, .kind = kMachineKind});
  ledger.created("entry", own);
  const ComplianceReport report = check(fixture);
  EXPECT_EQ(row(report, forged).ruling.verdict, Verdict::non_compliant);
  EXPECT_EQ(row(report, former).ruling.verdict, Verdict::non_compliant);
  EXPECT_THROW(row(report, own), Error);
  EXPECT_THAT(rows_of(report), SizeIs(2));
  std::size_t left_out = 0;
  for (const PlaceReport& place : report.places) left_out += place.own_machines;
  EXPECT_EQ(left_out, 1u);
}

TEST(Compliance, JudgesTemplatesAndGroups) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  const std::string good = id_at(fixture, image, kChildWest);
  fixture.world->set_image_uses(
      kChildWest,
      {{.kind = "launch template", .id = "lt-1", .name = "web", .version = "2", .image_id = good},
       {.kind = "auto scaling group", .id = "web", .name = "web", .image_id = "ami-1"},
       {.kind = "launch template", .id = "lt-2", .name = "any", .version = "1"}});
  const ComplianceReport report = check(fixture);
  EXPECT_EQ(row(report, "lt-1").ruling.verdict, Verdict::compliant);
  EXPECT_EQ(row(report, "lt-1").resource->kind, "launch template");
  EXPECT_EQ(row(report, "web").ruling.verdict, Verdict::non_compliant);
  EXPECT_EQ(row(report, "web").resource->kind, "auto scaling group");
  EXPECT_THROW(row(report, "lt-2"), Error) << "it says nothing of an image";
  EXPECT_EQ(Json(row(report, "lt-1"))["version"], "2");
}

/// A cloud in which some calls are refused somewhere.
class Refusing : public cloud::CallHook {
 public:
  Refusing(cloud::Place place, std::string operation)
      : place_(std::move(place)), operation_(std::move(operation)) {}
  void around(const cloud::CallInfo& info, const std::function<void()>& call) override {
    if (info.place == place_ && (operation_.empty() || info.operation == operation_)) {
      throw Error(ErrorKind::denied, "{} may not be used here", info.operation);
    }
    call();
  }

 private:
  cloud::Place place_;
  std::string operation_;
};

ComplianceReport check_with(Fixture& fixture, std::shared_ptr<cloud::CallHook> hook) {
  cloud::HookedCloud cloud(fixture.product.cloud, {std::move(hook)});
  const Context& real = *fixture.product.context;
  Context context{.cloud = cloud,
                  .catalog = real.catalog,
                  .database = real.database,
                  .ledger = real.ledger,
                  .audit = real.audit,
                  .clock = real.clock,
                  .state_directory = real.state_directory,
                  .scanner = {}};
  return check_compliance(context, known_places(context), {}, {});
}

TEST(Compliance, APlaceThatRefusesKeepsNoOtherFromIt) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string id = launch(fixture, kChildWest, id_at(fixture, image, kChildWest), "m");
  ComplianceReport report = check_with(fixture, std::make_shared<Refusing>(kChildEu, ""));
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::compliant);
  EXPECT_FALSE(report.is_compliant()) << "nobody knows what runs there";
  int refused = 0;
  for (const PlaceReport& place : report.places) {
    if (place.facts.place != kChildEu) {
      EXPECT_THAT(place.problems, IsEmpty());
      continue;
    }
    ++refused;
    EXPECT_THAT(place.problems, SizeIs(3));
    EXPECT_THAT(place.problems[1], HasSubstr("machines: list_machines may not be used"));
  }
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(compliance_csv(report), HasSubstr("444455556666,eu-west-1,place,,,,,,,unknown,"));
}

TEST(Compliance, AListThatCannotBeReadMakesAllThereUnknown) {
  Fixture fixture;
  GoldenImage image = golden(fixture, "1");
  std::string id = launch(fixture, kChildWest, id_at(fixture, image, kChildWest), "m");
  ComplianceReport report =
      check_with(fixture, std::make_shared<Refusing>(kChildWest, "get_parameter"));
  EXPECT_EQ(row(report, id).ruling.verdict, Verdict::unknown);
  EXPECT_THAT(*row(report, id).ruling.reason, HasSubstr("could not be read"));
}

TEST(Compliance, StopsWhenItIsTold) {
  Fixture fixture;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(check_compliance(*fixture.product.context, {kHome}, {}, stop.get_token()), Error);
}

TEST(Compliance, CsvQuotesWhatHasToBe) {
  Fixture fixture;
  std::string name = "a \"good\", one\nof two";
  launch(fixture, kHome, fixture.product.import_source(), name);
  const std::string csv = compliance_csv(check(fixture));
  EXPECT_THAT(csv, StartsWith("account_id,region,kind,id,version,name,state,"));
  EXPECT_THAT(csv, HasSubstr(",\"a \"\"good\"\", one\nof two\","));
  EXPECT_THAT(csv, HasSubstr("\"there is no /GoldenAMI/latest here, so no image is golden\""));
  EXPECT_TRUE(csv.ends_with("\r\n"));
}

TEST(ComplianceTrend, KeepsTheLastCheckOfADay) {
  Fixture fixture;
  db::Database& database = *fixture.product.database;
  GoldenImage image = golden(fixture, "1");
  auto trend = [&](int days) { return compliance_trend(database, days, fixture.clock.now()); };
  EXPECT_THAT(trend(30), IsEmpty());
  std::string raw = launch(fixture, kHome, image.source_image_id, "raw");
  const ComplianceReport earlier = check(fixture);
  record_check(database, earlier);
  launch(fixture, kHome, image.image_id, "golden");
  fixture.clock.advance(Duration{60'000});
  record_check(database, check(fixture));
  record_check(database, earlier);
  ASSERT_THAT(trend(30), SizeIs(1));
  EXPECT_EQ(trend(30)[0].checked(), 2u) << "an older check says nothing any more";
  EXPECT_EQ(Json(trend(30)[0])["compliant_share"], 0.5);
  fixture.clock.advance(kDay);
  fixture.product.cloud->remove_machine(kHome, raw);
  record_check(database, check(fixture));
  ASSERT_THAT(trend(30), SizeIs(2));
  EXPECT_EQ(trend(30)[1].fine(), 1u);
  EXPECT_EQ(trend(30)[1].checked(), 1u);
  EXPECT_LT(trend(30)[0].day, trend(30)[1].day);
  EXPECT_THAT(trend(1), SizeIs(1));
}

TEST(ComplianceTrend, ForgetsWhatIsTooOld) {
  Fixture fixture;
  db::Database& database = *fixture.product.database;
  record_check(database, check(fixture));
  fixture.clock.advance(399 * kDay);
  record_check(database, check(fixture));
  EXPECT_THAT(compliance_trend(database, 400, fixture.clock.now()), SizeIs(2));
  fixture.clock.advance(kDay);
  record_check(database, check(fixture));
  EXPECT_THAT(compliance_trend(database, 1000, fixture.clock.now()), SizeIs(2));
}

TEST(ComplianceTrend, TellsOfPlacesThatCouldNotBeLookedAt) {
  Fixture fixture;
  golden(fixture, "1");
  record_check(*fixture.product.database,
               check_with(fixture, std::make_shared<Refusing>(kChildEu, "list_machines")));
  auto trend = compliance_trend(*fixture.product.database, 1, fixture.clock.now());
  ASSERT_THAT(trend, SizeIs(1));
  EXPECT_EQ(trend[0].places, 6u);
  EXPECT_EQ(trend[0].places_with_problems, 1u);
}

TEST(LastCompliance, IsWhatTheLastCheckOfEachPlaceSaid) {
  Fixture fixture;
  db::Database& database = *fixture.product.database;
  const auto all = [](const cloud::Place&) { return true; };
  EXPECT_EQ(last_compliance(database, all)["checked_at"], Json(nullptr));
  GoldenImage image = golden(fixture, "1");
  launch(fixture, kHome, image.image_id, "golden");
  launch(fixture, kHome, image.source_image_id, "raw");
  const ComplianceReport whole = check(fixture);
  record_check(database, whole);
  Json last = last_compliance(database, all);
  for (Json& place : last["places"]) EXPECT_EQ(place["checked_at"], last["checked_at"]);
  for (Json& place : last["places"]) place.erase("checked_at");
  EXPECT_EQ(last, Json(whole)) << "as the check itself told it";
  // A later look at one place alone changes what is known of that one.
  fixture.clock.advance(kDay);
  launch(fixture, kHome, image.source_image_id, "forgotten");
  record_check(database, check_compliance(*fixture.product.context, {kHome}, {}, {}));
  last = last_compliance(database, all);
  EXPECT_EQ(last["counts"]["non-compliant"], Json(whole)["counts"]["non-compliant"].get<int>() + 1);
  EXPECT_EQ(last["machines"].back()["name"], "golden") << "the worst first";
  EXPECT_EQ(last["places"].size(), Json(whole)["places"].size());
  const Json home =
      last_compliance(database, [](const cloud::Place& place) { return place == kHome; });
  EXPECT_EQ(home["machines"].size(), 3u);
  EXPECT_EQ(home["places"].size(), 1u);
  record_check(database, whole);
  EXPECT_EQ(last_compliance(database, all), last) << "an older check says nothing any more";
  record_check(database, check_compliance(*fixture.product.context, {kWest}, {}, {}));
  EXPECT_EQ(last_compliance(database, all)["machines"], last["machines"]) << "elsewhere it stays";
}

TEST(Compliance, AWatermarkShowsWhatAnImageWasMadeFromWhereTheWayBackIsLost) {
  Fixture fixture;
  const GoldenImage image = golden(fixture, "1");
  const Path disk = fixture.product.directory / "theirs.raw";
  write_file(disk, std::string(4096, 't'));
  const std::string theirs =
      fixture.product.cloud->import_image(kChildWest, disk, {.name = "theirs"}, "theirs", {});
  const std::string machine = launch(fixture, kChildWest, theirs, "machine");
  const ComplianceRules rules{.accept_derived = true};
  EXPECT_EQ(row(check(fixture, rules), machine).ruling.verdict, Verdict::non_compliant);
  const std::string mark = std::string(kHomeAccount) + ":" + image.image_key;
  const auto set_marks = [&](const std::vector<std::string>& marks) {
    fixture.world->change_image(theirs, [&](cloud::Image& each) { each.watermarks = marks; });
  };
  set_marks({mark});
  EXPECT_EQ(row(check(fixture, rules), machine).ruling.verdict, Verdict::derived);
  // Anybody can call a mark that; the account is the cloud's word.
  set_marks({std::string(kChildAccount) + ":" + image.image_key});
  EXPECT_EQ(row(check(fixture, rules), machine).ruling.verdict, Verdict::non_compliant);
}

}  // namespace
}  // namespace hallmark::pipeline
