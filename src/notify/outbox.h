#pragma once
/// What is to be told to whom, and what came of it. Rows are made from the audit log, each once for
/// an event and a receiver, in the transaction that moves the receiver's place in the log: nothing
/// is left out and nothing is told twice by us. A delivery that was tried may have arrived although
/// we do not know it; it is tried again under the same message id, so who minds can tell.

#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "notify/receiver.h"

namespace hallmark::notify {

struct Delivery {
  std::string delivery_id;
  std::string receiver;
  Event event;
  std::string state;  ///< "waiting", "delivered", "dead"
  std::string message_id;
  int attempts = 0;
  std::string next_at;
  std::string error;
  std::string created_at;
  std::string delivered_at;
};

/// Makes deliveries of what the audit log has that is new to each receiver. One that was never seen
/// before hears of what happens from now on. Returns how many were made.
int collect(db::Database& database, const std::vector<Receiver>& receivers, TimePoint now);

/// Deliveries that go out as one message.
struct Batch {
  std::string message_id;
  std::vector<Delivery> deliveries;  ///< oldest first
};

/// As long as one attempt may take before somebody else makes another.
inline constexpr Duration kLease{3 * 60'000};
/// More than that due at once go out as one.
inline constexpr int kMany = 20;

/// What is due for the receiver, claimed for kLease; nothing if nothing is.
std::optional<Batch> claim(db::Database& database, const Receiver& receiver, TimePoint now);

/// Of a claim whose lease another has taken over nothing is recorded.
void record_delivered(db::Database& database, const Batch& batch, TimePoint now);
/// Tried again later, with growing pauses, or `for_good` or after kAttempts dead. Whatever else is
/// due for the receiver waits for as long, unless it was this message's own fault.
void record_failure(db::Database& database, const Batch& batch, const std::string& error,
                    bool for_good, TimePoint now);
inline constexpr int kAttempts = 10;
/// Before the next attempt: half a minute, then twice as long each time, an hour at most.
Duration pause_after(int attempts);

/// Newest first. `undelivered`: only what is waiting or dead.
std::vector<Delivery> list_deliveries(db::Database& database, bool undelivered, int limit);
/// Dead deliveries, all or those with these ids, wait again. Throws `not_found` for an id that is
/// none, `conflict` for one that is not dead. Returns how many.
int retry_deliveries(db::Database& database, const std::vector<std::string>& ids, TimePoint now);

/// When the next one is due; nothing if none waits.
std::optional<TimePoint> next_due(db::Database& database, const std::vector<Receiver>& receivers);

void to_json(Json& json, const Delivery& value);

}  // namespace hallmark::notify
