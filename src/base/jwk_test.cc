#include "base/jwk.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace hallmark {
namespace {

// RFC 7515, appendices A.2 and A.3: the same payload, signed by RSA and by ECDSA.
const std::string kPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const std::string kRsaText = "eyJhbGciOiJSUzI1NiJ9." + kPayload;
const std::string kEcText = "eyJhbGciOiJFUzI1NiJ9." + kPayload;
const std::string kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
    "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
    "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
    "p0igcN_IoypGlUPQGe77Rw";
const std::string kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";

Json rsa() {
  return {{"kty", "RSA"},
          {"n",
           "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"
           "-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW"
           "vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
           "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"
           "G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
           "PAcDTW9gb54h4FRWyuXpoQ"},
          {"e", "AQAB"}};
}

Json ec() {
  return {{"kty", "EC"},
          {"crv", "P-256"},
          {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
          {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}};
}

TEST(Jwk, TakesWhatTheStandardSigned) {
  EXPECT_TRUE(verify_jwk(rsa(), "RS256", kRsaText, base64url_decode(kRsaSignature)));
  EXPECT_TRUE(verify_jwk(ec(), "ES256", kEcText, base64url_decode(kEcSignature)));
}

TEST(Jwk, RefusesEverythingElse) {
  const std::string rsa_signature = base64url_decode(kRsaSignature);
  const std::string ec_signature = base64url_decode(kEcSignature);
  EXPECT_FALSE(verify_jwk(rsa(), "RS256", kRsaText + "x", rsa_signature));
  EXPECT_FALSE(verify_jwk(ec(), "ES256", kEcText + "x", ec_signature));
  EXPECT_FALSE(verify_jwk(ec(), "ES256", kEcText, std::string(64, '\0')));
  EXPECT_FALSE(verify_jwk(ec(), "ES256", kEcText, ec_signature.substr(1)));
  EXPECT_FALSE(verify_jwk(rsa(), "RS256", kRsaText, ""));
  // Keys of another kind or use, and algorithms that are none.
  for (const char* algorithm : {"none", "HS256", "ES256", "RS512", ""}) {
    EXPECT_FALSE(verify_jwk(rsa(), algorithm, kRsaText, rsa_signature)) << algorithm;
  }
  for (const auto& [member, value] : std::vector<std::pair<std::string, Json>>{{"use", "enc"},
                                                                               {"alg", "RS512"},
                                                                               {"n", "AQAB"},
                                                                               {"n", "!"},
                                                                               {"n", 7},
                                                                               {"kty", Json()}}) {
    Json key = rsa();
    key[member] = value;
    EXPECT_FALSE(verify_jwk(key, "RS256", kRsaText, rsa_signature)) << key.dump();
  }
  Json off_curve = ec();
  off_curve["y"] = off_curve["x"];
  EXPECT_FALSE(verify_jwk(off_curve, "ES256", kEcText, ec_signature));
  EXPECT_FALSE(verify_jwk(Json::object(), "RS256", kRsaText, rsa_signature));
}

}  // namespace
}  // namespace hallmark
