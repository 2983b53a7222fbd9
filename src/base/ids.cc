#include "base/ids.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/error.h"
#include "base/text.h"

namespace hallmark {

std::string random_id(std::string_view prefix) {
  unsigned char bytes[9];
  if (RAND_bytes(bytes, sizeof bytes) != 1) throw Error(ErrorKind::internal, "no random bytes");
  std::string hex = to_hex({reinterpret_cast<char*>(bytes), sizeof bytes});
  return std::string(prefix) + "-" + hex.substr(0, 17);
}

std::string id_from_token(std::string_view prefix, std::string_view token) {
  return std::string(prefix) + "-" + sha256_hex(token).substr(0, 17);
}

namespace {
std::string digest(std::string_view bytes, const EVP_MD* algorithm) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, algorithm, nullptr) != 1) {
    throw Error(ErrorKind::internal, "a digest failed");
  }
  return {reinterpret_cast<char*>(digest), size};
}
}  // namespace

std::string sha256_hex(std::string_view bytes) { return to_hex(digest(bytes, EVP_sha256())); }

std::string sha1_hex(std::string_view bytes) { return to_hex(digest(bytes, EVP_sha1())); }

std::string md5(std::string_view bytes) { return digest(bytes, EVP_md5()); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest,
           &size) == nullptr) {
    throw Error(ErrorKind::internal, "an HMAC failed");
  }
  return {reinterpret_cast<char*>(digest), size};
}

}  // namespace hallmark
