// ID tokens and keys, as somebody could send them who is between us and an OpenID provider.
#include "base/random.h"
#include "base/text.h"
#include "only_errors.h"
#include "server/id_token.h"

using namespace hallmark;

/// Lines: the header, the claims and a key, all as JSON; else the token as it is.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Chosen input = chosen(data, size);
  const std::vector<std::string> lines = split(input.text, '\n');
  std::string token(input.text);
  Json keys = {{"keys", Json::array()}};
  if (input.choice % 2 == 0 && lines.size() == 3) {
    token = base64url_encode(lines[0]) + "." + base64url_encode(lines[1]) + "." +
            base64url_encode("no signature of anybody, and as long as one of P-256: 64 bytes..");
    keys["keys"].push_back(Json::parse(lines[2], nullptr, false));
  }
  const server::TokenWanted wanted{.issuer = "https://id", .client_id = "c", .nonce = "n"};
  only_errors([&] { server::has_key_of(token, keys); });
  only_errors([&] { server::check_id_token(token, keys, wanted, TimePoint{}); });
  only_errors([&] {
    const Json claims = Json::parse(lines[lines.size() / 2], nullptr, false);
    if (claims.is_object()) server::check_claims(claims, wanted, TimePoint{});
  });
  return 0;
}
