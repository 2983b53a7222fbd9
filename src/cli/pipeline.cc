/// hallmark pipeline: looking at golden.yaml without touching anything.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "cli/variables.h"
#include "model/pipeline_file.h"

namespace hallmark::cli {

namespace {

Json problem_record(const model::Problem& problem, const Path& file) {
  return {{"file", file.string()}, {"line", problem.place.line}, {"column", problem.place.column},
          {"path", problem.path},  {"message", problem.message}, {"hint", problem.hint}};
}

Outcome validate(App&, const Arguments& arguments) {
  Path file = arguments.value_or("FILE", "");
  model::PipelineCheck check = model::check_pipeline(file, variables_of(arguments));
  Json problems = Json::array();
  for (const model::Problem& problem : check.problems) {
    problems.push_back(problem_record(problem, file));
    problems.back()["text"] = model::to_string(problem, file);
  }
  Json record = {{"file", file.string()},
                 {"valid", check.pipeline.has_value()},
                 {"image_key", check.pipeline ? Json(model::image_key(*check.pipeline)) : Json()},
                 {"problems", problems},
                 {"left_out", check.left_out}};
  return {record, check.pipeline ? 0 : traits(ErrorKind::usage).exit_code};
}

void render_validate(const Json& record, App& app) {
  std::string file = record.at("file");
  if (record.at("valid").get<bool>()) {
    app.out.stream << file << ": " << paint(app.out, Tone::good, "valid") << ", describes "
                   << record.at("image_key").get<std::string>() << '\n';
    return;
  }
  for (const Json& problem : record.at("problems")) {
    app.out.stream << problem.at("text").get<std::string>() << '\n';
  }
  std::size_t left_out = record.at("left_out").get<std::size_t>();
  std::size_t count = record.at("problems").size() + left_out;
  if (left_out > 0) app.out.stream << ".. and " << left_out << " more\n";
  app.out.stream << file << ": " << paint(app.out, Tone::bad, "not valid") << ", " << count
                 << (count == 1 ? " problem\n" : " problems\n");
}

Outcome show(App&, const Arguments& arguments) {
  model::Pipeline pipeline =
      model::load_pipeline(arguments.value_or("FILE", ""), variables_of(arguments));
  return {{{"image_key", model::image_key(pipeline)},
           {"image_name", model::image_name(pipeline)},
           {"pipeline", pipeline}}};
}

std::string source_text(const model::SourceRef& source) {
  if (!source.image_id.empty()) return source.image_id;
  if (!source.parameter.empty()) return "image in the parameter " + source.parameter;
  if (!source.golden_image.empty()) return "golden image " + source.golden_image;
  bool is_pattern = source.name.find_first_of("*?") != std::string::npos;
  return (is_pattern ? "newest image named " : "image named ") + source.name +
         (source.owners.empty() ? "" : " of " + join(source.owners, ", ")) +
         (source.architecture == "x86_64" ? "" : " for " + source.architecture);
}

void render_show(const Json& record, App& app) {
  auto pipeline = record.at("pipeline").get<model::Pipeline>();
  const model::SourceRef& source = pipeline.source;
  std::vector<std::string> tests;
  for (const model::ImageTest& test : pipeline.tests) tests.push_back(test.name);
  std::vector<std::string> targets;
  for (const model::Target& target : pipeline.targets) {
    targets.push_back(target.account_id + " in " + join(target.regions, ", ") + " (" +
                      std::string(model::to_string(target.delivery)) + ")");
  }
  auto name_of = [](const std::optional<model::Script>& script) {
    return script ? script->name : std::string("none");
  };
  std::string updates = !pipeline.updates.enabled ? "none"
                        : pipeline.updates.all    ? "all packages"
                                                  : join(pipeline.updates.include, ", ");
  if (!pipeline.updates.exclude.empty()) {
    updates += ", never " + join(pipeline.updates.exclude, ", ");
  }
  std::string approval =
      pipeline.approval.automatic
          ? "by itself when the gate passes"
          : std::to_string(pipeline.approval.required) + " of " +
                (pipeline.approval.approvers.empty() ? "anyone but the requester"
                                                     : join(pipeline.approval.approvers, ", ")) +
                ", within " + format_duration(pipeline.approval.deadline);
  print_fields(app.out,
               {{"Image", {model::image_key(pipeline), Tone::strong}},
                {"Name in the cloud", record.at("image_name").get<std::string>()},
                {"Description", pipeline.description},
                {"Source", source_text(source)},
                {"Build", std::string(model::to_string(pipeline.build.mode)) + ", at most " +
                              format_duration(pipeline.build.deadline)},
                {"Before updates", name_of(pipeline.pre_update)},
                {"Updates", updates},
                {"After updates", name_of(pipeline.post_update)},
                {"Tests", tests.empty() ? "none; the candidate is booted once" : join(tests, ", ")},
                {"Approval", approval},
                {"Targets", targets.empty() ? "none" : join(targets, "; ")}});
}

Outcome schema(App&, const Arguments&) {
  return {parse_json(model::pipeline_schema(), "the schema of golden.yaml")};
}

}  // namespace

std::vector<Command> pipeline_commands() {
  ArgumentSpec file = {"FILE", "a pipeline file, such as golden.yaml"};
  return {
      {.noun = "pipeline",
       .verb = "validate",
       .summary = "Check a pipeline file and say what is wrong, with line and column.",
       .examples = {{"hallmark pipeline validate golden.yaml", "Needs no cloud and no state."},
                    {"hallmark pipeline validate golden.yaml --var version=2",
                     "The same with another value for a variable."}},
       .arguments = {file},
       .options = {variable_option()},
       .exits = {{ErrorKind::usage, "it is not valid"}, {ErrorKind::not_found, ""}},
       .run = validate,
       .render = render_validate},
      {.noun = "pipeline",
       .verb = "show",
       .summary = "Show what a pipeline file comes to, with all defaults filled in.",
       .examples = {{"hallmark pipeline show golden.yaml", "What will be built, in short."},
                    {"hallmark pipeline show golden.yaml --json", "All of it."}},
       .arguments = {file},
       .options = {variable_option()},
       .exits = {{ErrorKind::not_found, ""}},
       .run = show,
       .render = render_show},
      {.noun = "pipeline",
       .verb = "schema",
       .summary = "Print the JSON Schema of pipeline files, for editors.",
       .examples = {{"hallmark pipeline schema > golden.schema.json",
                     "Editors then complete and check golden.yaml while it is written."}},
       .run = schema,
       .render = [](const Json& record, App& app) { app.out.stream << pretty(record) << '\n'; }},
  };
}

}  // namespace hallmark::cli
