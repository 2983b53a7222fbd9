#include "server/oidc.h"

#include <algorithm>

#include "base/ids.h"
#include "base/random.h"
#include "base/text.h"
#include "notify/message.h"
#include "server/id_token.h"

namespace hallmark::server {

namespace {

/// Addresses of a provider hardly ever change.
constexpr Duration kKnownFor{60 * 60'000};
constexpr std::uint64_t kMostAnswer = 1u << 20;
/// Somebody waits before an empty window.
constexpr Duration kProviderPatience{10'000};
constexpr std::size_t kStateBytes = 32;

std::string form_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) || c == '-' || c == '.' || c == '_');
    out += plain ? std::string(1, c) : "%" + to_hex(std::string(1, c));
  }
  return out;
}

std::string form(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : pairs) parts.push_back(name + "=" + form_encode(value));
  return join(parts, "&");
}

std::string text_of(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool lists(const Json& json, const char* key, const char* word) {
  const auto found = json.find(key);
  return found != json.end() && found->is_array() &&
         std::find(found->begin(), found->end(), Json(word)) != found->end();
}

/// "invalid_grant: grant request is invalid", as the other side puts it.
std::string said(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return notify::one_line(body, 200);
  const std::string more = text_of(json, "error_description");
  return notify::one_line(text_of(json, "error") + (more.empty() ? "" : ": " + more), 300);
}

Json object_from(const std::string& body, const std::string& origin) {
  Json json = parse_json(body, origin);
  if (!json.is_object()) throw Error(ErrorKind::corrupt, "{} is no JSON object", origin);
  return json;
}

}  // namespace

SignIn SignIn::begin() {
  auto made = [] { return base64url_encode(random_bytes(kStateBytes)); };
  return {.state = made(), .nonce = made(), .verifier = made()};
}

void require_safe_url(const std::string& url, const std::string& what) {
  if (url.starts_with("https://")) return;
  // With "@" what looks like the host may be a name and a password.
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]"}) {
    if (url.find('@') != url.npos) break;
    const std::string begin = "http://" + host;
    if (url.starts_with(begin) &&
        (url.size() == begin.size() || url[begin.size()] == ':' || url[begin.size()] == '/')) {
      return;
    }
  }
  throw Error(ErrorKind::usage, "{} is \"{}\", where others could listen", what,
              notify::one_line(url, 200))
      .hint("https is needed, except on this machine");
}

net::ExchangeResponse OidcProvider::send(net::ExchangeRequest request, std::stop_token stop) {
  request.max_bytes = kMostAnswer;
  request.connect_limit = request.time_limit = request.stall_limit = kProviderPatience;
  request.ca_file = config_.ca_file;
  request.headers.emplace_back("Accept", "application/json");
  try {
    return pool_.send(request, std::move(stop));
  } catch (const Error& error) {
    throw Error(error.kind(), "{} cannot be asked who signs in: {}", config_.name, error.message())
        .hint("try again later; who has a login of Hallmark's own can log in meanwhile");
  }
}

Json OidcProvider::get(const std::string& url, const std::string& access_token,
                       std::stop_token stop) {
  net::ExchangeRequest request{.method = "GET", .url = url};
  if (!access_token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + access_token);
  }
  const net::ExchangeResponse response = send(std::move(request), std::move(stop));
  if (response.status != 200) {
    throw Error(response.status >= 500 ? ErrorKind::unavailable : ErrorKind::failed,
                "{} answers with status {} at {}", config_.name, response.status, url);
  }
  return object_from(response.body, url);
}

Json OidcProvider::read_keys(const Json& about, std::stop_token stop) {
  return get(text_of(about, "jwks_uri"), "", std::move(stop));
}

OidcProvider::Known OidcProvider::known(TimePoint now, std::stop_token stop) {
  {
    auto access = known_.lock();
    if (*access && now - (*access)->read_at < kKnownFor) return **access;
  }
  // Several may ask at once; none waits for another.
  Known read{.read_at = now};
  std::string base = config_.issuer;
  while (base.ends_with('/')) base.pop_back();
  read.about = get(base + "/.well-known/openid-configuration", "", stop);
  if (text_of(read.about, "issuer") != config_.issuer) {
    throw Error(ErrorKind::corrupt, "the provider calls itself {}, not {}",
                notify::one_line(text_of(read.about, "issuer"), 200), config_.issuer)
        .hint("server.oidc.issuer of config.yaml must be spelled as the provider does");
  }
  for (const char* key : {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
    require_safe_url(text_of(read.about, key), config_.name + "'s " + key);
  }
  read.keys = read_keys(read.about, stop);
  *known_.lock() = read;
  return read;
}

std::string OidcProvider::authorization_url(const SignIn& sign_in, TimePoint now,
                                            std::stop_token stop) {
  const Known provider = known(now, std::move(stop));
  const std::string base = text_of(provider.about, "authorization_endpoint");
  return base + (base.find('?') == base.npos ? "?" : "&") +
         form({{"response_type", "code"},
               {"client_id", config_.client_id},
               {"redirect_uri", config_.redirect_url},
               {"scope", join(config_.scopes, " ")},
               {"state", sign_in.state},
               {"nonce", sign_in.nonce},
               {"code_challenge", base64url_encode(from_hex(sha256_hex(sign_in.verifier)))},
               {"code_challenge_method", "S256"}});
}

Json OidcProvider::tokens_for(const Json& about, const std::string& code, const SignIn& sign_in,
                              std::stop_token stop) {
  std::vector<std::pair<std::string, std::string>> fields = {{"grant_type", "authorization_code"},
                                                             {"code", code},
                                                             {"redirect_uri", config_.redirect_url},
                                                             {"code_verifier", sign_in.verifier}};
  // A code that was sent twice is taken for stolen.
  net::ExchangeRequest request{.method = "POST",
                               .url = text_of(about, "token_endpoint"),
                               .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                               .repeatable = false};
  const std::string secret = config_.client_secret ? config_.client_secret(stop) : "";
  const bool in_body =
      lists(about, "token_endpoint_auth_methods_supported", "client_secret_post") &&
      !lists(about, "token_endpoint_auth_methods_supported", "client_secret_basic");
  if (secret.empty() || in_body) fields.emplace_back("client_id", config_.client_id);
  if (!secret.empty() && in_body) fields.emplace_back("client_secret", secret);
  if (!secret.empty() && !in_body) {
    request.headers.emplace_back(
        "Authorization",
        "Basic " + base64_encode(form_encode(config_.client_id) + ":" + form_encode(secret)));
  }
  request.body = form(fields);
  const net::ExchangeResponse response = send(std::move(request), std::move(stop));
  if (response.status >= 500) {
    throw Error(ErrorKind::unavailable, "{} answers with status {}", config_.name, response.status);
  }
  if (response.status != 200) {
    throw Error(ErrorKind::denied, "{} did not take the code: {}", config_.name,
                said(response.body))
        .hint("begin again; if it stays so, compare client_id and client_secret");
  }
  try {
    return object_from(response.body, "what " + config_.name + " gave for the code");
  } catch (const Error&) {
    // What is wrong with it would be told with a part of it, and it holds tokens.
    throw Error(ErrorKind::corrupt, "what {} gave for the code is no JSON object", config_.name);
  }
}

Person OidcProvider::redeem(const std::string& code, const SignIn& sign_in, TimePoint now,
                            std::stop_token stop) {
  Known provider = known(now, stop);
  const Json tokens = tokens_for(provider.about, code, sign_in, stop);
  const std::string token = text_of(tokens, "id_token");
  // The token came from the provider itself, so nobody else can make us ask for keys.
  if (!has_key_of(token, provider.keys)) {
    provider.keys = read_keys(provider.about, stop);
    *known_.lock() = provider;
  }
  Json claims = check_id_token(
      token, provider.keys,
      {.issuer = config_.issuer, .client_id = config_.client_id, .nonce = sign_in.nonce}, now);
  // Many providers keep the token short and tell the rest on request.
  const std::string more = text_of(provider.about, "userinfo_endpoint");
  if ((!claims.contains(config_.user_claim) || !claims.contains(config_.groups_claim)) &&
      !more.empty()) {
    require_safe_url(more, config_.name + "'s userinfo_endpoint");
    const Json told = get(more, text_of(tokens, "access_token"), stop);
    if (text_of(told, "sub") != text_of(claims, "sub")) {
      throw Error(ErrorKind::denied, "{} tells of somebody else than its ID token", config_.name);
    }
    for (const auto& [key, value] : told.items()) {
      if (!claims.contains(key)) claims[key] = value;
    }
  }
  return person_from(config_, claims);
}

Person person_from(const OidcConfig& config, const Json& claims) {
  Person person{.name = text_of(claims, config.user_claim), .subject = text_of(claims, "sub")};
  if (person.name.empty()) {
    throw Error(ErrorKind::denied, "{} does not say {} of who signs in", config.name,
                config.user_claim)
        .hint("let it send the claim, or name another: server.oidc.user_claim of config.yaml");
  }
  // Else anybody could give themselves somebody's address.
  const auto verified = claims.find("email_verified");
  if (config.user_claim == "email" && verified != claims.end() && *verified != Json(true) &&
      *verified != Json("true")) {
    throw Error(ErrorKind::denied, "{} has not verified the address {}", config.name,
                notify::one_line(person.name, 128));
  }
  try {
    require_caller_name(person.name);
  } catch (const Error& error) {
    throw Error(ErrorKind::denied, "{}", error.message());
  }
  const auto groups = claims.find(config.groups_claim);
  if (groups != claims.end() && groups->is_string()) person.groups.push_back(*groups);
  if (groups != claims.end() && groups->is_array()) {
    for (const Json& group : *groups) {
      if (group.is_string()) person.groups.push_back(group);
    }
  }
  return person;
}

std::vector<Right> rights_of(const OidcConfig& config, const std::vector<std::string>& groups) {
  std::vector<Right> rights;
  for (const auto& [group, of_group] : config.roles) {
    if (group != "*" && std::find(groups.begin(), groups.end(), group) == groups.end()) continue;
    for (const Right& right : of_group) {
      const bool known = std::any_of(rights.begin(), rights.end(), [&](const Right& each) {
        return each.role == right.role && each.product == right.product;
      });
      if (!known) rights.push_back(right);
    }
  }
  return rights;
}

}  // namespace hallmark::server
