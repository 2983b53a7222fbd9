#include "server/problem.h"

#include "base/log.h"
#include "cli/exit_codes.h"

namespace hallmark::server {

namespace {

int status_of(const Error& error) {
  return dynamic_cast<const NotKnown*>(&error) != nullptr ? 401 : traits(error.kind()).http_status;
}

}  // namespace

Json problem_json(const Error& error) {
  Json notes = Json::array();
  for (const std::string& note : error.notes()) notes.push_back(redacted(note));
  return {{"type", "urn:hallmark:error:" + std::string(traits(error.kind()).name)},
          {"title", cli::meaning_of(error.kind())},
          {"status", status_of(error)},
          {"detail", redacted(error.message())},
          {"kind", traits(error.kind()).name},
          {"notes", notes},
          {"hint", redacted(error.hint())}};
}

Response problem_response(const Error& error) {
  Response response = json_response(problem_json(error), status_of(error));
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (traits(error.kind()).retry) response.headers.emplace_back("Retry-After", "5");
  return response;
}

Response json_response(const Json& json, int status) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = compact(json) + "\n"};
}

}  // namespace hallmark::server
