/// What is believed of an OpenID provider's words; signatures are in base/jwk_test.cc, and a real
/// provider in tests/server/oidc_test.py.

#include "server/oidc.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "server/id_token.h"

namespace hallmark::server {
namespace {

const TokenWanted kWanted{.issuer = "https://id.example", .client_id = "hallmark", .nonce = "n-1"};
const TimePoint kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::int64_t kSecond = 1'800'000'000;

Json claims() {
  return {{"iss", "https://id.example"}, {"aud", "hallmark"}, {"sub", "7"},
          {"exp", kSecond + 300},        {"iat", kSecond},    {"nonce", "n-1"}};
}

std::string refusal(const Json& changed) {
  Json all = claims();
  all.merge_patch(changed);  // null removes
  try {
    check_claims(all, kWanted, kNow);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::denied);
    return error.message();
  }
  return "";
}

TEST(IdToken, ClaimsThatHold) {
  EXPECT_EQ(refusal(Json::object()), "");
  EXPECT_EQ(refusal({{"aud", {"hallmark"}}}), "");
  EXPECT_EQ(refusal({{"aud", {"other", "hallmark"}}, {"azp", "hallmark"}}), "");
  EXPECT_EQ(refusal({{"nbf", kSecond + 59}, {"iat", kSecond + 59}}), "") << "clocks are apart";
  EXPECT_EQ(refusal({{"exp", kSecond - 59}}), "") << "clocks are apart";
}

TEST(IdToken, ClaimsThatDoNot) {
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"iss", "https://id.example/"}}, "issuer"},
      {{{"iss", nullptr}}, "issuer"},
      {{{"aud", "other"}}, "aud"},
      {{{"aud", nullptr}}, "aud"},
      {{{"aud", {"other"}}}, "aud"},
      {{{"aud", {"other", "hallmark"}}}, "aud"},
      {{{"aud", {"other", "hallmark"}}, {"azp", "other"}}, "aud"},
      {{{"exp", kSecond - 61}}, "expired"},
      {{{"exp", nullptr}}, "expired"},
      {{{"exp", "tomorrow"}}, "exp"},
      {{{"exp", -1e300}}, "expired"},
      {{{"nbf", kSecond + 61}}, "future"},
      {{{"iat", kSecond + 61}}, "future"},
      {{{"nonce", "n-2"}}, "nonce"},
      {{{"nonce", nullptr}}, "nonce"},
      {{{"nonce", 1}}, "nonce"},
      {{{"sub", nullptr}}, "sub"}};
  for (const auto& [changed, word] : cases) {
    EXPECT_NE(refusal(changed).find(word), std::string::npos)
        << changed << ": " << refusal(changed);
  }
  TokenWanted none = kWanted;
  none.nonce = "";
  Json empty = claims();
  empty["nonce"] = "";
  EXPECT_THROW(check_claims(empty, none, kNow), Error);
}

TEST(IdToken, NothingUnsigned) {
  const std::string body = "." + base64url_encode(claims().dump()) + ".";
  for (const std::string header : {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({})", R"([])",
                                   R"({"alg":"RS256","crit":["x"]})", R"({"alg":"RS256"})", "x"}) {
    for (const std::string signature : {"", "AAAA", "?"}) {
      EXPECT_THROW(check_id_token(base64url_encode(header) + body + signature,
                                  {{"keys", Json::array({Json::object(), 1})}}, kWanted, kNow),
                   Error)
          << header;
    }
  }
  for (const std::string token : {"", "a", "a.b", "..", "a.b.c.d"}) {
    EXPECT_THROW(check_id_token(token, Json(), kWanted, kNow), Error) << token;
  }
}

TEST(IdToken, NewKeysAreFetchedForAnUnknownIdOnly) {
  const std::string token =
      base64url_encode(R"({"alg":"RS256","kid":"b"})") + "." + base64url_encode("{}") + ".AAAA";
  EXPECT_TRUE(has_key_of(token, {{"keys", {{{"kid", "a"}}, {{"kid", "b"}}}}}));
  EXPECT_FALSE(has_key_of(token, {{"keys", {{{"kid", "a"}}}}}));
  EXPECT_FALSE(has_key_of(token, Json::array()));
}

TEST(Oidc, NamesAPerson) {
  OidcConfig config{.name = "Example"};
  const Json ada = {{"email", "ada@example.com"}, {"email_verified", true}, {"groups", {"a", 7}}};
  EXPECT_EQ(person_from(config, ada).name, "ada@example.com");
  EXPECT_EQ(person_from(config, ada).groups, std::vector<std::string>{"a"});
  EXPECT_EQ(person_from(config, {{"email", "a@b"}, {"groups", "x"}}).groups,
            std::vector<std::string>{"x"});
  for (const Json& bad : {Json{{"email", "a@b"}, {"email_verified", false}}, Json{{"sub", "7"}},
                          Json{{"email", 7}}, Json{{"email", "a b"}}, Json{{"email", "a\r\nb"}}}) {
    EXPECT_THROW(person_from(config, bad), Error) << bad;
  }
  config.user_claim = "preferred_username";
  EXPECT_EQ(person_from(config, {{"preferred_username", "ada"}}).name, "ada");
}

TEST(Oidc, GroupsAreRoles) {
  OidcConfig config;
  config.roles = {{"*", {parse_right("viewer")}},
                  {"web", {parse_right("approver:Web-*"), parse_right("viewer")}}};
  EXPECT_EQ(rights_of(config, {}).size(), 1u);
  EXPECT_EQ(rights_of(config, {"web", "other"}).size(), 2u);
  config.roles.erase("*");
  EXPECT_TRUE(rights_of(config, {"other", "*"}).empty());
}

TEST(Oidc, NobodyListensOnTheWay) {
  for (const char* good :
       {"https://id.example", "http://127.0.0.1:9/x", "http://localhost", "http://[::1]:80"}) {
    EXPECT_NO_THROW(require_safe_url(good, "x")) << good;
  }
  for (const char* bad :
       {"http://id.example", "http://127.0.0.1.example.com", "http://localhost@x", "ftp://x", "",
        "http://localhost:80@evil.example", "http://127.0.0.1@evil.example"}) {
    EXPECT_THROW(require_safe_url(bad, "x"), Error) << bad;
  }
}

}  // namespace
}  // namespace hallmark::server
