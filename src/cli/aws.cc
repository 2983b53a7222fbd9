/// hallmark aws call, parse: any operation of AWS, by name.

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "aws/codec.h"
#include "aws/http_client.h"
#include "aws/model.h"
#include "aws/printable.h"
#include "aws/raw_http.h"
#include "aws/refusal.h"
#include "aws/url.h"
#include "aws/validate.h"
#include "base/text.h"
#include "cli/nouns.h"

namespace hallmark::cli {

namespace {

/// What --now puts in the place of random tokens, so that the same call prints the same request.
constexpr const char* kFixedToken = "00000000-0000-4000-8000-000000000000";

std::string read_stdin() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::shared_ptr<aws::ModelLibrary> models_for(const Arguments& arguments) {
  const char* directory = std::getenv(aws::kModelsVariable);
  auto models = std::make_shared<aws::ModelLibrary>(directory == nullptr ? "" : directory);
  if (auto file = arguments.value("--model")) {
    models->put(aws::load_model_file(arguments.value_or("SERVICE", ""), *file));
  }
  return models;
}

aws::Value input_for(const Arguments& arguments, const aws::Operation& operation) {
  std::string given = arguments.value_or("--input", "{}");
  std::string origin = "--input";
  std::string text = given;
  if (given == "-") {
    text = read_stdin();
    origin = "standard input";
  } else if (given.starts_with('@')) {
    origin = given.substr(1);
    text = read_file(origin);
  }
  // Ordered, because a request shows the order of its input.
  aws::Value input = aws::Value::parse(text, nullptr, false);
  if (input.is_discarded()) {
    try {
      parse_json(text, origin);
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, "{}", error.message())
          .hint("--input takes JSON, @FILE or - for standard input");
    }
  }
  if (!input.is_object()) throw Error(ErrorKind::usage, "{}: not a JSON object", origin);
  if (operation.input == nullptr) return input;
  return aws::from_printable(*operation.input, std::move(input));
}

Json record_of(const aws::Value& value) {
  // Services may send what is no UTF-8.
  return Json::parse(
      aws::printable(value).dump(-1, ' ', false, aws::Value::error_handler_t::replace));
}

Json request_record(const aws::Request& request) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) {
    std::string shown = headers.contains(name) ? headers[name].get<std::string>() + "," : "";
    headers[name] = shown + value;
  }
  Json record = {
      {"method", request.method}, {"url", aws::request_url(request)}, {"headers", headers}};
  if (aws::is_utf8(request.body)) {
    record["body"] = request.body;
  } else {
    record["body_base64"] = base64_encode(request.body);
  }
  return record;
}

void render_json(const Json& record, App& app) { app.out.stream << pretty(record) << '\n'; }

Outcome call(App& app, const Arguments& arguments) {
  aws::Call call{.service = arguments.value_or("SERVICE", ""),
                 .operation = arguments.value_or("OPERATION", ""),
                 .region = arguments.value_or("--region", "")};
  bool dry_run = arguments.has("--dry-run");
  aws::ClientOptions options;
  options.models = models_for(arguments);
  options.profile = arguments.value_or("--profile", "");
  options.endpoint_url = arguments.value_or("--endpoint-url", "");
  options.region = call.region;
  std::optional<ManualClock> fixed;
  if (auto now = arguments.value("--now")) {
    if (!dry_run) throw Error(ErrorKind::usage, "--now goes with --dry-run only");
    try {
      fixed.emplace(from_rfc3339(*now));
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, "--now: {}", error.message()).hint("like 2026-11-22T17:05:01Z");
    }
    options.token = [] { return std::string(kFixedToken); };
  }
  if (arguments.has("--debug-wire")) {
    options.wire_log = [&app](std::string_view text) { app.err.stream << text << std::flush; };
  }
  const aws::Operation& operation = options.models->get(call.service)->operation(call.operation);
  aws::Value input = input_for(arguments, operation);
  Clock& clock = fixed ? static_cast<Clock&>(*fixed) : app.clock;
  aws::HttpClient client(clock, std::move(options));
  if (dry_run) return {request_record(client.prepare(call, input, app.stop))};
  return {record_of(client.call(call, input, app.stop))};
}

Json refusal_record(const aws::Refusal& refusal) {
  return {{"error",
           {{"code", refusal.code},
            {"message", refusal.message},
            {"status", refusal.status},
            {"request_id", refusal.request_id},
            {"details", record_of(refusal.details)}}}};
}

Outcome parse(App&, const Arguments& arguments) {
  std::string service = arguments.value_or("SERVICE", "");
  auto model = models_for(arguments)->get(service);
  const aws::Operation& operation = model->operation(arguments.value_or("OPERATION", ""));
  std::string file = arguments.value_or("--response", "-");
  aws::RawResponse raw = aws::parse_raw_response(file == "-" ? read_stdin() : read_file(file));
  if (aws::is_refusal(*model, operation, raw.response)) {
    aws::Refusal refusal = aws::read_refusal(*model, operation, raw.response);
    ErrorKind kind = aws::to_error(refusal, service, operation.name).kind();
    return {refusal_record(refusal), traits(kind).exit_code};
  }
  auto cut_off = [&](std::string_view more) {
    return Error(ErrorKind::corrupt, "the answer is cut off: {} bytes of {} are there{}",
                 raw.response.body.size(),
                 aws::header(raw.response.headers, "Content-Length").value_or("more"), more);
  };
  // A document shows by itself whether it is whole; raw bytes do not.
  if (raw.is_cut_off && operation.output != nullptr && operation.output->payload != nullptr) {
    throw cut_off("");
  }
  try {
    return {record_of(aws::read_answer(*model, operation, raw.response))};
  } catch (const Error& error) {
    if (raw.is_cut_off && error.kind() == ErrorKind::corrupt) {
      throw cut_off("; " + error.message());
    }
    throw;
  }
}

const ArgumentSpec kService = {"SERVICE", "as in botocore: ec2, ssm, ebs, s3, sts .."};
const ArgumentSpec kOperation = {"OPERATION", "as in AWS's reference: DescribeImages"};
const OptionSpec kModel = {"--model", "FILE", "a service-2.json to use for SERVICE"};

}  // namespace

std::vector<Command> aws_commands() {
  return {
      {.noun = "aws",
       .verb = "call",
       .summary = "Call any operation of AWS and print its answer as JSON.",
       .examples = {{"hallmark aws call sts GetCallerIdentity --region us-east-1", "Who am I?"},
                    {"hallmark aws call ec2 DescribeImages --input '{\"Owners\": [\"self\"]}'",
                     "With an input."},
                    {"hallmark aws call ssm GetParameter --input @input.json --dry-run",
                     "The request that would be sent."}},
       .arguments = {kService, kOperation},
       .options = {{"--input", "JSON",
                    "the input, or @FILE, or - for standard input; default: {}. Bytes are text or "
                    "{\"base64\": ..}"},
                   {"--region", "REGION", "default: the environment's or the profile's"},
                   {"--profile", "NAME", "whose credentials and settings"},
                   {"--endpoint-url", "URL", "send it there instead of to AWS"},
                   kModel,
                   {"--dry-run", "", "print the signed request and send nothing"},
                   {"--now", "TIME",
                    "with --dry-run: sign as if it were then, and make no random tokens"},
                   {"--debug-wire", "", "show requests and answers, without secrets"}},
       .description = "The input is checked against the service's model before it is sent. Newer "
                      "models than the program's are taken from $HALLMARK_AWS_MODELS, a directory "
                      "like botocore's data.",
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::denied, ""},
                 {ErrorKind::conflict, ""},
                 {ErrorKind::unavailable, ""},
                 {ErrorKind::corrupt, "the answer is none, or a model is damaged"},
                 {ErrorKind::failed, "AWS said no for another reason"}},
       .run = call,
       .render = render_json},
      {.noun = "aws",
       .verb = "parse",
       .summary = "Read an HTTP answer of AWS from a file and print it as JSON.",
       .examples = {{"hallmark aws parse ec2 DescribeImages --response answer.http",
                     "What the answer says."}},
       .arguments = {kService, kOperation},
       .options = {{"--response", "FILE",
                    "status line, headers, blank line, body; - for standard input (the default)"},
                   kModel},
       .description =
           "Bytes are printed as text if they are UTF-8, else as {\"base64\": ..}; times "
           "as seconds since 1970. An error of the service is printed as {\"error\": "
           "{\"code\", \"message\", \"status\", \"request_id\", \"details\"}}, and its "
           "kind decides the exit code.",
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::denied, ""},
                 {ErrorKind::conflict, ""},
                 {ErrorKind::unavailable, ""},
                 {ErrorKind::corrupt, "the answer is cut off or not what the model says"},
                 {ErrorKind::failed, "AWS said no for another reason"}},
       .run = parse,
       .render = render_json},
  };
}

}  // namespace hallmark::cli
