#include "aws/validate.h"

#include <gtest/gtest.h>

#include "aws/codec_fixture.h"
#include "base/error.h"

namespace hallmark::aws {

namespace {

constexpr const char* kShapes =
    R"("In": {"type": "structure", "required": ["Need"], "members": {"Need": {"shape": "Short"},
       "Size": {"shape": "Small"}, "Sure": {"shape": "B"}, "Ratio": {"shape": "D"},
       "When": {"shape": "T"}, "Bytes": {"shape": "Raw"}, "List": {"shape": "L"},
       "Map": {"shape": "M"}, "Choice": {"shape": "U"}, "Doc": {"shape": "Doc"}}},
       "Short": {"type": "string", "min": 2, "max": 4},
       "Small": {"type": "integer", "min": 1, "max": 9},
       "L": {"type": "list", "member": {"shape": "In"}, "max": 2},
       "M": {"type": "map", "key": {"shape": "Short"}, "value": {"shape": "I"}},
       "U": {"type": "structure", "union": true, "members": {"A": {"shape": "S"}, "N": {"shape": "I"}}},
       "Doc": {"type": "structure", "members": {}, "document": true})";

/// What validation says; empty if it is content.
std::string problems(const std::string& input) {
  auto model = fixture::model("json", R"("input": {"shape": "In"})", kShapes);
  try {
    validate_input(model->operation("Act"), Value::parse(input));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message();
  }
  return "";
}

TEST(Validate, LetsRightInputsPass) {
  EXPECT_EQ(problems(R"({"Need": "ab", "Size": 9, "Sure": true, "Ratio": 1, "When": "2026-01-01",
      "Bytes": "x", "List": [{"Need": "éé"}], "Map": {"ab": 1}, "Choice": {"A": "x"},
      "Doc": [1, {"x": null}]})"),
            "");
  EXPECT_EQ(problems(R"({"Need": "ab", "Size": null, "Ratio": "NaN"})"), "");
}

TEST(Validate, NamesTheProblemByItsPath) {
  struct {
    const char* input;
    const char* said;
  } kRows[] = {
      {R"({})", "Need: is missing"},
      {R"({"Need": null})", "Need: is missing"},
      {R"({"Need": "a"})", "Need: is too small: 1 characters, at least 2"},
      {R"({"Need": "abcde"})", "Need: is too large: 5 characters, at most 4"},
      {R"({"Need": "ab", "Size": 10})", "Size: is too large: 10, at most 9"},
      {R"({"Need": "ab", "Size": "1"})", "Size: wants an integer, not a string"},
      {R"({"Need": "ab", "Size": 1.5})", "Size: wants an integer, not a fraction"},
      {R"({"Need": "ab", "Sure": "true"})", "Sure: wants true or false, not a string"},
      {R"({"Need": "ab", "Ratio": "1"})", "Ratio: wants a number, not a string"},
      {R"({"Need": "ab", "When": "noon"})",
       "When: wants a time: seconds since 1970 or like 2026-11-22T17:05:01Z, not a string"},
      {R"({"Need": "ab", "List": {}})", "List: wants an array, not an object"},
      {R"({"Need": "ab", "List": [{"Need": "ab"}, {"Need": 1}]})",
       "List[1].Need: wants a string, not an integer"},
      {R"({"Need": "ab", "Map": {"a": 1}})", "Map.a: is too small: 1 characters, at least 2"},
      {R"({"Need": "ab", "Map": {"ab": "x"}})", "Map.ab: wants an integer, not a string"},
      {R"({"Need": "ab", "need": "x"})", "need: is unknown; did you mean \"Need\"?"},
      {R"({"Need": "ab", "Choice": {"A": "x", "N": 1}})",
       "Choice: takes exactly one of A, N, not 2"},
      {R"({"Need": "ab", "Bytes": 1})", "Bytes: wants text or {\"base64\": ..}, not an integer"},
  };
  for (const auto& row : kRows) EXPECT_EQ(problems(row.input), row.said);
}

TEST(Validate, TellsAllProblemsAtOnce) {
  std::string input = R"({"Need": "ab")";
  for (int i = 0; i < 12; ++i) input += ", \"Unknown" + std::to_string(i) + "\": 1";
  std::string said = problems(input + "}");
  EXPECT_NE(said.find("Unknown9: is unknown"), std::string::npos);
  EXPECT_EQ(said.find("Unknown10: is unknown"), std::string::npos);
  EXPECT_TRUE(said.ends_with("\nand 2 more")) << said;
}

TEST(Models, OfAllServicesAreCarried) {
  ModelLibrary library;
  for (const std::string& service : library.services()) {
    auto model = library.get(service);
    EXPECT_FALSE(model->operations().empty()) << service;
  }
  auto ec2 = library.get("ec2");
  EXPECT_EQ(ec2->metadata().protocol, Protocol::ec2);
  EXPECT_TRUE(ec2->paginator("DescribeInstances"));
  EXPECT_EQ(ec2->waiter("ImageAvailable").operation, "DescribeImages");
  EXPECT_EQ(library.get("sts")->operation("AssumeRoleWithWebIdentity").name,
            "AssumeRoleWithWebIdentity");
  EXPECT_THROW(library.get("ec3"), Error);
  EXPECT_THROW(library.get("../ec2"), Error);
  EXPECT_THROW(ec2->operation("DescribeImage"), Error);
}

TEST(Models, ThatAreBrokenSaySo) {
  auto said = [](const char* text) -> std::string {
    ModelTexts texts;
    texts.service = text;
    try {
      Model model("x", texts, "x.json");
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      return error.message();
    }
  };
  EXPECT_NE(said("{").find("x.json: the model is not JSON"), std::string::npos);
  EXPECT_EQ(said("[]"), "x.json: the model is not a JSON object");
  EXPECT_EQ(said("{}"), "x.json: the object \"metadata\" is missing");
  EXPECT_NE(said(R"({"metadata": {"protocol": "soap"}})").find("soap"), std::string::npos);
  EXPECT_EQ(said(R"({"metadata": {"protocol": "json"}, "operations": {}, "shapes":
                {"A": {"type": "structure", "members": {"m": {"shape": "B"}}}}})"),
            "x.json: \"A\" refers to the shape \"B\", which does not exist");
  EXPECT_EQ(said(R"({"metadata": {"protocol": "json"}, "operations": {}, "shapes":
                {"A": {"type": "list"}}})"),
            "x.json: shape \"A\" lacks its \"member\"");
}

}  // namespace

}  // namespace hallmark::aws
