#include "model/product_template.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace hallmark::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kYaml = R"(Parameters:
  AMIID:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
    Default: AMI_ID_TO_REPLACE
  InstanceType:
    Type: String
    Default: t2.medium
Resources:
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !Ref AMIID
      UserData: !Sub "${AWS::Region}"
)";

constexpr const char* kJson = R"({
  "Parameters": {
    "AMIID": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
              "Default": "AMI_ID_TO_REPLACE", "Description": "not AMI_ID_TO_REPLACE"}
  },
  "Resources": {"Machine": {"Type": "AWS::EC2::Instance",
                            "Properties": {"ImageId": {"Ref": "AMIID"}}}}
})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == text.npos) throw std::logic_error("the text has no " + from);
  return text.replace(at, from.size(), to);
}

std::vector<Problem> problems_of(const std::string& text) {
  std::vector<Problem> problems;
  ProductTemplate read = read_product_template(text, problems);
  if (!problems.empty()) {
    EXPECT_THAT(read.image_parameters, IsEmpty());
  }
  return problems;
}

TEST(ProductTemplate, TakesYamlAndJson) {
  std::vector<Problem> problems;
  ProductTemplate yaml = read_product_template(kYaml, problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(yaml.image_parameters, ElementsAre("AMIID"));
  EXPECT_EQ(yaml.machine_size, "t2.medium");
  ProductTemplate json = read_product_template(kJson, problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(json.image_parameters, ElementsAre("AMIID"));
  EXPECT_EQ(json.machine_size, "");
}

TEST(ProductTemplate, EveryPlaceholderBecomesTheName) {
  std::vector<Problem> problems;
  const std::string name = "/GoldenAMI/Debian-12/web-1/1.0";
  std::string text = with_image(read_product_template(kJson, problems), name);
  EXPECT_EQ(text.find(kImagePlaceholder), text.npos);
  Json json = Json::parse(text);
  EXPECT_EQ(json["Parameters"]["AMIID"]["Default"], name);
  EXPECT_EQ(json["Parameters"]["AMIID"]["Description"], "not " + name);
}

TEST(ProductTemplate, OnlyAParametersNameTakesThePlace) {
  std::vector<Problem> problems;
  ProductTemplate read = read_product_template(kYaml, problems);
  for (const std::string bad : {"", "ami-1", "/a b", "/a\"", "/a\nResources:", "/a: b"}) {
    EXPECT_THROW(with_image(read, bad), Error) << bad;
  }
}

TEST(ProductTemplate, SubstitutionCountsAsAReference) {
  EXPECT_THAT(problems_of(replaced(kYaml, "!Ref AMIID", "!Sub '${AMIID}'")), IsEmpty());
}

struct Bad {
  const char* name;
  std::string text;
  int line;
  const char* message;
};

TEST(ProductTemplate, SaysWhereAndWhatIsWrong) {
  const std::string yaml = kYaml;
  const std::string json = kJson;
  const std::string type = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>";
  for (const Bad& bad : std::vector<Bad>{
           {"empty", "", 1, "not a mapping"},
           {"list", "[1, 2]", 1, "not a mapping"},
           {"syntax", replaced(yaml, "  AMIID:", "  AMIID: ]"), 2, "bad YAML"},
           {"trailing comma", replaced(json, "\"Ref\": \"AMIID\"}", "\"Ref\": \"AMIID\"},"), 7,
            "bad JSON"},
           {"not utf-8", "Resources: \xff", 1, "UTF-8"},
           {"nul", std::string("a: \0b", 5), 1, "UTF-8"},
           {"no placeholder", replaced(yaml, "AMI_ID_TO_REPLACE", "/some/where"), 2,
            "no parameter"},
           {"no parameters", "Resources: {M: {Type: T}}", 1, "no parameter of the template"},
           {"image id type", replaced(yaml, type, "AWS::EC2::Image::Id"), 3,
            "has the type AWS::EC2::Image::Id"},
           {"no type", replaced(yaml, "    Type: " + type + "\n", ""), 3, "has no type"},
           {"more in it", replaced(yaml, "AMI_ID_TO_REPLACE", "x/AMI_ID_TO_REPLACE"), 4,
            "has more in it"},
           {"not used", replaced(yaml, "!Ref AMIID", "ami-1"), 3, "no resource of the template"},
           {"used in an output only",
            replaced(yaml, "!Ref AMIID", "ami-1") + "Outputs: {Image: {Value: !Ref AMIID}}\n", 3,
            "no resource of the template"},
           {"no resources", yaml.substr(0, yaml.find("Resources")), 1, "no resources"},
           {"twice", replaced(yaml, "  InstanceType:", "  AMIID:"), 5, "there twice"},
           {"parameters a list", "Parameters: [a]\nResources: {M: {Type: T}}\n", 1,
            "not a mapping"},
           {"parameter a word", replaced(yaml, "Resources:", "  Word: word\nResources:"), 8,
            "Word is not a mapping"},
       }) {
    SCOPED_TRACE(bad.name);
    std::vector<Problem> problems;
    read_product_template(bad.text, problems);
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems[0].place.line, bad.line) << problems[0].message;
    EXPECT_THAT(problems[0].message, HasSubstr(bad.message));
  }
}

TEST(ProductTemplate, DocumentsThatGrowAreRefusedAtOnce) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
                        i - 1);
  }
  EXPECT_THAT(problems_of(bomb), ::testing::SizeIs(1));
  EXPECT_THAT(problems_of("a: &a [*a]"), ::testing::Not(IsEmpty()));
  EXPECT_THAT(problems_of(std::string(100'000, '[')), ::testing::Not(IsEmpty()));
  EXPECT_THAT(problems_of(std::string((1 << 20) + 1, 'x')), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace hallmark::model
