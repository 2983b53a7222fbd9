#include "base/digest.h"

#include <openssl/evp.h>

#include "base/error.h"
#include "base/text.h"

namespace hallmark {

namespace {

EVP_MD_CTX* context(const std::shared_ptr<void>& state) {
  return static_cast<EVP_MD_CTX*>(state.get());
}

void require(int done) {
  if (done != 1) throw Error(ErrorKind::internal, "a digest failed");
}

}  // namespace

Sha256::Sha256()
    : state_(EVP_MD_CTX_new(),
             [](void* state) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(state)); }) {
  require(EVP_DigestInit_ex(context(state_), EVP_sha256(), nullptr));
}

void Sha256::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context(state_), bytes.data(), bytes.size()));
}

std::string Sha256::hex() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(context(state_), bytes, &size));
  return to_hex({reinterpret_cast<char*>(bytes), size});
}

}  // namespace hallmark
