#include "evidence/dsse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace hallmark::evidence {
namespace {

ErrorKind opening(const std::string& envelope, const PublicKey& key) {
  try {
    open_sealed(envelope, kInTotoType, key, "it");
  } catch (const Error& e) {
    return e.kind();
  }
  ADD_FAILURE() << "it was opened";
  return ErrorKind::internal;
}

TEST(Dsse, SignsWhatTheProtocolsExampleSigns) {
  EXPECT_EQ(pre_authentication_encoding("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(pre_authentication_encoding("", ""), "DSSEv1 0  0 ");
}

TEST(Dsse, GivesBackAnyBytes) {
  const SigningKey key = SigningKey::generate();
  for (const std::string& payload :
       {std::string(), std::string("{}"), std::string("\0\xff\n", 3), std::string(100'000, 'x')}) {
    EXPECT_EQ(open_sealed(seal(kInTotoType, payload, key), kInTotoType, key.public_key(), "it"),
              payload);
  }
}

TEST(Dsse, CanBeVerifiedByOthers) {
  const SigningKey key = SigningKey::generate();
  const Json envelope = parse_json(seal(kInTotoType, "{}", key), "it");
  EXPECT_EQ(envelope["payload"], "e30=");
  EXPECT_EQ(envelope["payloadType"], "application/vnd.in-toto+json");
  EXPECT_TRUE(verify(key.public_key(), "DSSEv1 28 application/vnd.in-toto+json 2 {}",
                     base64_decode(envelope["signatures"][0]["sig"].get<std::string>())));
}

TEST(Dsse, RefusesAnotherKeyAndAnotherType) {
  const SigningKey key = SigningKey::generate();
  EXPECT_EQ(opening(seal(kInTotoType, "{}", key), SigningKey::generate().public_key()),
            ErrorKind::denied);
  EXPECT_EQ(opening(seal("text/plain", "{}", key), key.public_key()), ErrorKind::corrupt);
}

TEST(Dsse, RefusesAnotherKeyThatClaimsTheTrustedOnesName) {
  const SigningKey trusted = SigningKey::generate();
  const SigningKey other = SigningKey::generate();
  const std::string forged = replace_all(seal(kInTotoType, "{}", other), other.public_key().id(),
                                         trusted.public_key().id());
  EXPECT_EQ(opening(forged, trusted.public_key()), ErrorKind::corrupt);
}

TEST(Dsse, NoticesAnyChangedByte) {
  const SigningKey key = SigningKey::generate();
  const std::string envelope = seal(kInTotoType, "{\"a\":1}", key);
  for (std::size_t i = 0; i < envelope.size(); ++i) {
    std::string changed = envelope;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_THROW(open_sealed(changed, kInTotoType, key.public_key(), "it"), Error) << i;
    EXPECT_THROW(open_sealed(envelope.substr(0, i), kInTotoType, key.public_key(), "it"), Error);
  }
  EXPECT_EQ(opening(envelope + " ", key.public_key()), ErrorKind::corrupt);
}

TEST(Dsse, RefusesWhatIsNoEnvelope) {
  const PublicKey key = SigningKey::generate().public_key();
  for (
      const char* text :
      {"", "[]", "{}", "null", R"({"payload":1,"payloadType":"x","signatures":[{}]})",
       R"({"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]})",
       R"({"payload":"*","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"","sig":""}]})",
       R"({"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[3]})"}) {
    EXPECT_EQ(opening(text, key), ErrorKind::corrupt) << text;
  }
}

}  // namespace
}  // namespace hallmark::evidence
