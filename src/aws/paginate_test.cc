#include "aws/paginate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "aws/api_error.h"
#include "aws/jmespath.h"
#include "aws/wait.h"

namespace hallmark::aws {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Answers what it was told to, in order; the last answer for ever.
class ScriptedCaller : public Caller {
 public:
  struct Refusal {
    std::string code;
    int status = 400;
  };
  void answer(Value value) { answers_.emplace_back(std::move(value), Refusal{}); }
  void refuse(std::string code, int status = 400) {
    answers_.emplace_back(Value(), Refusal{std::move(code), status});
  }
  Value call(const Call& call, const Value& input, std::stop_token) override {
    operations.push_back(call.operation);
    inputs.push_back(input);
    auto next = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    if (!next.second.code.empty()) {
      throw ApiError(ErrorKind::failed, "the service says " + next.second.code, next.second.code,
                     next.second.status, "id");
    }
    return next.first;
  }
  std::vector<std::string> operations;
  std::vector<Value> inputs;

 private:
  std::deque<std::pair<Value, Refusal>> answers_;
};

const Model& model() {
  static const Model model(
      "ec2",
      {R"({"metadata":{"protocol":"ec2","endpointPrefix":"ec2","apiVersion":"1"},
           "operations":{"DescribeImages":{"name":"DescribeImages","http":{"method":"POST"}},
                         "ListParts":{"name":"ListParts","http":{"method":"POST"}},
                         "HeadThing":{"name":"HeadThing","http":{"method":"HEAD"}}},
           "shapes":{}})",
       R"({"pagination":{
            "DescribeImages":{"input_token":"NextToken","output_token":"NextToken",
                              "result_key":"Images"},
            "ListParts":{"input_token":["A","B"],"output_token":["Next || Parts[-1].Key","B"],
                         "more_results":"More","result_key":["Parts","Prefixes"]}}})",
       R"({"version":2,"waiters":{
            "ImageAvailable":{"operation":"DescribeImages","delay":15,"maxAttempts":40,
              "acceptors":[
                {"matcher":"pathAll","argument":"Images[].State","state":"success",
                 "expected":"available"},
                {"matcher":"pathAny","argument":"Images[].State","state":"failure",
                 "expected":"failed"}]},
            "ImageExists":{"operation":"DescribeImages","delay":15,"maxAttempts":40,
              "acceptors":[
                {"matcher":"path","argument":"length(Images[]) > `0`","state":"success",
                 "expected":true},
                {"matcher":"error","state":"retry","expected":"InvalidAMIID.NotFound"}]},
            "ThingGone":{"operation":"HeadThing","delay":1,"maxAttempts":2,
              "acceptors":[{"matcher":"status","state":"success","expected":404},
                           {"matcher":"status","state":"retry","expected":200}]}}})"},
      "test");
  return model;
}

const Call kImages{"ec2", "DescribeImages", "us-east-1", nullptr};

TEST(JmesPath, FindsWhatTheModelsAskFor) {
  Value value = Value::parse(R"({"NextMarker":"","Contents":[{"Key":"a"},{"Key":"b"}],"N":3,
      "Reservations":[{"Instances":[{"State":{"Name":"running"}},{"State":{"Name":"stopped"}}]},
                      {"Instances":[{"State":{"Name":"pending"}}]},{}],"Text":"abc"})");
  auto find = [&](const char* path) { return find_by_path(path, value); };
  EXPECT_EQ(find("NextMarker || Contents[-1].Key"), "b");
  EXPECT_EQ(find("Contents[0].Key"), "a");
  EXPECT_EQ(find("Contents[9].Key"), nullptr);
  EXPECT_EQ(find("Reservations[].Instances[].State.Name"),
            Value::parse(R"(["running","stopped","pending"])"));
  EXPECT_EQ(find("length(Reservations[]) > `0`"), true);
  EXPECT_EQ(find("length(Contents) == `2`"), true);
  EXPECT_EQ(find("length(Text)"), 3);
  EXPECT_EQ(find("N >= `4`"), false);
  EXPECT_EQ(find("Missing[].State.Name"), nullptr);
  EXPECT_EQ(find("length(Missing[]) > `0`"), nullptr);
  EXPECT_EQ(find("Missing.Deeper[0]"), nullptr);
  EXPECT_EQ(find("'x'"), "x");
  EXPECT_EQ(find("\"Text\""), "abc");
  for (const char* bad : {"", "a b", "a[", "length(a", "a[?b]", "`1", "a.", "{a: b}"}) {
    EXPECT_THROW(find(bad), Error) << bad;
  }
}

TEST(Paginate, FollowsTheToken) {
  ScriptedCaller caller;
  caller.answer({{"Images", {1, 2}}, {"NextToken", "t1"}});
  caller.answer({{"Images", Value::array()}, {"NextToken", "t2"}});
  caller.answer({{"Images", {3}}, {"NextToken", ""}});
  EXPECT_EQ(collect(caller, model(), kImages, {{"Owners", {"self"}}}, {}), Value({1, 2, 3}));
  ASSERT_EQ(caller.inputs.size(), 3u);
  EXPECT_EQ(caller.inputs[0], Value({{"Owners", {"self"}}}));
  EXPECT_EQ(caller.inputs[2]["NextToken"], "t2");
}

TEST(Paginate, SeveralTokensAndAFlag) {
  ScriptedCaller caller;
  Call call{"ec2", "ListParts", "us-east-1", nullptr};
  caller.answer({{"Parts", {{{"Key", "k1"}}}}, {"More", true}, {"B", "b1"}});
  caller.answer({{"Parts", {{{"Key", "k2"}}}}, {"More", false}, {"B", "b2"}});
  int pages = 0;
  for_each_page(caller, model(), call, nullptr, {}, [&](const Value&) { return ++pages > 0; });
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(caller.inputs[1], Value({{"A", "k1"}, {"B", "b1"}}));
}

TEST(Paginate, StopsWhenToldOrFooled) {
  ScriptedCaller caller;
  caller.answer({{"Images", {1}}, {"NextToken", "same"}});
  for_each_page(caller, model(), kImages, nullptr, {}, [](const Value&) { return false; });
  EXPECT_EQ(caller.inputs.size(), 1u);
  EXPECT_THROW(collect(caller, model(), kImages, nullptr, {}), Error);
  EXPECT_THROW(collect(caller, model(), {"ec2", "HeadThing", "r", nullptr}, nullptr, {}), Error);
}

Value images(const char* state, const char* reason = "") {
  return {{"Images", {{{"State", state}, {"StateReason", {{"Message", reason}}}}}}};
}

Error wait_error(ScriptedCaller& caller, const char* waiter, WaitLimits limits = {}) {
  ManualClock clock(TimePoint{1s});
  try {
    wait_until(caller, model(), waiter, kImages, Value::object(), limits, clock, {});
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "");
}

TEST(Wait, UntilSuccess) {
  ManualClock clock(TimePoint{1s});
  ScriptedCaller caller;
  caller.answer({{"Images", Value::array()}});
  caller.answer(images("pending"));
  caller.answer(images("available"));
  Value answer =
      wait_until(caller, model(), "ImageAvailable", kImages, Value::object(), {}, clock, {});
  EXPECT_EQ(answer, images("available"));
  EXPECT_EQ(clock.now(), TimePoint{31s});
  EXPECT_EQ(caller.operations.front(), "DescribeImages");
}

TEST(Wait, FailsWithTheReason) {
  ScriptedCaller caller;
  caller.answer(images("failed", "snapshot is gone"));
  Error error = wait_error(caller, "ImageAvailable");
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_THAT(error.message(), HasSubstr("failed: snapshot is gone"));
}

TEST(Wait, SeesDeadEndsThatTheModelOverlooks) {
  for (const char* state : {"error", "invalid", "deregistered", "disabled"}) {
    ScriptedCaller caller;
    caller.answer(images(state));
    EXPECT_EQ(wait_error(caller, "ImageAvailable").kind(), ErrorKind::failed) << state;
  }
}

TEST(Wait, EndsAtTheDeadlineSayingWhatItSaw) {
  ScriptedCaller caller;
  caller.answer(images("pending", "copying"));
  Error error = wait_error(caller, "ImageAvailable", {.time_limit = 60s, .delay = 20s});
  EXPECT_EQ(error.kind(), ErrorKind::timeout);
  EXPECT_THAT(error.message(), HasSubstr("pending: copying"));
  EXPECT_EQ(caller.inputs.size(), 4u);
}

TEST(Wait, ErrorsAreAnswersToo) {
  ManualClock clock(TimePoint{1s});
  ScriptedCaller caller;
  caller.refuse("InvalidAMIID.NotFound");
  caller.answer({{"Images", {1}}});
  wait_until(caller, model(), "ImageExists", kImages, Value::object(), {}, clock, {});
  ScriptedCaller denied;
  denied.refuse("UnauthorizedOperation", 403);
  EXPECT_THAT(wait_error(denied, "ImageExists").message(), HasSubstr("UnauthorizedOperation"));
  ScriptedCaller gone;
  gone.answer(Value::object());
  gone.refuse("NotFound", 404);
  wait_until(gone, model(), "ThingGone", kImages, Value::object(), {}, clock, {});
  EXPECT_EQ(gone.inputs.size(), 2u);
}

TEST(Wait, StopsOnRequest) {
  ManualClock clock(TimePoint{1s});
  ScriptedCaller caller;
  caller.answer(images("pending"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(wait_until(caller, model(), "ImageAvailable", kImages, Value::object(), {}, clock,
                          stop.get_token()),
               Error);
}

}  // namespace
}  // namespace hallmark::aws
