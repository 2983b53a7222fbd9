#include "server/id_token.h"

#include <algorithm>

#include "base/jwk.h"
#include "base/random.h"
#include "base/text.h"

namespace hallmark::server {

namespace {

struct Parts {
  Json header, claims;
  std::string signed_text, signature;
};

Error refused(const std::string& why) {
  return {ErrorKind::denied, "the provider's ID token {}", why};
}

Parts parts_of(const std::string& token) {
  constexpr std::size_t kLongest = 64u << 10;
  const std::vector<std::string> parts = split(token, '.');
  if (parts.size() != 3 || token.size() > kLongest) throw refused("is none");
  try {
    Parts read{.header = parse_json(base64url_decode(parts[0]), "its header"),
               .claims = parse_json(base64url_decode(parts[1]), "its claims"),
               .signed_text = parts[0] + "." + parts[1],
               .signature = base64url_decode(parts[2])};
    if (read.header.is_object() && read.claims.is_object()) return read;
  } catch (const Error&) {
  }
  throw refused("is none");
}

/// The text of a member; empty if it is missing or something else.
std::string claim_text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& keys_in(const Json& keys) {
  static const Json none = Json::array();
  const auto found = keys.is_object() ? keys.find("keys") : keys.end();
  return keys.is_object() && found != keys.end() && found->is_array() ? *found : none;
}

/// Seconds since 1970; nothing if it is missing. Clamped to what a time can hold.
std::optional<TimePoint> time_of(const Json& claims, const char* key) {
  const auto found = claims.find(key);
  if (found == claims.end()) return std::nullopt;
  constexpr double kLatest = 253402300799;  // the year 9999
  if (!found->is_number()) throw refused(std::string("has a time that is none: ") + key);
  const double seconds = std::clamp(found->get<double>(), 0.0, kLatest);
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(
      std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000))));
}

bool is_for(const Json& claims, const std::string& client_id) {
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return false;
  if (audience->is_string()) return *audience == client_id;
  if (!audience->is_array() ||
      std::find(audience->begin(), audience->end(), Json(client_id)) == audience->end()) {
    return false;
  }
  // Of several, the one it was made for must be us.
  return audience->size() == 1 || claim_text(claims, "azp") == client_id;
}

}  // namespace

bool has_key_of(const std::string& token, const Json& keys) {
  const std::string id = claim_text(parts_of(token).header, "kid");
  const Json& all = keys_in(keys);
  return !id.empty() && std::any_of(all.begin(), all.end(), [&](const Json& key) {
    return key.is_object() && claim_text(key, "kid") == id;
  });
}

Json check_id_token(const std::string& token, const Json& keys, const TokenWanted& wanted,
                    TimePoint now) {
  const Parts parts = parts_of(token);
  const std::string algorithm = claim_text(parts.header, "alg");
  if (algorithm != "RS256" && algorithm != "ES256") {
    // Above all "none", and HS256 with the public key as the secret.
    throw refused("is not signed by RS256 or ES256");
  }
  if (parts.header.contains("crit")) throw refused("demands what Hallmark does not know");
  const std::string id = claim_text(parts.header, "kid");
  const Json& all = keys_in(keys);
  const bool good = std::any_of(all.begin(), all.end(), [&](const Json& key) {
    if (!key.is_object() || (!id.empty() && claim_text(key, "kid") != id)) return false;
    return verify_jwk(key, algorithm, parts.signed_text, parts.signature);
  });
  if (!good) throw refused("has a signature by none of the provider's keys");
  check_claims(parts.claims, wanted, now);
  return parts.claims;
}

void check_claims(const Json& claims, const TokenWanted& wanted, TimePoint now) {
  if (claim_text(claims, "iss") != wanted.issuer) throw refused("is of another issuer");
  if (!is_for(claims, wanted.client_id)) throw refused("is for somebody else (aud)");
  const auto expires = time_of(claims, "exp");
  if (!expires || *expires + kClockLeeway <= now) {
    throw refused("has expired").hint("are the two clocks apart?");
  }
  for (const char* key : {"nbf", "iat"}) {
    const auto from = time_of(claims, key);
    if (from && *from > now + kClockLeeway) {
      throw refused("is of the future").hint("are the two clocks apart?");
    }
  }
  if (wanted.nonce.empty() || !same_secret(claim_text(claims, "nonce"), wanted.nonce)) {
    throw refused("answers another question (nonce)");
  }
  if (claim_text(claims, "sub").empty()) throw refused("is about nobody (sub)");
}

}  // namespace hallmark::server
