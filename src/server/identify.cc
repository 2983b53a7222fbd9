#include "server/identify.h"

#include <fmt/format.h>

#include "base/random.h"
#include "base/text.h"
#include "server/problem.h"
#include "server/tokens.h"

namespace hallmark::server {

namespace {

std::string bearer_of(const Request& request) {
  const std::string value = request.header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  return value.starts_with(kBearer) ? value.substr(kBearer.size()) : "";
}

[[noreturn]] void throw_unknown(const std::string& why, const std::string& hint = {}) {
  NotKnown error(ErrorKind::denied, why);
  error.hint(hint);
  throw error;
}

Session session_of(db::Database& database, const Request& request, TimePoint now) {
  auto session = find_session(database, cookie_of(request, kSessionCookie), now);
  if (!session) throw_unknown("the session has ended", "log in again");
  if (request.method != "GET" && !same_secret(request.header("x-csrf-token"), session->csrf)) {
    throw Error(ErrorKind::denied, "the request does not show the session's CSRF token")
        .hint("send it as X-CSRF-Token; GET /api/v1/session says it");
  }
  return *session;
}

Json session_json(const Session& session) {
  return {{"name", session.caller.name}, {"rights", session.caller.rights}, {"csrf", session.csrf}};
}

/// Another site's page can make a browser send a form, and no JSON; and it says where it is from.
void require_same_site(const Request& request) {
  if (!request.header("content-type").starts_with("application/json")) {
    throw Error(ErrorKind::usage, "the body is to be application/json");
  }
  const std::string origin = request.header("origin");
  const std::size_t host = origin.find("://");
  if (!origin.empty() &&
      (host == origin.npos || origin.substr(host + 3) != request.header("host"))) {
    throw Error(ErrorKind::denied, "{} may not log anybody in", origin);
  }
}

}  // namespace

std::string cookie_of(const Request& request, const std::string& name) {
  for (const std::string& pair : split(request.header("cookie"), ';')) {
    const std::string_view plain = trim(pair);
    const std::string wanted = name + "=";
    if (plain.starts_with(wanted)) return std::string(plain.substr(wanted.size()));
  }
  return "";
}

std::string session_cookie(const Request& request, const std::string& value, Duration age) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie,
                     value, age.count() / 1000, request.secure ? "; Secure" : "");
}

bool names_somebody(const Request& request) {
  return !bearer_of(request).empty() || !cookie_of(request, kSessionCookie).empty();
}

Caller identify(db::Database& database, const Request& request, TimePoint now) {
  const std::string token = bearer_of(request);
  if (token.empty() && !cookie_of(request, kSessionCookie).empty()) {
    return session_of(database, request, now).caller;
  }
  if (token.empty()) {
    throw_unknown("who is asking?",
                  "send an API token: Authorization: Bearer TOKEN; hallmark takes it from "
                  "$HALLMARK_TOKEN, and an admin makes one with: hallmark token create");
  }
  auto caller = token_caller(database, token, now);
  if (!caller) throw_unknown("the API token is unknown or has expired");
  return *caller;
}

Response log_in(db::Database& database, audit::Log& audit, LoginThrottle& throttle,
                const Request& request, TimePoint now) {
  require_same_site(request);
  std::string name, password;
  try {
    const Json body = parse_json(request.body, "the body");
    name = member<std::string>(body, "name");
    password = member<std::string>(body, "password");
  } catch (const Error&) {
    throw Error(ErrorKind::usage, "log in with {{\"name\", \"password\"}}");
  }
  // Both: one name guessed from everywhere, and one place that guesses at all names.
  const std::string whose = "name " + name;
  const std::string where = "peer " + request.peer;
  throttle.check(whose, now);
  throttle.check(where, now);
  auto made = begin_session(database, name, password, now);
  if (!made) {
    throttle.failed(whose, now);
    throttle.failed(where, now);
    throw_unknown("name and password do not fit");
  }
  throttle.succeeded(whose);
  audit.append({.token = "session.began/" + base64url_encode(random_bytes(16)),
                .actor = name,
                .action = "session.began",
                .subject = name,
                .detail = {{"rights", made->session.caller.rights}}});
  Response response = json_response(session_json(made->session));
  response.headers.emplace_back("Set-Cookie", session_cookie(request, made->cookie, kSessionLife));
  return response;
}

Response show_session(db::Database& database, const Request& request, TimePoint now) {
  return json_response(session_json(session_of(database, request, now)));
}

Response log_out(db::Database& database, const Request& request, TimePoint now) {
  session_of(database, request, now);
  end_session(database, cookie_of(request, kSessionCookie));
  Response response = json_response(Json::object());
  response.headers.emplace_back("Set-Cookie", session_cookie(request, "", Duration::zero()));
  return response;
}

}  // namespace hallmark::server
