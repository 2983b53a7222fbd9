#pragma once
/// A digest of what comes in parts.

#include <memory>
#include <span>
#include <string>

namespace hallmark {

class Sha256 {
 public:
  Sha256();
  void add(std::span<const std::byte> bytes);
  /// 64 lower-case hex digits. Nothing can be added after it.
  std::string hex();

 private:
  std::shared_ptr<void> state_;  // EVP_MD_CTX; OpenSSL's headers stay out of ours
};

}  // namespace hallmark
