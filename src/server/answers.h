#pragma once
/// Answers to writes, kept under the Idempotency-Key that came with them.

#include <optional>
#include <string>

#include "base/clock.h"
#include "db/database.h"

namespace hallmark::server {

struct KeptAnswer {
  int status = 200;
  int exit_code = 0;
  std::string body;
};

struct AnswerKey {
  std::string actor;
  std::string key;
  std::string request_sha256;
};

/// Nothing: the request is ours to work on now, and is to be ended by keep_answer or forget_answer.
/// Else what was answered. Throws `conflict` if it is being worked on, or its end is unknown, or
/// the key was another request's.
std::optional<KeptAnswer> begin_answer(db::Database& database, const AnswerKey& key, TimePoint now);
void keep_answer(db::Database& database, const AnswerKey& key, const KeptAnswer& answer);
/// It came to nothing and may be tried again.
void forget_answer(db::Database& database, const AnswerKey& key);

}  // namespace hallmark::server
