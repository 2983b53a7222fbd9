#include "server/openapi.h"

#include <algorithm>

#include "base/text.h"
#include "cli/access.h"
#include "cli/exit_codes.h"
#include "cli/paging.h"
#include "cli/remote_call.h"

namespace hallmark::server {

namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Json reference(const std::string& kind, const std::string& name) {
  return {{"$ref", "#/components/" + kind + "/" + name}};
}

struct Described {
  std::string name;
  std::string help;
  bool flag = false;
  bool repeats = false;
  bool required = false;
  std::vector<std::string> choices;
};

std::vector<Described> parameters_of(const cli::Command& command, const cli::Access& access) {
  std::vector<Described> all;
  for (const cli::ArgumentSpec& argument : command.arguments) {
    all.push_back(
        {argument.name, argument.help, false, false, argument.required, argument.choices});
  }
  for (const cli::OptionSpec& option : command.options) {
    if (has(access.stays, option.name)) continue;
    all.push_back(
        {option.name, option.help, option.value.empty(), option.repeats, false, option.choices});
  }
  return all;
}

Json schema_of(const Described& parameter, const cli::Access& access) {
  if (parameter.flag) return {{"type", "boolean"}, {"description", parameter.help}};
  Json one = {{"type", "string"}};
  if (parameter.name == cli::kLimit) {
    one = {{"type", "integer"},
           {"minimum", 1},
           {"maximum", cli::kLongestPage},
           {"default", cli::kUsualPage}};
  }
  if (has(access.files_in, parameter.name)) {
    const bool pipeline = access.about == cli::About::pipeline && access.argument == parameter.name;
    one = reference("schemas", pipeline ? "PipelineFile" : "File");
  }
  if (!parameter.choices.empty()) one["enum"] = parameter.choices;
  Json schema = parameter.repeats ? Json{{"type", "array"}, {"items", one}} : one;
  std::string help = parameter.help;
  if (has(access.files_out, parameter.name)) {
    help +=
        "; any name: what is written is in \"written_files\" of the answer, by this parameter's "
        "name";
  }
  schema["description"] = help;
  return schema;
}

Json query_parameters(const cli::Command& command, const cli::Access& access) {
  Json parameters = Json::array();
  for (const Described& each : parameters_of(command, access)) {
    Json schema = schema_of(each, access);
    schema.erase("description");
    Json parameter = {{"name", cli::parameter_name(each.name)},
                      {"in", "query"},
                      {"description", each.help},
                      {"required", each.required},
                      {"schema", schema}};
    if (each.repeats) parameter["explode"] = true;
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Json body_of(const cli::Command& command, const cli::Access& access) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Described& each : parameters_of(command, access)) {
    properties[cli::parameter_name(each.name)] = schema_of(each, access);
    if (each.required) required.push_back(cli::parameter_name(each.name));
  }
  Json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  const bool needed = !required.empty();
  if (needed) schema["required"] = required;
  return {{"required", needed}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

Json answers_of(const cli::Command& command) {
  Json content = {{"application/json", {{"schema", {{"type", "object"}}}}}};
  if (command.streams) {
    content["text/event-stream"] = {{"schema", reference("schemas", "News")}};
  }
  Json ok = {{"description", "The record that `" + cli::title(command) + " --json` prints."},
             {"headers", {{"Hallmark-Exit-Code", reference("headers", "ExitCode")}}},
             {"content", content}};
  if (cli::is_paged(command)) ok["headers"]["Link"] = reference("headers", "Next");
  return {{"200", ok}, {"default", reference("responses", "Problem")}};
}

Json operation_of(const cli::Command& command, const cli::Access& access) {
  const bool reads = access.reach == cli::Reach::read;
  Json operation = {{"operationId", cli::parameter_name(command.noun + "_" + command.verb)},
                    {"summary", command.summary},
                    {"tags", {command.noun}},
                    {"x-hallmark-role", cli::to_string(access.role)},
                    {"security",
                     {{{"token", Json::array({std::string(cli::to_string(access.role))})}},
                      {{"session", Json::array({std::string(cli::to_string(access.role))})}}}},
                    {"responses", answers_of(command)}};
  if (!command.description.empty()) operation["description"] = command.description;
  if (reads) {
    operation["parameters"] = query_parameters(command, access);
  } else {
    operation["parameters"] = {reference("parameters", "IdempotencyKey")};
    operation["requestBody"] = body_of(command, access);
  }
  return {{reads ? "get" : "post", operation}};
}

Json components() {
  Json kinds = Json::array();
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    kinds.push_back(traits(static_cast<ErrorKind>(i)).name);
  }
  const Json text = {{"type", "string"}};
  const Json file = {{"type", "object"},
                     {"required", {"name"}},
                     {"properties",
                      {{"name", text},
                       {"content", {{"type", "string"}, {"description", "if it is UTF-8"}}},
                       {"base64", {{"type", "string"}, {"description", "if it is not"}}}}}};
  Json pipeline = file;
  pipeline["description"] = "golden.yaml, with the files that it names: beside it, or below.";
  pipeline["properties"]["files"] = {{"type", "array"}, {"items", reference("schemas", "File")}};
  return {
      {"schemas",
       {{"Problem",
         {{"type", "object"},
          {"required", {"type", "title", "status", "detail", "kind"}},
          {"properties",
           {{"type", {{"type", "string"}, {"format", "uri"}}},
            {"title", text},
            {"status", {{"type", "integer"}}},
            {"detail", text},
            {"kind", {{"type", "string"}, {"enum", kinds}}},
            {"notes", {{"type", "array"}, {"items", text}}},
            {"hint", {{"type", "string"}, {"description", "the way out"}}}}}}},
        {"File", file},
        {"PipelineFile", pipeline},
        {"News",
         {{"type", "string"},
          {"description",
           "Server-sent events: without a name, JSON with a \"type\" (run, step, progress, log, "
           "message), as the command's --json prints them; then one \"result\" with {exit_code, "
           "record}, or one \"error\" with a Problem."}}}}},
      {"headers",
       {{"ExitCode",
         {{"description", "What the command would exit with."}, {"schema", {{"type", "integer"}}}}},
        {"Next",
         {{"description",
           "`<..>; rel=\"next\"`: the next page; absent on the last. What it has as `after` is "
           "`next` of the record."},
          {"schema", {{"type", "string"}}}}}}},
      {"parameters",
       {{"IdempotencyKey",
         {{"name", "Idempotency-Key"},
          {"in", "header"},
          {"required", false},
          {"description",
           "The same for each attempt at one thing: it is done once, and what was answered is "
           "answered again for a day."},
          {"schema", {{"type", "string"}, {"maxLength", 200}}}}}}},
      {"responses",
       {{"Problem",
         {{"description", "It was not done."},
          {"content",
           {{"application/problem+json", {{"schema", reference("schemas", "Problem")}}}}}}}}},
      {"securitySchemes",
       {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
        {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "hallmark_session"}}}}}};
}

Json plain_operation(const std::string& id, const std::string& summary, const std::string& type,
                     bool open) {
  Json operation = {
      {"operationId", id},
      {"summary", summary},
      {"tags", {"server"}},
      {"responses",
       {{"200",
         {{"description", summary},
          {"content",
           {{type, {{"schema", {{"type", type == "application/json" ? "object" : "string"}}}}}}}}},
        {"default", reference("responses", "Problem")}}}};
  operation["security"] =
      open ? Json::array() : Json{{{"token", Json::array()}}, {{"session", Json::array()}}};
  return {{"get", operation}};
}

Json header_parameter(const char* name, const char* meaning) {
  return {{"name", name},
          {"in", "header"},
          {"required", true},
          {"description", meaning},
          {"schema", {{"type", "string"}}}};
}

/// Who asks is shown by the signature.
Json webhook_operation() {
  Json operation = plain_operation("fire_trigger",
                                   "Fires a trigger of the event webhook. 200: the event was taken "
                                   "before, and this is what came of it.",
                                   "application/json", true)["get"];
  operation["responses"]["202"] = operation["responses"]["200"];
  operation["parameters"] = {
      {{"name", "name"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}},
      header_parameter("X-Hallmark-Timestamp", "Unix seconds"),
      header_parameter("X-Hallmark-Signature",
                       "v1= and the HMAC-SHA256 in hex over timestamp, . and body")};
  operation["requestBody"] = {
      {"required", false},
      {"content",
       {{"application/json",
         {{"schema",
           {{"type", "object"},
            {"properties",
             {{"event",
               {{"type", "string"},
                {"maxLength", 200},
                {"description",
                 "what happened; of several with one event the first counts"}}}}}}}}}}}};
  return operation;
}

void add_plain(Json& paths) {
  paths["/healthz"] = plain_operation("healthz", "The server lives.", "text/plain", true);
  paths["/readyz"] =
      plain_operation("readyz", "The server and its database can work.", "text/plain", true);
  paths["/api/v1/openapi.json"] =
      plain_operation("openapi", "This document.", "application/json", true);
  paths["/api/v1/me"] =
      plain_operation("me", "Who asks, and what they may do.", "application/json", false);
  paths["/metrics"] = plain_operation("metrics", "Figures for Prometheus.", "text/plain", false);
  Json session = plain_operation("show_session", "Whose session it is, and its CSRF token.",
                                 "application/json", false);
  Json begin = plain_operation(
      "log_in", "Begins a session: sets the cookie, and says the CSRF token for X-CSRF-Token.",
      "application/json", true)["get"];
  begin["requestBody"] = {
      {"required", true},
      {"content",
       {{"application/json",
         {{"schema",
           {{"type", "object"},
            {"required", {"name", "password"}},
            {"properties",
             {{"name", {{"type", "string"}}}, {"password", {{"type", "string"}}}}}}}}}}}};
  session["post"] = begin;
  session["delete"] =
      plain_operation("log_out", "Ends the session.", "application/json", false)["get"];
  paths["/api/v1/session"] = session;
  paths["/api/v1/sign-in"] = plain_operation(
      "show_provider", "The name of the OpenID provider that people can sign in with, if any.",
      "application/json", true);
  paths["/api/v1/triggers/{name}"] = {{"post", webhook_operation()}};
  Json events = plain_operation(
      "events",
      "News of runs as server-sent events: run, step, progress, log; begun with hello, or with "
      "reset if what came after Last-Event-ID is not known any more.",
      "text/event-stream", false);
  events["get"]["parameters"] = {
      {{"name", "id"},
       {"in", "query"},
       {"required", false},
       {"description", "only of this run: its id, or the beginning of it"},
       {"schema", {{"type", "string"}}}},
      {{"name", "Last-Event-ID"},
       {"in", "header"},
       {"required", false},
       {"description", "go on after this one"},
       {"schema", {{"type", "string"}}}}};
  paths["/api/v1/events"] = events;
}

}  // namespace

Json openapi(const cli::CommandTable& commands) {
  Json paths = Json::object();
  Json tags = Json::array({{{"name", "server"}, {"description", "The server itself"}}});
  for (const cli::Noun& noun : commands.nouns) {
    const auto all = commands.of(noun.name);
    if (std::none_of(all.begin(), all.end(), [](const auto* c) { return cli::is_remote(*c); })) {
      continue;
    }
    if (noun.name != "server") tags.push_back({{"name", noun.name}, {"description", noun.summary}});
  }
  for (const cli::Command& command : commands.commands) {
    if (!cli::is_remote(command)) continue;
    paths[cli::route_of(command)] =
        operation_of(command, *cli::find_access(command.noun, command.verb));
  }
  add_plain(paths);
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Hallmark"},
            {"version", "1"},
            {"description",
             "What the commands of hallmark do, over HTTP: reads by GET with their parameters in "
             "the query, everything else by POST with a JSON body. docs/server.md says more."}}},
          {"servers", {{{"url", "/"}}}},
          {"tags", tags},
          {"paths", paths},
          {"components", components()}};
}

}  // namespace hallmark::server
