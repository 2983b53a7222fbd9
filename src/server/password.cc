#include "server/password.h"

#include <argon2.h>

#include <array>
#include <mutex>

#include "base/error.h"
#include "base/random.h"

namespace hallmark::server {

namespace {

// OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kMemoryKiB = 19 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kShortest = 12;
constexpr std::size_t kLongest = 1024;

std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

std::string hash_password(const std::string& password) {
  if (password.size() < kShortest || password.size() > kLongest) {
    throw Error(ErrorKind::usage, "a password has {} to {} bytes", kShortest, kLongest);
  }
  const std::string salt = random_bytes(kSaltBytes);
  std::string hash(
      argon2_encodedlen(kPasses, kMemoryKiB, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  std::lock_guard lock(one_at_a_time());
  const int result =
      argon2id_hash_encoded(kPasses, kMemoryKiB, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashBytes, hash.data(), hash.size());
  if (result != ARGON2_OK) {
    throw Error(ErrorKind::unavailable, "a password cannot be hashed: {}",
                argon2_error_message(result));
  }
  hash.resize(hash.find('\0'));
  return hash;
}

bool fits_password(const std::string& hash, const std::string& password) {
  if (password.size() > kLongest) return false;
  std::lock_guard lock(one_at_a_time());
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace hallmark::server
