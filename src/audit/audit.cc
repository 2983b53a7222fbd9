#include "audit/audit.h"

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::audit {

namespace {

/// The token of a rotation, before the new key's id.
constexpr std::string_view kRotationToken = "audit-key-";

struct Position {
  std::int64_t sequence;
  std::string digest;
};

Position position(db::Connection& connection) {
  db::Row row = connection.query("select sequence, digest from audit_head where id = 1", {}).at(0);
  return {row.integer("sequence"), row.text("digest")};
}

bool is_told(db::Connection& connection, const std::string& token) {
  return !connection
              .query("select sequence from audit_log where token = :token", {{"token", token}})
              .empty();
}

void write(db::Connection& connection, const Event& event, const std::string& at,
           const SigningKey& key) {
  const Position head = position(connection);
  const std::int64_t sequence = head.sequence + 1;
  const std::string text = compact({{"sequence", sequence},
                                    {"at", at},
                                    {"actor", event.actor},
                                    {"action", event.action},
                                    {"subject", event.subject},
                                    {"detail", event.detail},
                                    {"previous", head.digest},
                                    {"key_id", key.public_key().id()}});
  const std::string digest = sha256_hex(text);
  connection.execute(
      "insert into audit_log (sequence, token, entry, digest, key_id, signature) "
      "values (:sequence, :token, :entry, :digest, :key_id, :signature)",
      {{"sequence", sequence},
       {"token", event.token},
       {"entry", text},
       {"digest", digest},
       {"key_id", key.public_key().id()},
       {"signature", base64_encode(key.sign(entry_message(digest)))}});
  connection.execute("update audit_head set sequence = :sequence, digest = :digest where id = 1",
                     {{"sequence", sequence}, {"digest", digest}});
}

}  // namespace

Log::Log(db::Database& database, Path directory, Clock& clock)
    : database_(database), directory_(std::move(directory)), clock_(clock) {}

SigningKey Log::current_key(db::Connection& connection) {
  const Path file = directory_ / kSigningKeyFile;
  make_directories(directory_, 0700);
  FileLock lock(directory_ / "lock");
  if (!std::filesystem::exists(file)) {
    if (position(connection).sequence > 0) {
      throw Error(ErrorKind::not_found, "the audit log has entries, but {} is not there",
                  file.string())
          .hint("every process of one database needs the same directory of audit keys");
    }
    SigningKey fresh = SigningKey::generate();
    write_file(directory_ / kFirstKeyFile, fresh.public_key().pem());
    write_file(file, fresh.pem(), 0600);
    return fresh;
  }
  // A rotation that the log knows of and that died before the key was put in its place.
  auto rotations = connection.query(
      "select token from audit_log where token like :pattern order by sequence desc limit 1",
      {{"pattern", std::string(kRotationToken) + "%"}});
  if (!rotations.empty()) {
    const Path next = next_key_file(rotations.at(0).text("token").substr(kRotationToken.size()));
    if (std::filesystem::exists(next)) std::filesystem::rename(next, file);
  }
  return SigningKey::read(file);
}

Path Log::next_key_file(const std::string& key_id) const {
  return directory_ / ("next-" + key_id + ".pem");
}

std::optional<Head> Log::append_in(db::Connection& connection, const Event& event) {
  // Writers take turns from here to the end of the transaction, so the key that is current now is
  // the right one for the next entry.
  connection.execute("update audit_head set sequence = sequence where id = 1", {});
  if (is_told(connection, event.token)) return std::nullopt;
  SigningKey key = current_key(connection);
  const std::string at = to_rfc3339(clock_.now());
  if (position(connection).sequence == 0) {
    write(connection,
          {.token = "audit-started",
           .actor = "hallmark",
           .action = kStarted,
           .subject = key.public_key().id(),
           .detail = {{"public_key", base64_encode(key.public_key().bytes)}}},
          at, key);
  }
  write(connection, event, at, key);
  const Position now = position(connection);
  return Head{.sequence = now.sequence,
              .digest = now.digest,
              .key_id = key.public_key().id(),
              .signature = base64_encode(key.sign(head_message(now.sequence, now.digest)))};
}

void Log::append(const Event& event) {
  append([&](db::Connection&) { return std::optional<Event>(event); });
}

void Log::append(const std::function<std::optional<Event>(db::Connection&)>& change) {
  std::optional<Head> head;
  database_.transaction([&](db::Connection& connection) {
    std::optional<Event> event = change(connection);
    head = event ? append_in(connection, *event) : std::nullopt;
  });
  if (head) remember(*head);
}

PublicKey Log::rotate_key(const std::string& actor) {
  SigningKey next = SigningKey::generate();
  const PublicKey key = next.public_key();
  make_directories(directory_, 0700);
  write_file(next_key_file(key.id()), next.pem(), 0600);
  append({.token = std::string(kRotationToken) + key.id(),
          .actor = actor,
          .action = kKeyRotated,
          .subject = key.id(),
          .detail = {{"public_key", base64_encode(key.bytes)}}});
  return key;
}

void Log::remember(const Head& head) {
  FileLock lock(directory_ / "lock");
  const Path file = directory_ / kHeadFile;
  if (auto text = read_file_if_exists(file)) {
    if (parse_json(*text, file.string()).get<Head>().sequence >= head.sequence) return;
  }
  write_file(file, pretty(head));
}

std::vector<Entry> Log::read(std::int64_t after, std::size_t limit) {
  std::vector<Entry> entries;
  database_.read([&](db::Connection& connection) {
    entries.clear();
    for (const db::Row& row :
         connection.query("select sequence, entry, digest, key_id, signature from audit_log "
                          "where sequence > :after order by sequence limit :limit",
                          {{"after", after}, {"limit", static_cast<std::int64_t>(limit)}})) {
      entries.push_back({.sequence = row.integer("sequence"),
                         .text = row.text("entry"),
                         .digest = row.text("digest"),
                         .key_id = row.text("key_id"),
                         .signature = row.text("signature")});
    }
  });
  return entries;
}

}  // namespace hallmark::audit
