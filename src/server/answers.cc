#include "server/answers.h"

#include "base/error.h"

namespace hallmark::server {

namespace {

/// Who has heard nothing for a day asks no more.
constexpr Duration kAnswersKept{24 * 3600'000};

}  // namespace

std::optional<KeptAnswer> begin_answer(db::Database& database, const AnswerKey& key,
                                       TimePoint now) {
  std::optional<KeptAnswer> kept;
  database.transaction([&](db::Connection& connection) {
    kept.reset();
    connection.execute("delete from api_answers where created_at < :old",
                       {{"old", to_rfc3339(now - kAnswersKept)}});
    const auto rows = connection.query(
        "select * from api_answers where actor = :actor and answer_key = :answer_key",
        {{"actor", key.actor}, {"answer_key", key.key}});
    if (rows.empty()) {
      connection.execute(
          "insert into api_answers (actor, answer_key, request_sha256, exit_code, body, created_at)"
          " values (:actor, :answer_key, :request, 0, '', :at)",
          {{"actor", key.actor},
           {"answer_key", key.key},
           {"request", key.request_sha256},
           {"at", to_rfc3339(now)}});
      return;
    }
    const db::Row& row = rows.front();
    if (row.text("request_sha256") != key.request_sha256) {
      throw Error(ErrorKind::conflict, "the Idempotency-Key was that of another request")
          .hint("make a new one for each thing that is to be done");
    }
    const auto status = row.optional_integer("status");
    if (!status) {
      throw Error(ErrorKind::conflict, "this request is being worked on, or was broken off")
          .hint("ask again in a while; if it stays so, look whether the thing was done");
    }
    kept = KeptAnswer{static_cast<int>(*status), static_cast<int>(row.integer("exit_code")),
                      row.text("body")};
  });
  return kept;
}

void keep_answer(db::Database& database, const AnswerKey& key, const KeptAnswer& answer) {
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "update api_answers set status = :status, exit_code = :exit_code, body = :body"
        " where actor = :actor and answer_key = :answer_key",
        {{"status", std::int64_t{answer.status}},
         {"exit_code", std::int64_t{answer.exit_code}},
         {"body", answer.body},
         {"actor", key.actor},
         {"answer_key", key.key}});
  });
}

void forget_answer(db::Database& database, const AnswerKey& key) {
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "delete from api_answers where actor = :actor and answer_key = :answer_key and status is "
        "null",
        {{"actor", key.actor}, {"answer_key", key.key}});
  });
}

}  // namespace hallmark::server
