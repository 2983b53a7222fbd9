#pragma once
/// The end of a log as it is remembered outside of it.

#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/json.h"

namespace hallmark::audit {

struct Head {
  std::int64_t sequence = 0;
  std::string digest;
  std::string key_id;
  std::string signature;  ///< over head_message(), base64
};

/// What a head's signature covers, and an entry's: a signature of the one is none of the other.
std::string head_message(std::int64_t sequence, const std::string& digest);
std::string entry_message(const std::string& digest);

void to_json(Json& json, const Head& value);
void from_json(const Json& json, Head& value);

inline constexpr const char* kHeadFile = "head.json";
inline constexpr const char* kFirstKeyFile = "first-key.pub";
inline constexpr const char* kSigningKeyFile = "signing-key.pem";

}  // namespace hallmark::audit
