#include "app/secrets.h"

#include <cstdlib>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::app {

namespace {

/// "arn:aws:secretsmanager:eu-west-1:111122223333:secret:name" stands in its own region.
std::string region_of(const std::string& name, const std::string& otherwise) {
  const std::vector<std::string> parts = split(name, ':');
  constexpr std::size_t kRegion = 3;
  return name.starts_with("arn:") && parts.size() > kRegion ? parts[kRegion] : otherwise;
}

aws::Value ask_aws(const char* service, const char* operation, const std::string& name,
                   const aws::Value& input, const SecretPlaces& places, std::stop_token stop) {
  return places.aws()->call(
      {.service = service, .operation = operation, .region = region_of(name, places.aws_region)},
      input, std::move(stop));
}

std::string from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    throw Error(ErrorKind::not_found, "the secret {} is not in the environment", name)
        .hint("set it for the process that runs hallmark");
  }
  return value;
}

std::string from_file(const Path& file) {
  std::string text = read_file(file);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

/// A member of the secret, if it names one after '#'.
std::string from_secrets_manager(const std::string& reference, const SecretPlaces& places,
                                 std::stop_token stop) {
  const std::size_t hash = reference.find('#');
  const std::string name = reference.substr(0, hash);
  const aws::Value answer = ask_aws("secretsmanager", "GetSecretValue", name, {{"SecretId", name}},
                                    places, std::move(stop));
  std::string text = answer.value("SecretString", "");
  if (hash == std::string::npos) return text;
  redact(text);
  const std::string key = reference.substr(hash + 1);
  // Parsing must not quote the secret in its error.
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(key) || !json[key].is_string()) {
    throw Error(ErrorKind::not_found, "the secret {} has no text \"{}\"", name, key)
        .hint("write NAME#MEMBER for a secret that is a JSON object, NAME for its whole text");
  }
  return json[key].get<std::string>();
}

std::string from_parameter(const std::string& name, const SecretPlaces& places,
                           std::stop_token stop) {
  const aws::Value answer =
      ask_aws("ssm", "GetParameter", name, {{"Name", name}, {"WithDecryption", true}}, places,
              std::move(stop));
  return answer.value("Parameter", aws::Value::object()).value("Value", "");
}

std::string looked_up(const std::string& reference, const SecretPlaces& places,
                      std::stop_token stop) {
  const std::size_t colon = reference.find(':');
  const std::string kind = reference.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : reference.substr(colon + 1);
  if (kind == "env") return from_environment(name);
  if (kind == "file") return from_file(places.directory / name);
  if (kind == "secretsmanager") return from_secrets_manager(name, places, std::move(stop));
  if (kind == "ssm") return from_parameter(name, places, std::move(stop));
  // Perhaps the secret itself, so it is not quoted.
  throw Error(ErrorKind::usage, "a secret is not said where to be found")
      .hint("write env:NAME, file:PATH, secretsmanager:NAME#MEMBER or ssm:/NAME");
}

}  // namespace

std::string secret_value(const std::string& reference, const SecretPlaces& places,
                         std::stop_token stop) {
  std::string value;
  try {
    value = looked_up(reference, places, std::move(stop));
  } catch (Error& e) {
    throw std::move(
        e.note("while looking for the secret " + reference.substr(0, reference.find('#'))));
  }
  if (value.empty()) throw Error(ErrorKind::usage, "the secret {} is empty", reference);
  redact(value);
  return value;
}

}  // namespace hallmark::app
