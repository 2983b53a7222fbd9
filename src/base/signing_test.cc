#include "base/signing.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"

namespace hallmark {
namespace {

// RFC 8032, 7.1, test 2: a key with its signature of the one byte 0x72.
constexpr const char* kPublic = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr const char* kSignature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

TEST(Signing, KnowsTheRfcsOwnExample) {
  PublicKey key{from_hex(kPublic)};
  EXPECT_TRUE(verify(key, "r", from_hex(kSignature)));
  EXPECT_FALSE(verify(key, "s", from_hex(kSignature)));
  std::string altered = from_hex(kSignature);
  altered[5] ^= 1;
  EXPECT_FALSE(verify(key, "r", altered));
  EXPECT_FALSE(verify(key, "r", ""));
  EXPECT_FALSE(verify(PublicKey{"short"}, "r", from_hex(kSignature)));
}

TEST(Signing, KeysSurviveTheirFiles) {
  TempDir dir;
  SigningKey key = SigningKey::generate();
  const Path file = dir.path() / "key.pem";
  write_file(file, key.pem(), 0600);
  SigningKey back = SigningKey::read(file);
  EXPECT_TRUE(verify(key.public_key(), "message", back.sign("message")));
  EXPECT_EQ(public_key_from_pem(key.public_key().pem(), "test"), key.public_key());
  EXPECT_EQ(key.public_key().id().size(), 16u);
  EXPECT_NE(SigningKey::generate().public_key(), key.public_key());
}

TEST(Signing, RefusesKeysThatOthersCanRead) {
  TempDir dir;
  const Path file = dir.path() / "key.pem";
  write_file(file, SigningKey::generate().pem(), 0644);
  try {
    SigningKey::read(file);
    FAIL() << "was read";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::denied);
    EXPECT_NE(e.hint().find("chmod 600"), std::string::npos);
  }
}

TEST(Signing, RefusesWhatIsNoKey) {
  for (const char* text :
       {"", "rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    EXPECT_THROW(SigningKey::from_pem(text, "test"), Error) << text;
    EXPECT_THROW(public_key_from_pem(text, "test"), Error) << text;
  }
}

}  // namespace
}  // namespace hallmark
