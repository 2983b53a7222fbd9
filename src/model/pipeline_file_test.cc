#include "model/pipeline_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "model/schema_check.h"

namespace hallmark::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kSmallest =
    "product: Web-1\nos: Debian-12\nversion: '7'\nsource: {name: debian}\n";

PipelineCheck check(const std::string& more, const Variables& variables = {}) {
  return check_pipeline_text(std::string(kSmallest) + more, HALLMARK_MODEL_TESTDATA, variables);
}

std::string problems_of(const PipelineCheck& check) {
  std::string text;
  for (const Problem& problem : check.problems) text += to_string(problem, "golden.yaml") + "\n";
  return text;
}

std::vector<Path> testdata() {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(HALLMARK_MODEL_TESTDATA)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Each file of testdata says in comments what is expected of it: "# var: name=value" is given as
// --var, "# expect: line:column: path: message; hint" is a problem, in this order and no others.
class PipelineCases : public testing::TestWithParam<Path> {};

TEST_P(PipelineCases, SayExactlyWhatIsWrong) {
  Variables variables;
  std::vector<std::string> expected;
  for (const std::string& line : split(read_file(GetParam()), '\n')) {
    constexpr std::string_view kExpect = "# expect: ";
    constexpr std::string_view kVariable = "# var: ";
    if (line.starts_with(kExpect)) expected.push_back(line.substr(kExpect.size()));
    if (line.starts_with(kVariable)) {
      auto parts = split(line.substr(kVariable.size()), '=');
      variables[parts[0]] = parts[1];
    }
  }
  PipelineCheck result = check_pipeline(GetParam(), variables);
  std::vector<std::string> actual;
  for (const Problem& problem : result.problems) {
    actual.push_back(to_string(problem, "").substr(1));
  }
  EXPECT_EQ(join(actual, "\n"), join(expected, "\n"));
  EXPECT_EQ(result.pipeline.has_value(), expected.empty());
}

std::string case_name(const testing::TestParamInfo<Path>& info) {
  return replace_all(info.param.stem().string(), "-", "_");
}

INSTANTIATE_TEST_SUITE_P(Testdata, PipelineCases, testing::ValuesIn(testdata()), case_name);

TEST(PipelineFile, LanguagesCanBeLeftOutOfInventories) {
  EXPECT_TRUE(check("").pipeline->inventory.languages);
  EXPECT_FALSE(Json(*check("").pipeline).contains("inventory")) << "digests stay what they were";
  const auto without = check("inventory: {languages: false}\n");
  ASSERT_TRUE(without.pipeline) << problems_of(without);
  EXPECT_FALSE(without.pipeline->inventory.languages);
  EXPECT_FALSE(Json(*without.pipeline).get<Pipeline>().inventory.languages);
}

TEST(Schema, ValijsonAndOurWordsAgree) {
  Json schema = parse_json(pipeline_schema(), "schema");
  int files = 0;
  for (const Path& file : testdata()) {
    YamlDocument document = read_yaml(read_file(file), {});
    if (document.values.empty()) continue;
    ++files;
    // check_schema asks valijson first, and has only a general sentence if we find nothing.
    auto words = explain_schema(schema, document.json);
    auto verdict = check_schema(schema, document.json);
    EXPECT_EQ(verdict.size(), words.size()) << file;
  }
  EXPECT_GT(files, 5);
}

TEST(Schema, IsClosedAndDescribed) {
  Json schema = parse_json(pipeline_schema(), "schema");
  int objects = 0;
  std::function<void(const Json&, const std::string&)> walk = [&](const Json& at,
                                                                  const std::string& path) {
    if (at.is_object() && at.contains("properties") && at["properties"].is_object() &&
        path != "/properties") {
      ++objects;
      EXPECT_EQ(at.value("additionalProperties", Json(true)), Json(false)) << path;
      for (const auto& [key, value] : at["properties"].items()) {
        bool described = value.contains("description") || value.contains("$ref");
        EXPECT_TRUE(described) << path << "/" << key;
      }
    }
    if (!at.is_structured()) return;
    for (const auto& [key, value] : at.items()) walk(value, path + "/" + key);
  };
  walk(schema, "");
  EXPECT_GT(objects, 8);
}

TEST(PipelineFile, SmallestHasTheDefaults) {
  PipelineCheck result = check("");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  const Pipeline& pipeline = *result.pipeline;
  EXPECT_EQ(image_name(pipeline), "Web-1-Debian-12-7");
  EXPECT_EQ(image_key(pipeline), "Web-1/Debian-12/7");
  EXPECT_EQ(pipeline.source.name, "debian");
  EXPECT_EQ(pipeline.build.mode, BuildMode::offline);
  EXPECT_EQ(pipeline.build.deadline, std::chrono::hours(2));
  EXPECT_EQ(pipeline.build.boot_limit, std::chrono::minutes(10));
  EXPECT_TRUE(pipeline.updates.all);
  EXPECT_EQ(pipeline.gate.max_pending_updates, 0);
  EXPECT_EQ(pipeline.approval.required, 1);
  EXPECT_EQ(pipeline.approval.deadline, std::chrono::hours(48));
  EXPECT_FALSE(pipeline.pre_update);
}

TEST(PipelineFile, BootLimitIsRead) {
  PipelineCheck result = check("build: {boot_limit: 90s}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  EXPECT_EQ(result.pipeline->build.boot_limit, std::chrono::seconds(90));
  EXPECT_FALSE(check("build: {boot_limit: soon}\n").pipeline);
}

TEST(PipelineFile, MetadataTextMakesTheSameTargets) {
  PipelineCheck text = check(
      "targets: '{\"111122223333\":\"us-east-1, us-west-2\",\"444455556666\":\"eu-west-1\"}'\n");
  PipelineCheck list = check(
      "targets:\n"
      "  - {account_id: '111122223333', regions: [us-east-1, us-west-2]}\n"
      "  - {account_id: '444455556666', regions: [eu-west-1]}\n");
  ASSERT_TRUE(text.pipeline) << problems_of(text);
  ASSERT_TRUE(list.pipeline) << problems_of(list);
  EXPECT_EQ(Json(*text.pipeline), Json(*list.pipeline));
  EXPECT_THAT(text.pipeline->targets[0].regions, ElementsAre("us-east-1", "us-west-2"));
}

TEST(PipelineFile, UnitsAndLaunchTemplatesAreTargetsOfTheirOwn) {
  const std::string unit =
      "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exampleroot-exampleouid";
  PipelineCheck result = check("targets:\n  - {unit: '" + unit +
                               "', regions: [us-east-1],\n"
                               "     launch_templates: [{name: web, set_default: true}]}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  const Target& target = result.pipeline->targets[0];
  EXPECT_EQ(target.unit, unit);
  EXPECT_EQ(recipient_of(target), unit);
  ASSERT_EQ(target.launch_templates.size(), 1u);
  EXPECT_TRUE(target.launch_templates[0].set_default);
  EXPECT_EQ(compact(Json(Json(target).get<Target>())), compact(Json(target)));
  auto refused = [](const std::string& targets) {
    return problems_of(check("targets:\n  - " + targets + "\n"));
  };
  EXPECT_THAT(refused("{regions: [us-east-1]}"), HasSubstr("exactly one of account_id and unit"));
  EXPECT_THAT(refused("{unit: '" + unit + "', account_id: '444455556666', regions: [us-east-1]}"),
              HasSubstr("exactly one of account_id and unit"));
  EXPECT_THAT(refused("{unit: ou-exam-webteams1, regions: [us-east-1]}"), HasSubstr("unit"));
  EXPECT_THAT(refused("{unit: '" + unit + "', regions: [us-east-1]}\n  - {unit: '" + unit +
                      "', regions: [us-west-2]}"),
              HasSubstr("is also targets[0]"));
  EXPECT_THAT(refused("{account_id: '444455556666', regions: [us-east-1], launch_templates: "
                      "[{name: web}, {name: web}]}"),
              HasSubstr("web is there twice"));
  EXPECT_THAT(refused("{account_id: '444455556666', regions: [us-east-1], launch_templates: "
                      "[{name: 'a b'}]}"),
              HasSubstr("launch_templates"));
}

TEST(PipelineFile, BadMetadataIsRefused) {
  for (const char* bad :
       {"", "[]", "{", "{\"1\":\"us-east-1\"}", "{\"111122223333\":[\"us-east-1\"]}",
        "{\"111122223333\":\"us-east-1,us-east-1\"}", "{\"111122223333\":\"\"}",
        "{\"111122223333\":\"us-east-1\",\"111122223333\":\"us-west-2\"}",
        "{\"Account_ID_1\":\"region_1,region_2\"}"}) {
    try {
      targets_from_metadata(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage);
      EXPECT_THAT(e.hint(), HasSubstr("111122223333"));
    }
  }
}

TEST(PipelineFile, JsonSurvivesAndIsStable) {
  PipelineCheck result = check_pipeline(Path(HALLMARK_EXAMPLES) / "golden.yaml", {});
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  Json once = *result.pipeline;
  Json twice = once.get<Pipeline>();
  EXPECT_EQ(compact(once), compact(twice));
  EXPECT_EQ(once["build"]["deadline"], "2h");
  Json older = once;
  older["build"].erase("boot_limit");
  EXPECT_EQ(compact(Json(older.get<Pipeline>())), compact(once)) << "a run of before boot_limit";
  Json odd = once;
  odd["build"]["boot_limit"] = "soon";
  EXPECT_THROW(odd.get<Pipeline>(), Error);
  Json missing = once;
  missing.erase("gate");
  EXPECT_THROW(missing.get<Pipeline>(), Error);
  Json strange = once;
  strange["build"]["mode"] = "sideways";
  EXPECT_THROW(strange.get<Pipeline>(), Error);
}

TEST(PipelineFile, ExampleGoesToTwoAccountsInThreeRegions) {
  Pipeline pipeline = load_pipeline(Path(HALLMARK_EXAMPLES) / "golden.yaml", {{"version", "9"}});
  EXPECT_EQ(pipeline.version, "9");
  EXPECT_EQ(pipeline.targets.size(), 2u);
  std::set<std::string> regions;
  for (const Target& target : pipeline.targets) {
    regions.insert(target.regions.begin(), target.regions.end());
  }
  EXPECT_EQ(regions.size(), 3u);
  EXPECT_GE(pipeline.tests.size(), 3u);
  EXPECT_TRUE(pipeline.pre_update->text.starts_with("#!"));
}

TEST(PipelineFile, LoadThrowsUsageWithEveryProblem) {
  TempDir directory;
  Path file = directory.path() / "golden.yaml";
  write_file(file, "product: 1\nos: Debian-12\nversoin: x\n");
  try {
    load_pipeline(file, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.message(), HasSubstr(file.string() + ":1:10: product: must be text"));
    EXPECT_THAT(e.message(), HasSubstr(":3:1: versoin: is not a key known here; did you mean "
                                       "version?"));
    EXPECT_THAT(e.message(), HasSubstr("source is missing"));
  }
  EXPECT_THROW(load_pipeline(directory.path() / "nothing.yaml", {}), Error);
}

TEST(PipelineFile, InlineScriptsKeepTheirOwnVariables) {
  PipelineCheck result = check(
      "scripts:\n  pre_update:\n    inline: |\n      echo ${HOME}\n    time_limit: 5m\n"
      "  environment: {PRICE: 'a $${literal}'}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  EXPECT_EQ(result.pipeline->pre_update->text, "echo ${HOME}\n");
  EXPECT_EQ(result.pipeline->pre_update->sha256, sha256_hex("echo ${HOME}\n"));
  EXPECT_EQ(result.pipeline->pre_update->time_limit, std::chrono::minutes(5));
  EXPECT_EQ(result.pipeline->environment.at("PRICE"), "a ${literal}");
}

TEST(PipelineFile, UrlsAreKeptForLater) {
  PipelineCheck result = check("scripts: {post_update: 'https://example.org/x.sh'}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  EXPECT_EQ(result.pipeline->post_update->url, "https://example.org/x.sh");
  EXPECT_EQ(result.pipeline->post_update->text, "");
}

TEST(PipelineFile, NoScannerLooksLongerThanTheMachineLives) {
  const std::string build = "build: {deadline: 30m}\n";
  PipelineCheck result = check(build + "scanners: [qualys, {name: tenable, deadline: 20m}]\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  EXPECT_EQ(result.pipeline->scanners.at(0).deadline, std::chrono::minutes(30));
  EXPECT_EQ(result.pipeline->scanners.at(1).deadline, std::chrono::minutes(20));
  EXPECT_THAT(problems_of(check(build + "scanners: [{name: qualys, deadline: 1h}]\n")),
              HasSubstr("is longer than the build may take: 30m"));
}

TEST(PipelineFile, AnyNumberOfPendingUpdates) {
  PipelineCheck result = check("gate: {max_pending_updates: any}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  EXPECT_FALSE(result.pipeline->gate.max_pending_updates);
}

TEST(PipelineFile, VariableWithoutValue) {
  EXPECT_THAT(problems_of(check("variables: {size: }\nbuild: {machine_size: '${size}'}\n")),
              HasSubstr("--var size=VALUE"));
  PipelineCheck given =
      check("variables: {size: }\nbuild: {machine_size: '${size}'}\n", {{"size", "1.10"}});
  ASSERT_TRUE(given.pipeline) << problems_of(given);
  EXPECT_EQ(given.pipeline->build.machine_size, "1.10");
}

TEST(PipelineFile, AtMostTwentyProblems) {
  std::string many = "tags:\n";
  for (int i = 0; i < 30; ++i) many += fmt::format("  k{}: [x]\n", i);
  PipelineCheck result = check(many);
  EXPECT_EQ(result.problems.size(), 20u);
  EXPECT_EQ(result.left_out, 10);
}

TEST(PipelineFile, HostileDocumentsAreRefusedQuickly) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    bomb += fmt::format("{0}: &{0} [*{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}, *{1}]\n", c,
                        static_cast<char>(c - 1));
  }
  EXPECT_THAT(problems_of(check(bomb)), HasSubstr("aliases"));
  EXPECT_THAT(problems_of(check("tags: &t\n  x: *t\n")), HasSubstr("nested too deeply"));
  EXPECT_FALSE(check("tags: " + std::string(200, '[') + std::string(200, ']')).pipeline);
  EXPECT_FALSE(check("tags: " + std::string(100'000, '[')).pipeline);
  EXPECT_FALSE(check("x: '" + std::string(500'000, 'a') + "'\n").pipeline);
  EXPECT_FALSE(check(std::string(2 << 20, '#')).pipeline);
  EXPECT_FALSE(check("tags: {a: \"\xff\xfe\"}\n").pipeline);
  EXPECT_FALSE(check(std::string("tags: {a: \"\0\"}\n", 15)).pipeline);
  EXPECT_FALSE(check_pipeline_text("", ".", {}).pipeline);
  EXPECT_FALSE(check_pipeline_text("- 1\n", ".", {}).pipeline);
  EXPECT_FALSE(check_pipeline_text("just text", ".", {}).pipeline);
}

std::string first_problem(const std::string& text) {
  std::vector<Problem> problems = read_yaml(text, {}).problems;
  return problems.empty() ? "" : problems.front().message;
}

TEST(Hostile, WhatNoDocumentBeginsWithIsBadYaml) {
  for (const char* text : {",", "]", "a: 1\n}", "[a]]", "{a: 1}, b", ",,,,[\n"}) {
    EXPECT_THAT(first_problem(text), HasSubstr("bad YAML")) << text;
  }
  EXPECT_THAT(first_problem("a: 1\n...\nb: 2\n"), HasSubstr("a second document begins"));
}

TEST(Hostile, LongKeysAreRefused) {
  EXPECT_THAT(problems_of(check("scripts:\n  environment:\n    ? " + std::string(900'000, 'a') +
                                "\n    : x\n")),
              HasSubstr("a key is longer than 4096 characters"));
}

TEST(Hostile, LongListsAreRefusedAtOnce) {
  std::string names;
  for (int i = 0; i < 5'000; ++i) names += fmt::format("user{},", i);
  EXPECT_THAT(problems_of(check("approval: {approvers: [" + names + "]}\n")),
              HasSubstr("has more than 1000 entries"));
}

TEST(Hostile, VariablesDoNotMultiplyTheFile) {
  std::string uses;
  for (int i = 0; i < 1000; ++i) uses += "${a}";
  const std::string text = "variables: {a: " + std::string(4000, 'b') + "}\nx: \"" + uses + "\"\n";
  const YamlDocument document = read_yaml(text, {});
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_THAT(document.problems[0].message, HasSubstr("longer than 4096 characters"));
  EXPECT_EQ(document.json["x"], "");
}

TEST(Hostile, ProblemsHaveAnEnd) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "a: 1\n";
  EXPECT_EQ(read_yaml(text, {}).problems.size(), 100u);
}

TEST(PipelineCatalog, HasDefaultsAndATemplateOfItsOwn) {
  const PipelineCheck result = check("catalog: {}\n");
  ASSERT_TRUE(result.pipeline) << problems_of(result);
  const CatalogOffer& offer = result.pipeline->catalog.value();
  EXPECT_EQ(offer.portfolio, "Golden-AMI-Distribution-Portfolio");
  EXPECT_EQ(offer.machine_size, "t3.micro");
  EXPECT_THAT(offer.template_text, HasSubstr("AMI_ID_TO_REPLACE"));
  const Pipeline back = Json(*result.pipeline).get<Pipeline>();
  EXPECT_EQ(Json(back), Json(*result.pipeline));
  // Digests of pipelines without a catalog stay what they were.
  EXPECT_FALSE(Json(*check("").pipeline).contains("catalog"));
}

TEST(PipelineCatalog, SaysWhatIsWrongWithItsTemplateAndPrincipals) {
  EXPECT_THAT(problems_of(check("catalog: {template: none.yaml}\n")),
              HasSubstr("golden.yaml:5:21: catalog.template:"));
  EXPECT_THAT(problems_of(check("catalog: {template: complete.yaml}\n")),
              testing::AllOf(HasSubstr("catalog.template: complete.yaml:"),
                             HasSubstr("makes no resources")));
  EXPECT_THAT(problems_of(check("catalog: {principals: [developers]}\n")),
              HasSubstr("catalog.principals[0]"));
  EXPECT_THAT(problems_of(check("catalog: {launch_role: 'arn:aws:iam::1:role/x'}\n")),
              HasSubstr("catalog.launch_role"));
}

}  // namespace
}  // namespace hallmark::model
