#pragma once
/// Ed25519 signatures (RFC 8032) and keys in PEM (RFC 8410), as `openssl genpkey` writes them.

#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"

namespace hallmark {

/// 32 raw bytes.
struct PublicKey {
  std::string bytes;
  /// 16 hex digits of SHA-256 over the bytes: what people and records call the key by.
  std::string id() const;
  std::string pem() const;
  bool operator==(const PublicKey&) const = default;
};

/// The secret half. Never printed, never in JSON.
class SigningKey {
 public:
  static SigningKey generate();
  /// Throws `corrupt` naming `origin` if the text is no Ed25519 private key.
  static SigningKey from_pem(std::string_view text, std::string_view origin);
  /// Reads a file, which others must not be able to read: `denied`.
  static SigningKey read(const Path& path);

  PublicKey public_key() const;
  std::string pem() const;
  /// 64 raw bytes.
  std::string sign(std::string_view message) const;

 private:
  explicit SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;  // EVP_PKEY; OpenSSL's headers stay out of ours
};

/// Throws `corrupt` naming `origin` if the text is no Ed25519 public key.
PublicKey public_key_from_pem(std::string_view text, std::string_view origin);
bool verify(const PublicKey& key, std::string_view message, std::string_view signature);

}  // namespace hallmark
