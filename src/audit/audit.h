#pragma once
/// The audit log: every transition, decision and look at evidence, each entry holding the digest of
/// the one before it and signed, so that an edited, dropped, reordered or cut entry shows without
/// trust in the database. Format: docs/formats/audit.md.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/head.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/signing.h"
#include "db/database.h"

namespace hallmark::audit {

/// What is told to the log.
struct Event {
  std::string token;    ///< telling an event twice with one token makes one entry
  std::string actor;    ///< who: a user, an IAM ARN, or "hallmark"
  std::string action;   ///< "image.active", "decision.approve", "evidence.read"
  std::string subject;  ///< on what: "product/os/version", an image id, a run id
  Json detail = Json::object();
};

/// What the log keeps. `text` is what digest and signature cover.
struct Entry {
  std::int64_t sequence = 0;
  std::string text;
  std::string digest;  ///< SHA-256 of text, hex
  std::string key_id;
  std::string signature;  ///< base64
};

/// Actions of the log's own, about its keys.
inline constexpr const char* kStarted = "audit.started";
inline constexpr const char* kKeyRotated = "audit.key-rotated";

/// Safe from several threads; several processes may append to one database if they share the
/// directory of keys.
class Log {
 public:
  /// `directory` holds signing-key.pem (made on first use), first-key.pub and head.json, which
  /// remembers the last entry outside of the database.
  Log(db::Database& database, Path directory, Clock& clock);

  void append(const Event& event);
  /// Runs `change` and appends the event that it returns, if it does, in one transaction: both
  /// happen or none does. `change` may run more than once, as Database::transaction says.
  void append(const std::function<std::optional<Event>(db::Connection&)>& change);
  /// From now on entries are signed with a new key; the old one says so with its last signature.
  PublicKey rotate_key(const std::string& actor);

  /// Entries after `after`, oldest first, at most `limit`.
  std::vector<Entry> read(std::int64_t after, std::size_t limit);
  const Path& directory() const { return directory_; }

 private:
  SigningKey current_key(db::Connection& connection);
  Path next_key_file(const std::string& key_id) const;
  std::optional<Head> append_in(db::Connection& connection, const Event& event);
  void remember(const Head& head);

  db::Database& database_;
  Path directory_;
  Clock& clock_;
};

}  // namespace hallmark::audit
