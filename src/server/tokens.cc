#include "server/tokens.h"

#include "base/ids.h"
#include "base/random.h"
#include "base/text.h"

namespace hallmark::server {

namespace {

constexpr std::string_view kPrefix = "hmk_";
/// Nobody guesses 256 bits, so that a plain digest of them keeps them secret.
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = 9;

ApiToken token_from(const db::Row& row) {
  return {.token_id = row.text("token_id"),
          .name = row.text("name"),
          .rights = parse_json(row.text("rights"), "api_tokens.rights").get<std::vector<Right>>(),
          .created_by = row.text("created_by"),
          .created_at = row.text("created_at"),
          .expires_at = row.optional_text("expires_at").value_or("")};
}

}  // namespace

void to_json(Json& json, const ApiToken& value) {
  json = {{"token_id", value.token_id},
          {"name", value.name},
          {"rights", value.rights},
          {"created_by", value.created_by},
          {"created_at", value.created_at},
          {"expires_at", value.expires_at.empty() ? Json(nullptr) : Json(value.expires_at)}};
}

std::string create_token(db::Database& database, ApiToken& token) {
  require_caller_name(token.name);
  token.token_id = to_hex(random_bytes(kIdBytes));
  const std::string secret = base64url_encode(random_bytes(kSecretBytes));
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "insert into api_tokens (token_id, name, secret_sha256, rights, created_by, created_at,"
        " expires_at) values (:token_id, :name, :secret, :rights, :by, :at, :expires)",
        {{"token_id", token.token_id},
         {"name", token.name},
         {"secret", sha256_hex(secret)},
         {"rights", compact(token.rights)},
         {"by", token.created_by},
         {"at", token.created_at},
         {"expires", token.expires_at.empty() ? db::Value(nullptr) : db::Value(token.expires_at)}});
  });
  return std::string(kPrefix) + token.token_id + "_" + secret;
}

void remove_token(db::Database& database, const std::string& token_id) {
  std::int64_t removed = 0;
  database.transaction([&](db::Connection& connection) {
    removed = connection.execute("delete from api_tokens where token_id = :token_id",
                                 {{"token_id", token_id}});
  });
  if (removed == 0) {
    throw Error(ErrorKind::not_found, "there is no API token {}", token_id)
        .hint("see: hallmark token list");
  }
}

std::vector<ApiToken> list_tokens(db::Database& database) {
  std::vector<ApiToken> tokens;
  database.read([&](db::Connection& connection) {
    tokens.clear();
    for (const db::Row& row :
         connection.query("select * from api_tokens order by created_at, token_id", {})) {
      tokens.push_back(token_from(row));
    }
  });
  return tokens;
}

std::optional<Caller> token_caller(db::Database& database, const std::string& text, TimePoint now) {
  constexpr std::size_t kIdDigits = 2 * kIdBytes;
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + kIdDigits + 2) {
    return std::nullopt;
  }
  const std::string token_id = text.substr(kPrefix.size(), kIdDigits);
  const std::string digest =
      sha256_hex(std::string_view(text).substr(kPrefix.size() + kIdDigits + 1));
  std::optional<Caller> caller;
  database.read([&](db::Connection& connection) {
    caller.reset();
    for (const db::Row& row : connection.query(
             "select * from api_tokens where token_id = :token_id", {{"token_id", token_id}})) {
      const ApiToken token = token_from(row);
      if (!same_secret(row.text("secret_sha256"), digest)) continue;
      if (!token.expires_at.empty() && from_rfc3339(token.expires_at) <= now) continue;
      caller = Caller{token.name, token.rights, "token", token.token_id};
    }
  });
  return caller;
}

}  // namespace hallmark::server
