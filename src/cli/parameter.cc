/// hallmark parameter: the names through which golden images are found.

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/table.h"
#include "pipeline/names.h"

namespace hallmark::cli {

namespace {

Json parameter_record(const cloud::Place& place, const cloud::Parameter& parameter) {
  return {{"name", parameter.name},
          {"value", parameter.value},
          {"version", parameter.version},
          {"account_id", place.account_id},
          {"region", place.region}};
}

Outcome list(App& app, const Arguments& arguments) {
  const std::string path = arguments.value_or("PATH", pipeline::kParameterRoot);
  Json parameters = Json::array();
  for (const cloud::Place& place : places_of(app, arguments)) {
    for (const auto& parameter : app.workplace().context.cloud.list_parameters(place, path)) {
      parameters.push_back(parameter_record(place, parameter));
    }
  }
  return {{{"path", path}, {"parameters", parameters}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& parameter : record.at("parameters")) {
    auto text = [&](const char* key) { return parameter.at(key).get<std::string>(); };
    rows.push_back({text("account_id") + "/" + text("region"), text("name"), text("value"),
                    std::to_string(parameter.at("version").get<std::int64_t>())});
  }
  if (rows.empty()) {
    app.err.stream << "no parameters below " << record.at("path").get<std::string>() << '\n';
    return;
  }
  print_table(app.out, {"PLACE", "NAME", "VALUE", "VERSION"}, rows);
}

Outcome get(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("NAME", "");
  cloud::check_parameter_name(name);
  cloud::Place place = place_of(app, arguments);
  cloud::Cloud& cloud = app.workplace().context.cloud;
  if (auto parameter = cloud.get_parameter(place, name)) {
    return {{{"parameter", parameter_record(place, *parameter)}}};
  }
  std::vector<std::string> names;
  for (const auto& parameter : cloud.list_parameters(place, pipeline::kParameterRoot)) {
    names.push_back(parameter.name);
  }
  auto close = suggestion(name, names);
  throw Error(ErrorKind::not_found, "there is no parameter {} in {}", name, cloud::to_string(place))
      .hint(close ? "did you mean \"" + *close + "\"?"
                  : "see: " + app.command_prefix + " parameter list");
}

}  // namespace

std::vector<Command> parameter_commands() {
  return {
      {.noun = "parameter",
       .verb = "list",
       .summary = "List parameters in all places we know.",
       .examples = {{"hallmark parameter list", "All below /GoldenAMI/."},
                    {"hallmark parameter list /GoldenAMI/Debian-12/ --region us-east-1",
                     "Below another path, in one region."}},
       .arguments = {{"PATH", "what their names start with; default: /GoldenAMI/", false}},
       .options = place_options(),
       .run = list,
       .render = render_list},
      {.noun = "parameter",
       .verb = "get",
       .summary = "Print the value of one parameter.",
       .examples = {{"hallmark parameter get /GoldenAMI/latest", "Where images are built."},
                    {"hallmark parameter get /GoldenAMI/latest --account 111122223333 "
                     "--region us-east-1",
                     "Somewhere else."}},
       .arguments = {{"NAME", "its name"}},
       .options = place_options(),
       .exits = {{ErrorKind::not_found, ""}},
       .run = get,
       .render =
           [](const Json& record, App& app) {
             app.out.stream << record.at("parameter").at("value").get<std::string>() << '\n';
           }},
  };
}

}  // namespace hallmark::cli
