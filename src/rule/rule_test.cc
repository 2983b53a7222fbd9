#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rule/evaluation.h"
#include "rule/golden_list.h"

namespace hallmark::rule {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kGolden = "ami-0123456789abcdef0";
const std::string kAt = "2026-11-23T14:00:00.000Z";

Json item_json(const std::string& image_id = kGolden) {
  return {{"resourceType", kMachineType},
          {"resourceId", "i-0123456789abcdef0"},
          {"configurationItemStatus", "OK"},
          {"configurationItemCaptureTime", kAt},
          {"configuration", {{"imageId", image_id}, {"state", {{"name", "running"}}}}}};
}

Json event_json(const Json& invoking) {
  return {{"version", "1.0"},
          {"invokingEvent", compact(invoking)},
          {"ruleParameters", R"({"parameterName": "/GoldenAMI/latest"})"},
          {"resultToken", "token"},
          {"eventLeftScope", false}};
}

const std::string kSentAt = "2026-11-23T15:30:00.000Z";

Json change_json(const Json& item) {
  return event_json({{"messageType", "ConfigurationItemChangeNotification"},
                     {"notificationCreationTime", kSentAt},
                     {"configurationItem", item}});
}

GoldenList list_of(std::unordered_set<std::string> ids) {
  return {.parameter = kDefaultParameter, .ids = std::move(ids)};
}

Evaluation evaluate(const Json& item, const GoldenList& list) {
  return evaluate(read_event(change_json(item)).item, false, list);
}

TEST(GoldenList, HasWholeIdsOnceInTheirOrder) {
  EXPECT_THAT(listed_ids("ami-2, ami-1,,ami-2 ,\nami-3"), ElementsAre("ami-2", "ami-1", "ami-3"));
  EXPECT_THAT(listed_ids(" , "), IsEmpty());
}

TEST(Event, OfAChange) {
  const Event event = read_event(change_json(item_json()));
  EXPECT_EQ(event.kind, Event::Kind::change);
  EXPECT_EQ(event.result_token, "token");
  EXPECT_EQ(event.parameter, "/GoldenAMI/latest");
  EXPECT_EQ(event.item.image_id, kGolden);
  EXPECT_EQ(event.item.state, "running");
  EXPECT_EQ(event.item.captured_at, kAt);
  EXPECT_EQ(event.sent_at, kSentAt) << "an item is as old as before when the list has changed";
}

TEST(Event, OfASchedule) {
  const Event event = read_event(
      event_json({{"messageType", "ScheduledNotification"}, {"notificationCreationTime", kAt}}));
  EXPECT_EQ(event.kind, Event::Kind::schedule);
  EXPECT_EQ(event.sent_at, kAt);
}

TEST(Event, ThatIsTooLargeHasNoConfiguration) {
  Json summary = item_json();
  summary.erase("configuration");
  const Event event =
      read_event(event_json({{"messageType", "OversizedConfigurationItemChangeNotification"},
                             {"notificationCreationTime", kSentAt},
                             {"configurationItemSummary", summary}}));
  EXPECT_EQ(event.kind, Event::Kind::oversized);
  EXPECT_EQ(event.item.resource_id, "i-0123456789abcdef0");
  EXPECT_EQ(event.item.image_id, "");
  EXPECT_EQ(event.sent_at, kSentAt);
}

TEST(Event, OfTheListNeedsNoToken) {
  const Event event = read_event({{"source", "aws.ssm"},
                                  {"detail-type", "Parameter Store Change"},
                                  {"detail", {{"name", "/GoldenAMI/latest"}}}});
  EXPECT_EQ(event.kind, Event::Kind::list_changed);
  EXPECT_EQ(event.parameter, "/GoldenAMI/latest");
}

TEST(Event, TakesTheDefaultParameterWhereTheRuleNamesNone) {
  Json json = change_json(item_json());
  for (const char* none : {"", "{}", R"({"parameterName": ""})"}) {
    json["ruleParameters"] = none;
    EXPECT_EQ(read_event(json).parameter, kDefaultParameter) << none;
  }
  json["ruleParameters"] = R"({"parameterName": "/GoldenAMI/mine"})";
  EXPECT_EQ(read_event(json).parameter, "/GoldenAMI/mine");
}

TEST(Event, ThatIsNoneIsRefused) {
  Json no_token = change_json(item_json());
  no_token.erase("resultToken");
  Json no_type = item_json();
  no_type.erase("resourceType");
  Json bad_configuration = item_json();
  bad_configuration["configuration"] = "{";
  for (const Json& wrong :
       std::vector<Json>{Json(),
                         Json::array(),
                         Json::object(),
                         {{"resultToken", "t"}},
                         {{"resultToken", 1}, {"invokingEvent", "{}"}},
                         {{"resultToken", "t"}, {"invokingEvent", "not JSON"}},
                         event_json(Json::object()),
                         event_json(Json::array()),
                         event_json({{"messageType", "ConfigurationSnapshotDeliveryCompleted"}}),
                         event_json({{"messageType", "ConfigurationItemChangeNotification"}}),
                         event_json({{"messageType", "ConfigurationItemChangeNotification"},
                                     {"configurationItem", item_json()}}),
                         event_json({{"messageType", "ScheduledNotification"}}),
                         {{"source", "aws.ssm"}},
                         no_token,
                         change_json(no_type),
                         change_json(bad_configuration)}) {
    try {
      read_event(wrong);
      ADD_FAILURE() << wrong.dump();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << wrong.dump();
    }
  }
}

TEST(Evaluation, IsByTheExactId) {
  const GoldenList list = list_of({kGolden});
  EXPECT_EQ(evaluate(item_json(), list).compliance, Compliance::compliant);
  // A part of an id that is listed is another image's.
  const Evaluation other = evaluate(item_json(kGolden.substr(0, 12)), list);
  EXPECT_EQ(other.compliance, Compliance::non_compliant);
  EXPECT_EQ(other.annotation, "its image ami-01234567 is not in /GoldenAMI/latest");
  EXPECT_EQ(other.resource_id, "i-0123456789abcdef0");
}

TEST(Evaluation, FailsClosed) {
  EXPECT_THAT(evaluate(item_json(), list_of({})).annotation, HasSubstr("there is no"));
  EXPECT_EQ(evaluate(item_json(), list_of({})).compliance, Compliance::non_compliant);
  GoldenList unreadable = list_of({});
  unreadable.problem = "not allowed";
  EXPECT_EQ(evaluate(item_json(), unreadable).compliance, Compliance::non_compliant);
  EXPECT_EQ(evaluate(item_json(), unreadable).annotation,
            "/GoldenAMI/latest could not be read: not allowed");
  Json empty = item_json();
  empty["configuration"] = nullptr;
  EXPECT_EQ(evaluate(empty, list_of({kGolden})).compliance, Compliance::non_compliant);
  const Item item = read_item(item_json());
  EXPECT_EQ(evaluate(item, false, list_of({kGolden}), "no history").compliance,
            Compliance::non_compliant);
}

TEST(Evaluation, OfWhatIsGoneIsNotApplicable) {
  const GoldenList list = list_of({});
  for (const char* status :
       {"ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded", ""}) {
    Json item = item_json();
    item["configurationItemStatus"] = status;
    EXPECT_EQ(evaluate(item, list).compliance, Compliance::not_applicable) << status;
  }
  for (const char* state : {"terminated", "shutting-down"}) {
    Json item = item_json();
    item["configuration"]["state"]["name"] = state;
    EXPECT_EQ(evaluate(item, list).compliance, Compliance::not_applicable) << state;
  }
  Json volume = item_json();
  volume["resourceType"] = "AWS::EC2::Volume";
  EXPECT_EQ(evaluate(volume, list).compliance, Compliance::not_applicable);
  const Item item = read_item(item_json());
  EXPECT_EQ(evaluate(item, true, list_of({kGolden})).compliance, Compliance::not_applicable);
}

TEST(Evaluation, JudgesTheStoppedAndTheDiscovered) {
  Json item = item_json();
  item["configuration"]["state"]["name"] = "stopped";
  item["configurationItemStatus"] = "ResourceDiscovered";
  EXPECT_EQ(evaluate(item, list_of({})).compliance, Compliance::non_compliant);
}

TEST(Annotation, IsCutBetweenCharacters) {
  EXPECT_EQ(annotation("short"), "short");
  EXPECT_EQ(annotation(std::string(256, 'x')).size(), 256u);
  const std::string cut = annotation(std::string(252, 'x') + "\u00e4\u00e4\u00e4");
  EXPECT_EQ(cut, std::string(252, 'x') + "...");
  EXPECT_LE(annotation(std::string(10'000, 'x')).size(), kMaxAnnotation);
}

}  // namespace
}  // namespace hallmark::rule
