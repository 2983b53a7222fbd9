#include "audit/head.h"

#include "base/error.h"

namespace hallmark::audit {

std::string head_message(std::int64_t sequence, const std::string& digest) {
  return fmt::format("hallmark-audit-head-v1\n{}\n{}\n", sequence, digest);
}

std::string entry_message(const std::string& digest) {
  return fmt::format("hallmark-audit-entry-v1\n{}\n", digest);
}

void to_json(Json& json, const Head& value) {
  json = {{"sequence", value.sequence},
          {"digest", value.digest},
          {"key_id", value.key_id},
          {"signature", value.signature}};
}

void from_json(const Json& json, Head& value) {
  value.sequence = member<std::int64_t>(json, "sequence");
  value.digest = member<std::string>(json, "digest");
  value.key_id = member<std::string>(json, "key_id");
  value.signature = member<std::string>(json, "signature");
}

}  // namespace hallmark::audit
