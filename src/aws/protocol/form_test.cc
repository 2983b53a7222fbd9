#include <gtest/gtest.h>

#include "aws/codec_fixture.h"

namespace hallmark::aws {

namespace {

struct Case {
  const char* what;
  const char* protocol;
  const char* shapes;
  const char* input;
  const char* form;  ///< behind Action and Version
};

class Form : public ::testing::TestWithParam<Case> {};

TEST_P(Form, IsWritten) {
  auto model =
      fixture::model(GetParam().protocol, R"("input": {"shape": "In"})", GetParam().shapes);
  Request request = fixture::write(*model, GetParam().input);
  EXPECT_EQ(request.body, "Action=Act&Version=2026-01-01" + std::string(GetParam().form))
      << GetParam().what;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/");
  EXPECT_EQ(header(request.headers, "content-type"),
            "application/x-www-form-urlencoded; charset=utf-8");
}

constexpr const char* kScalars =
    R"("In": {"type": "structure", "members": {"Name": {"shape": "S"}, "Count": {"shape": "I"},
       "Ratio": {"shape": "D"}, "Sure": {"shape": "B"}, "When": {"shape": "T"},
       "Bytes": {"shape": "Raw"}, "Token": {"shape": "S", "idempotencyToken": true}}})";
constexpr const char* kNamed =
    R"("In": {"type": "structure", "members": {"Plain": {"shape": "S"},
       "Named": {"shape": "S", "locationName": "other"},
       "Queried": {"shape": "S", "locationName": "other", "queryName": "asIs"}}})";
constexpr const char* kNested =
    R"("In": {"type": "structure", "members": {"Outer": {"shape": "Out"}}},
       "Out": {"type": "structure", "members": {"Inner": {"shape": "S", "locationName": "inner"}}})";
constexpr const char* kLists =
    R"("In": {"type": "structure", "members": {"Plain": {"shape": "L"}, "Named": {"shape": "NL"},
       "Flat": {"shape": "FL"}, "FlatNamed": {"shape": "FNL"}}},
       "L": {"type": "list", "member": {"shape": "S"}},
       "NL": {"type": "list", "member": {"shape": "S", "locationName": "item"}},
       "FL": {"type": "list", "member": {"shape": "S"}, "flattened": true},
       "FNL": {"type": "list", "member": {"shape": "S", "locationName": "Piece"}, "flattened": true})";
constexpr const char* kMaps =
    R"("In": {"type": "structure", "members": {"Tags": {"shape": "M"}, "Flat": {"shape": "FM"},
       "Named": {"shape": "NM"}}},
       "M": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "I"}},
       "FM": {"type": "map", "key": {"shape": "S"}, "value": {"shape": "I"}, "flattened": true},
       "NM": {"type": "map", "key": {"shape": "S", "locationName": "K"},
              "value": {"shape": "I", "locationName": "V"}})";
constexpr const char* kTimes =
    R"("In": {"type": "structure", "members": {"Iso": {"shape": "T"},
       "Unix": {"shape": "T", "timestampFormat": "unixTimestamp"}, "Mail": {"shape": "MT"}}},
       "MT": {"type": "timestamp", "timestampFormat": "rfc822"})";
constexpr const char* kRecursive =
    R"("In": {"type": "structure", "members": {"Name": {"shape": "S"}, "More": {"shape": "L"}}},
       "L": {"type": "list", "member": {"shape": "In"}})";

const Case kCases[] = {
    {"no members", "query", kScalars, "{}", "&Token=11111111-2222-4333-8444-555555555555"},
    {"scalars, in the input's order", "query", kScalars,
     R"({"Token": "mine", "Count": -3, "Name": "a b&c=é/~", "Sure": false, "Ratio": 0.5})",
     "&Token=mine&Count=-3&Name=a%20b%26c%3D%C3%A9%2F~&Sure=false&Ratio=0.5"},
    {"null is nothing", "query", kScalars, R"({"Name": null, "Token": null})",
     "&Token=11111111-2222-4333-8444-555555555555"},
    {"numbers that JSON does not have", "query", kScalars,
     R"({"Ratio": "-Infinity", "Token": "t"})", "&Ratio=-Infinity&Token=t"},
    {"bytes in base64", "query", kScalars, R"({"Bytes": {"base64": "/wA="}, "Token": "t"})",
     "&Bytes=%2FwA%3D&Token=t"},
    {"text as bytes", "query", kScalars, R"({"Bytes": "hi", "Token": "t"})",
     "&Bytes=aGk%3D&Token=t"},
    {"times", "query", kTimes, R"({"Iso": 1500000000, "Unix": 1500000000, "Mail": 1500000000})",
     "&Iso=2017-07-14T02%3A40%3A00Z&Unix=1500000000&Mail=Fri%2C%2014%20Jul%202017%2002%3A40%3A00%20"
     "GMT"},
    {"times with fractions and zones", "query", kTimes,
     R"({"Iso": "2017-07-14T04:40:00.25+02:00", "Unix": "2017-07-14"})",
     "&Iso=2017-07-14T02%3A40%3A00.250000Z&Unix=1499990400"},
    {"query takes names as they are", "query", kNamed,
     R"({"Plain": "1", "Named": "2", "Queried": "3"})", "&Plain=1&other=2&other=3"},
    {"ec2 capitalises location names, but not query names", "ec2", kNamed,
     R"({"Plain": "1", "Named": "2", "Queried": "3"})", "&Plain=1&Other=2&asIs=3"},
    {"structures", "query", kNested, R"({"Outer": {"Inner": "x"}})", "&Outer.inner=x"},
    {"structures of ec2", "ec2", kNested, R"({"Outer": {"Inner": "x"}})", "&Outer.Inner=x"},
    {"an empty structure", "query", kNested, R"({"Outer": {}})", ""},
    {"lists", "query", kLists, R"({"Plain": ["a", "b"], "Named": ["c"]})",
     "&Plain.member.1=a&Plain.member.2=b&Named.item.1=c"},
    {"flattened lists", "query", kLists, R"({"Flat": ["a", "b"], "FlatNamed": ["c"]})",
     "&Flat.1=a&Flat.2=b&Piece.1=c"},
    {"an empty list can be said", "query", kLists, R"({"Plain": [], "Flat": []})", "&Plain=&Flat="},
    {"lists of ec2 are always flat", "ec2", kLists,
     R"({"Plain": ["a", "b"], "Named": ["c"], "Flat": []})", "&Plain.1=a&Plain.2=b&Named.1=c"},
    {"maps", "query", kMaps, R"({"Tags": {"a": 1, "b": 2}})",
     "&Tags.entry.1.key=a&Tags.entry.1.value=1&Tags.entry.2.key=b&Tags.entry.2.value=2"},
    {"flattened maps, own names", "query", kMaps, R"({"Flat": {"a": 1}, "Named": {"b": 2}})",
     "&Flat.1.key=a&Flat.1.value=1&Named.entry.1.K=b&Named.entry.1.V=2"},
    {"shapes that hold themselves", "query", kRecursive,
     R"({"More": [{"Name": "a", "More": [{"Name": "b"}]}, {"Name": "c"}]})",
     "&More.member.1.Name=a&More.member.1.More.member.1.Name=b&More.member.2.Name=c"},
};

INSTANTIATE_TEST_SUITE_P(Rules, Form, ::testing::ValuesIn(kCases));

TEST(FormOfEc2, UserDataIsEncodedByUs) {
  auto texts = [](const char* operation) {
    ModelTexts out;
    out.service = fmt::format(
        R"({{"metadata": {{"protocol": "ec2", "apiVersion": "1"}},
            "operations": {{"{}": {{"input": {{"shape": "In"}}}}}},
            "shapes": {{"S": {{"type": "string"}}, "In": {{"type": "structure",
                       "members": {{"UserData": {{"shape": "S"}}}}}}}}}})",
        operation);
    return out;
  };
  Value input = {{"UserData", "#!/bin/sh"}};
  Model run("ec2", texts("RunInstances"), "test");
  EXPECT_EQ(make_request(run, run.operation("RunInstances"), input, random_uuid).body,
            "Action=RunInstances&Version=1&UserData=IyEvYmluL3No");
  Model other("ec2", texts("ModifySomething"), "test");
  EXPECT_EQ(make_request(other, other.operation("ModifySomething"), input, random_uuid).body,
            "Action=ModifySomething&Version=1&UserData=%23%21%2Fbin%2Fsh");
}

}  // namespace

}  // namespace hallmark::aws
