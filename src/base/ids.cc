#include "base/ids.h"

#include <openssl/evp.h>
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

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::internal, "SHA-256 failed");
  }
  return to_hex({reinterpret_cast<char*>(digest), size});
}

}  // namespace hallmark
