#include "base/signing.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

using Key = std::shared_ptr<EVP_PKEY>;
Key own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

EVP_PKEY* raw(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::shared_ptr<BIO> memory(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

template <typename Write>
std::string to_pem(Write write) {
  std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
  if (!bio || write(bio.get()) != 1) throw Error(ErrorKind::internal, "a key cannot be written");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

PublicKey public_part(EVP_PKEY* key) {
  std::string raw_key(kKeyBytes, '\0');
  std::size_t size = raw_key.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw_key.data()), &size) !=
      1) {
    throw Error(ErrorKind::internal, "a key has no public part");
  }
  return {raw_key};
}

/// A password callback that knows none, so that OpenSSL never asks at the terminal.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

std::string PublicKey::id() const { return sha256_hex(bytes).substr(0, 16); }

std::string PublicKey::pem() const {
  Key key = own(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, hallmark::bytes(bytes), bytes.size()));
  if (!key) throw Error(ErrorKind::corrupt, "a public key of {} bytes is none", bytes.size());
  return to_pem([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); });
}

SigningKey SigningKey::generate() {
  Key key = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) throw Error(ErrorKind::internal, "a key cannot be made");
  return SigningKey(key);
}

SigningKey SigningKey::from_pem(std::string_view text, std::string_view origin) {
  Key key = own(PEM_read_bio_PrivateKey(memory(text).get(), nullptr, no_password, nullptr));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    throw Error(ErrorKind::corrupt, "{} holds no Ed25519 private key without a password", origin)
        .hint("make one: hallmark key create FILE");
  }
  return SigningKey(key);
}

SigningKey SigningKey::read(const Path& path) {
  std::string text = read_file(path);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_errno(errno, "looking at " + path.string());
  if ((status.st_mode & 077) != 0) {
    throw Error(ErrorKind::denied, "others can read the private key {}", path.string())
        .hint("chmod 600 " + shell_quote(path.string()));
  }
  return from_pem(text, path.string());
}

PublicKey SigningKey::public_key() const { return public_part(raw(key_)); }

std::string SigningKey::pem() const {
  return to_pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, raw(key_), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string SigningKey::sign(std::string_view message) const {
  std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, raw(key_)) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes(message), message.size()) != 1) {
    throw Error(ErrorKind::internal, "a signature cannot be made");
  }
  return signature;
}

PublicKey public_key_from_pem(std::string_view text, std::string_view origin) {
  Key key = own(PEM_read_bio_PUBKEY(memory(text).get(), nullptr, no_password, nullptr));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    throw Error(ErrorKind::corrupt, "{} holds no Ed25519 public key", origin)
        .hint("hallmark key create FILE writes one to FILE.pub");
  }
  return public_part(key.get());
}

bool verify(const PublicKey& key, std::string_view message, std::string_view signature) {
  if (key.bytes.size() != kKeyBytes || signature.size() != kSignatureBytes) return false;
  Key public_key = own(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(key.bytes), key.bytes.size()));
  std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!public_key || !context) return false;
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

}  // namespace hallmark
