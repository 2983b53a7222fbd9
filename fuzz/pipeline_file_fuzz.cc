#include <cstddef>
#include <cstdint>

#include "fuzz/only_errors.h"
#include "model/pipeline_file.h"
#include "model/schema_check.h"
#include "model/waiver_file.h"

namespace model = hallmark::model;

namespace {

/// There is a pipeline, and it can be written and read again, or there are problems.
void check(std::string_view text, const model::Variables& variables) {
  const model::PipelineCheck checked = model::check_pipeline_text(text, "/nonexistent", variables);
  if (checked.pipeline.has_value() != checked.problems.empty()) __builtin_trap();
  for (const model::Problem& problem : checked.problems) {
    model::to_string(problem, "golden.yaml");
  }
  if (!checked.pipeline) return;
  const hallmark::Json json = *checked.pipeline;
  if (hallmark::Json(json.get<model::Pipeline>()) != json) __builtin_trap();
}

/// Both verdicts on a document, valijson's and our own, are the same.
void compare(const model::YamlDocument& document, const hallmark::Json& schema) {
  const bool is_valid = model::check_schema(schema, document.json).empty();
  if (is_valid != model::explain_schema(schema, document.json).empty()) __builtin_trap();
}

}  // namespace

/// The first byte says whether the rest is a golden.yaml, without or with given variables, a file
/// of waivers, or targets as text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hallmark::Json kPipeline = hallmark::parse_json(model::pipeline_schema(), "golden");
  static const hallmark::Json kWaivers = hallmark::parse_json(model::waivers_schema(), "waivers");
  const auto [choice, text] = hallmark::chosen(data, size);
  if (choice % 4 == 3) {
    hallmark::only_errors([&input = text] { model::targets_from_metadata(input); });
    return 0;
  }
  const bool is_waivers = choice % 4 == 2;
  if (is_waivers) {
    std::vector<model::Problem> problems;
    model::read_waivers(text, problems);
  } else {
    check(text, choice % 4 == 0 ? model::Variables{}
                                : model::Variables{{"version", "1"}, {"release", "${version}"}});
  }
  const model::YamlDocument document = model::read_yaml(text, {});
  if (document.problems.empty()) compare(document, is_waivers ? kWaivers : kPipeline);
  return 0;
}
