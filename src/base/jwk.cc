#include "base/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

#include "base/random.h"

namespace hallmark {

namespace {

constexpr int kSmallestRsa = 2048;    // RFC 7518, section 3.3
constexpr int kLargestRsa = 8192;     // a longer one only takes time
constexpr std::size_t kEcBytes = 32;  // of P-256: each of x, y, r and s

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

using Key = std::shared_ptr<EVP_PKEY>;
using Number = std::shared_ptr<BIGNUM>;

Number number(std::string_view text) {
  return {BN_bin2bn(bytes(text), static_cast<int>(text.size()), nullptr), BN_free};
}

Key make_key(const char* kind, OSSL_PARAM_BLD* builder) {
  std::shared_ptr<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder), OSSL_PARAM_free);
  std::shared_ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr),
                                        EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return {};
  }
  return {key, EVP_PKEY_free};
}

Key rsa_key(const Json& jwk) {
  const Number modulus = number(base64url_decode(jwk.value("n", "")));
  const Number exponent = number(base64url_decode(jwk.value("e", "")));
  if (!modulus || !exponent || BN_num_bits(modulus.get()) < kSmallestRsa ||
      BN_num_bits(modulus.get()) > kLargestRsa || BN_num_bits(exponent.get()) > 64) {
    return {};
  }
  std::shared_ptr<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return make_key("RSA", builder.get());
}

Key ec_key(const Json& jwk) {
  const std::string x = base64url_decode(jwk.value("x", ""));
  const std::string y = base64url_decode(jwk.value("y", ""));
  if (jwk.value("crv", "") != "P-256" || x.size() != kEcBytes || y.size() != kEcBytes) return {};
  const std::string point = '\x04' + x + y;  // uncompressed
  std::shared_ptr<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return make_key("EC", builder.get());
}

/// OpenSSL takes r and s as ASN.1; JOSE writes them one after the other.
std::string ec_signature(std::string_view raw) {
  if (raw.size() != 2 * kEcBytes) return "";
  std::shared_ptr<ECDSA_SIG> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(bytes(raw), kEcBytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(raw.substr(kEcBytes)), kEcBytes, nullptr);
  if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) return "";
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &out);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return text;
}

bool holds(const Key& key, std::string_view message, std::string_view signature) {
  std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return key && context && !signature.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

}  // namespace

bool verify_jwk(const Json& jwk, std::string_view algorithm, std::string_view message,
                std::string_view signature) {
  try {
    if (jwk.value("use", "sig") != "sig" || jwk.value("alg", std::string(algorithm)) != algorithm) {
      return false;
    }
    const std::string kind = jwk.value("kty", "");
    if (algorithm == "RS256" && kind == "RSA") return holds(rsa_key(jwk), message, signature);
    if (algorithm == "ES256" && kind == "EC") {
      return holds(ec_key(jwk), message, ec_signature(signature));
    }
  } catch (const Error&) {  // no base64url
  } catch (const Json::exception&) {
  }
  return false;
}

}  // namespace hallmark
