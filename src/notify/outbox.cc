#include "notify/outbox.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"

namespace hallmark::notify {

namespace {

constexpr std::int64_t kPage = 500;

Delivery delivery_in(const db::Row& row) {
  return {.delivery_id = row.text("delivery_id"),
          .receiver = row.text("receiver"),
          .event = parse_json(row.text("event"), "deliveries.event").get<Event>(),
          .state = row.text("state"),
          .message_id = row.text("message_id"),
          .attempts = static_cast<int>(row.integer("attempts")),
          .next_at = row.text("next_at"),
          .error = row.text("error"),
          .created_at = row.text("created_at"),
          .delivered_at = row.text("delivered_at")};
}

std::int64_t last_sequence(db::Connection& connection) {
  return connection.query("select sequence from audit_head where id = 1", {})
      .at(0)
      .integer("sequence");
}

void insert(db::Connection& connection, const Receiver& receiver, std::int64_t sequence,
            const Event& event, TimePoint now) {
  const TimePoint due = is_urgent(event.kind) ? now : now + receiver.digest;
  connection.execute(
      "insert into deliveries (delivery_id, receiver, sequence, event, kind, subject, state, "
      "message_id,"
      " attempts, next_at, error, created_at, delivered_at) values (:delivery_id, :receiver, "
      ":sequence,"
      " :event, :kind, :subject, 'waiting', '', 0, :next_at, '', :created_at, '')"
      " on conflict (delivery_id) do nothing",
      {{"delivery_id", id_from_token("delivery", event.event_id + "/" + receiver.name)},
       {"receiver", receiver.name},
       {"sequence", sequence},
       {"event", compact(event)},
       {"kind", event.kind},
       {"subject", event.subject},
       {"next_at", to_rfc3339(due)},
       {"created_at", to_rfc3339(now)}});
}

/// What one page of the log has for the receiver. Returns how much was read, and made.
std::pair<std::size_t, int> collect_page(db::Connection& connection, const Receiver& receiver,
                                         TimePoint now) {
  // Also makes those that read for the same receiver take turns.
  const bool known =
      connection.execute("update receivers set sequence = sequence where name = :name",
                         {{"name", receiver.name}}) > 0;
  if (!known) {
    connection.execute("insert into receivers (name, sequence) values (:name, :sequence)",
                       {{"name", receiver.name}, {"sequence", last_sequence(connection)}});
    return {0, 0};
  }
  const std::int64_t after =
      connection
          .query("select sequence from receivers where name = :name", {{"name", receiver.name}})
          .at(0)
          .integer("sequence");
  const auto rows = connection.query(
      "select sequence, token, entry from audit_log where sequence > :after"
      " order by sequence limit :most",
      {{"after", after}, {"most", kPage}});
  int made = 0;
  for (const db::Row& row : rows) {
    audit::Entry entry;
    entry.text = row.text("entry");
    const Event event = event_from(entry, row.text("token"));
    if (!wants(receiver, event)) continue;
    insert(connection, receiver, row.integer("sequence"), event, now);
    ++made;
  }
  if (!rows.empty()) {
    connection.execute("update receivers set sequence = :sequence where name = :name",
                       {{"sequence", rows.back().integer("sequence")}, {"name", receiver.name}});
  }
  return {rows.size(), made};
}

bool has_news(db::Database& database, const Receiver& receiver) {
  bool news = true;
  database.read([&](db::Connection& connection) {
    const auto rows = connection.query("select sequence from receivers where name = :name",
                                       {{"name", receiver.name}});
    news = rows.empty() || rows.front().integer("sequence") < last_sequence(connection);
  });
  return news;
}

/// The rows that go out with the oldest of those that are due.
std::vector<Delivery> companions(db::Connection& connection, const Receiver& receiver,
                                 const Delivery& oldest, TimePoint now) {
  std::vector<Delivery> found;
  if (!oldest.message_id.empty()) {
    for (const db::Row& row : connection.query(
             "select * from deliveries where message_id = :message_id and state = 'waiting'"
             " order by sequence",
             {{"message_id", oldest.message_id}})) {
      found.push_back(delivery_in(row));
    }
    return found;
  }
  if (is_urgent(oldest.event.kind)) return {oldest};
  // A digest takes what is collected, not only what has waited for as long as the oldest.
  const TimePoint until = now + receiver.digest;
  for (const db::Row& row : connection.query(
           "select * from deliveries where receiver = :receiver and state = 'waiting'"
           " and message_id = '' and next_at <= :until order by sequence"
           " limit :most",
           {{"receiver", receiver.name}, {"until", to_rfc3339(until)}, {"most", kPage}})) {
    Delivery delivery = delivery_in(row);
    if (!is_urgent(delivery.event.kind)) found.push_back(std::move(delivery));
  }
  const bool many = receiver.digest > Duration::zero() || found.size() > kMany;
  return many ? found : std::vector<Delivery>{oldest};
}

}  // namespace

int collect(db::Database& database, const std::vector<Receiver>& receivers, TimePoint now) {
  int made = 0;
  for (const Receiver& receiver : receivers) {
    while (has_news(database, receiver)) {
      std::pair<std::size_t, int> page;
      database.transaction(
          [&](db::Connection& connection) { page = collect_page(connection, receiver, now); });
      made += page.second;
      if (page.first == 0) break;
    }
  }
  return made;
}

std::optional<Batch> claim(db::Database& database, const Receiver& receiver, TimePoint now) {
  std::optional<Batch> batch;
  database.transaction([&](db::Connection& connection) {
    batch.reset();
    const auto due = connection.query(
        "select * from deliveries where receiver = :receiver and state = 'waiting'"
        " and next_at <= :now order by sequence limit 1",
        {{"receiver", receiver.name}, {"now", to_rfc3339(now)}});
    if (due.empty()) return;
    const Delivery oldest = delivery_in(due.front());
    Batch made{.message_id = oldest.message_id.empty()
                                 ? id_from_token("message", oldest.delivery_id)
                                 : oldest.message_id,
               .deliveries = companions(connection, receiver, oldest, now)};
    for (Delivery& delivery : made.deliveries) {
      const std::int64_t claimed = connection.execute(
          "update deliveries set message_id = :message_id, attempts = attempts + 1,"
          " next_at = :until where delivery_id = :delivery_id and attempts = :attempts"
          " and state = 'waiting'",
          {{"message_id", made.message_id},
           {"until", to_rfc3339(now + kLease)},
           {"delivery_id", delivery.delivery_id},
           {"attempts", static_cast<std::int64_t>(delivery.attempts)}});
      if (claimed == 0) {  // somebody else was quicker; the next look finds what is left
        throw Error(ErrorKind::conflict, "delivery {} is being sent", delivery.delivery_id);
      }
      delivery.message_id = made.message_id;
      ++delivery.attempts;
    }
    batch = std::move(made);
  });
  return batch;
}

void record_delivered(db::Database& database, const Batch& batch, TimePoint now) {
  database.transaction([&](db::Connection& connection) {
    for (const Delivery& delivery : batch.deliveries) {
      connection.execute(
          "update deliveries set state = 'delivered', error = '', delivered_at = :now"
          " where delivery_id = :delivery_id and attempts = :attempts and state = 'waiting'",
          {{"now", to_rfc3339(now)},
           {"delivery_id", delivery.delivery_id},
           {"attempts", static_cast<std::int64_t>(delivery.attempts)}});
    }
  });
}

Duration pause_after(int attempts) {
  constexpr Duration kFirst{30'000};
  constexpr Duration kLongest{3600'000};
  Duration pause = kFirst;
  for (int i = 1; i < attempts && pause < kLongest; ++i) pause *= 2;
  return std::min(pause, kLongest);
}

void record_failure(db::Database& database, const Batch& batch, const std::string& error,
                    bool for_good, TimePoint now) {
  // A database outlives its logs, and is copied further: no secret may be in there either.
  const std::string text = redacted(error);
  database.transaction([&](db::Connection& connection) {
    TimePoint again = now;
    for (const Delivery& delivery : batch.deliveries) {
      const bool dead = for_good || delivery.attempts >= kAttempts;
      again = std::max(again, now + pause_after(delivery.attempts));
      connection.execute(
          "update deliveries set state = :state, error = :error, next_at = :next_at"
          " where delivery_id = :delivery_id and attempts = :attempts and state = 'waiting'",
          {{"state", dead ? "dead" : "waiting"},
           {"error", text},
           {"next_at", to_rfc3339(again)},
           {"delivery_id", delivery.delivery_id},
           {"attempts", static_cast<std::int64_t>(delivery.attempts)}});
    }
    if (for_good || batch.deliveries.empty()) return;
    connection.execute(
        "update deliveries set next_at = :next_at where receiver = :receiver and state = 'waiting'"
        " and attempts = 0 and next_at < :before",
        {{"next_at", to_rfc3339(again)},
         {"receiver", batch.deliveries.front().receiver},
         {"before", to_rfc3339(again)}});
  });
}

std::vector<Delivery> list_deliveries(db::Database& database, bool undelivered, int limit) {
  std::vector<Delivery> found;
  database.read([&](db::Connection& connection) {
    found.clear();
    for (const db::Row& row :
         connection.query(std::string("select * from deliveries") +
                              (undelivered ? " where state in ('waiting', 'dead')" : "") +
                              " order by created_at desc, sequence desc, receiver limit :most",
                          {{"most", static_cast<std::int64_t>(limit)}})) {
      found.push_back(delivery_in(row));
    }
  });
  return found;
}

int retry_deliveries(db::Database& database, const std::vector<std::string>& ids, TimePoint now) {
  int again = 0;
  database.transaction([&](db::Connection& connection) {
    again = 0;
    const std::string revive =
        "update deliveries set state = 'waiting', attempts = 0, next_at = :now"
        " where state = 'dead'";
    if (ids.empty()) {
      again = static_cast<int>(connection.execute(revive, {{"now", to_rfc3339(now)}}));
      return;
    }
    for (const std::string& id : ids) {
      const auto rows =
          connection.query("select state from deliveries where delivery_id = :id", {{"id", id}});
      if (rows.empty()) {
        throw Error(ErrorKind::not_found, "there is no delivery {}", id)
            .hint("list them: hallmark notice list --undelivered");
      }
      if (rows.front().text("state") != "dead") {
        throw Error(ErrorKind::conflict, "delivery {} is {}, not dead", id,
                    rows.front().text("state"));
      }
      connection.execute(revive + " and delivery_id = :id", {{"now", to_rfc3339(now)}, {"id", id}});
      ++again;
    }
  });
  return again;
}

std::optional<TimePoint> next_due(db::Database& database, const std::vector<Receiver>& receivers) {
  std::optional<TimePoint> next;
  database.read([&](db::Connection& connection) {
    next.reset();
    for (const Receiver& receiver : receivers) {
      const auto rows = connection.query(
          "select next_at from deliveries where receiver = :receiver and state = 'waiting'"
          " order by next_at limit 1",
          {{"receiver", receiver.name}});
      if (rows.empty()) continue;
      const TimePoint due = from_rfc3339(rows.front().text("next_at"));
      if (!next || due < *next) next = due;
    }
  });
  return next;
}

void to_json(Json& json, const Delivery& value) {
  json = {{"delivery_id", value.delivery_id},
          {"receiver", value.receiver},
          {"kind", value.event.kind},
          {"subject", value.event.subject},
          {"state", value.state},
          {"attempts", value.attempts},
          {"next_at", value.next_at},
          {"error", value.error},
          {"created_at", value.created_at},
          {"delivered_at", value.delivered_at}};
}

}  // namespace hallmark::notify
