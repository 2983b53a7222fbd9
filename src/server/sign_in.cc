#include "server/sign_in.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "notify/message.h"
#include "server/identify.h"
#include "server/logins.h"
#include "server/problem.h"

namespace hallmark::server {

namespace {

constexpr const char* kCookie = "hallmark_sign_in";
/// So long somebody may take at the provider: to find the second factor, say.
constexpr Duration kTakes{10 * 60'000};

/// Lax, as the way back begins at another site.
std::pair<std::string, std::string> own_cookie(const OidcConfig& config, const std::string& value,
                                               Duration age) {
  return {"Set-Cookie",
          fmt::format("{}={}; Path=/api/v1/sign-in; HttpOnly; SameSite=Lax; Max-Age={}{}", kCookie,
                      value, age.count() / 1000,
                      config.redirect_url.starts_with("https://") ? "; Secure" : "")};
}

Response go_to(const std::string& place) {
  return {.status = 303, .headers = {{"Location", place}, {"Cache-Control", "no-store"}}};
}

SignIn sign_in_from(const std::string& cookie) {
  const std::vector<std::string> parts = split(cookie, '.');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[2].empty()) {
    throw Error(ErrorKind::denied, "this browser has not begun to sign in, or it took too long")
        .hint("begin again");
  }
  return {.state = parts[0], .nonce = parts[1], .verifier = parts[2]};
}

std::string parameter(const Target& target, const char* name) {
  const auto found = target.query.find(name);
  return found != target.query.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The code, if the answer is one to what this browser asked.
std::string code_of(const OidcProvider& provider, const Target& target, const SignIn& sign_in) {
  if (!same_secret(parameter(target, "state"), sign_in.state)) {
    throw Error(ErrorKind::denied, "the answer is to another question (state)").hint("begin again");
  }
  // RFC 9207: with several providers, an answer of one could be passed off as another's.
  const std::string issuer = parameter(target, "iss");
  if (!issuer.empty() && issuer != provider.config().issuer) {
    throw Error(ErrorKind::denied, "the answer is of another provider (iss)").hint("begin again");
  }
  if (const std::string error = parameter(target, "error"); !error.empty()) {
    throw Error(ErrorKind::denied, "{} says no: {}", provider.config().name,
                notify::one_line(error + " " + parameter(target, "error_description"), 300))
        .hint("begin again");
  }
  std::string code = parameter(target, "code");
  if (code.empty()) throw Error(ErrorKind::denied, "the answer holds no code").hint("begin again");
  return code;
}

void tell(audit::Log& audit, const std::string& action, const Person& person,
          const OidcConfig& config, const std::vector<Right>& rights) {
  audit.append({.token = action + "/" + base64url_encode(random_bytes(16)),
                .actor = person.name,
                .action = action,
                .subject = person.name,
                .detail = {{"issuer", config.issuer}, {"rights", rights}}});
}

}  // namespace

Response show_provider(const OidcProvider* provider) {
  return json_response(provider == nullptr ? Json::object()
                                           : Json{{"name", provider->config().name}});
}

Response begin_sign_in(OidcProvider& provider, TimePoint now, std::stop_token stop) {
  const SignIn sign_in = SignIn::begin();
  Response response = go_to(provider.authorization_url(sign_in, now, std::move(stop)));
  response.headers.push_back(own_cookie(
      provider.config(), sign_in.state + "." + sign_in.nonce + "." + sign_in.verifier, kTakes));
  return response;
}

Response end_sign_in(OidcProvider& provider, db::Database& database, audit::Log& audit,
                     const Request& request, const Target& target, TimePoint now,
                     std::stop_token stop) {
  const OidcConfig& config = provider.config();
  const SignIn sign_in = sign_in_from(cookie_of(request, kCookie));
  const std::string code = code_of(provider, target, sign_in);
  const Person person = provider.redeem(code, sign_in, now, std::move(stop));
  const std::vector<Right> rights = rights_of(config, person.groups);
  const std::string whose = config.issuer + " " + person.subject;
  if (rights.empty()) {
    end_outside_sessions(database, person.name, whose);
    tell(audit, "session.refused", person, config, rights);
    throw Error(ErrorKind::denied, "{} may do nothing here", person.name)
        .hint("an admin can give a group of theirs a role: server.oidc.roles of config.yaml");
  }
  const NewSession made = begin_outside_session(
      database, {.name = person.name, .rights = rights, .created_by = whose}, now);
  tell(audit, "session.began", person, config, rights);
  Response response = go_to("/");
  response.headers.emplace_back("Set-Cookie", session_cookie(request, made.cookie, kSessionLife));
  response.headers.push_back(own_cookie(config, "", Duration::zero()));
  return response;
}

Response sign_in_problem(const Error& error) {
  const Json problem = problem_json(error);
  log_info("somebody could not sign in: {}", error.full_text());
  auto text = [&](const char* key) { return notify::escape_html(problem.value(key, "")); };
  return {.status = problem.value("status", 500),
          .headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Cache-Control", "no-store"}},
          .body = fmt::format("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                              "<title>Not signed in · Hallmark</title>\n<h1>Not signed in</h1>\n"
                              "<p role=\"alert\">{}</p>\n<p>{}</p>\n<p><a href=\"/\">Back</a></p>"
                              "</html>\n",
                              text("detail"), text("hint"))};
}

}  // namespace hallmark::server
