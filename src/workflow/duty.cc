#include "workflow/duty.h"

#include "base/error.h"
#include "base/log.h"

namespace hallmark::workflow {

Duty::Duty(db::Database& database, Clock& clock, std::string name, Duration term)
    : database_(database), clock_(clock), name_(std::move(name)), term_(term) {}

Duty::~Duty() {
  try {
    db::Patience none(Duration(0));
    database_.transaction([&](db::Connection& c) {
      c.execute("DELETE FROM duties WHERE name = :name AND owner = :owner",
                {{"name", name_}, {"owner", identity_.owner()}});
    });
  } catch (const Error& error) {
    log_warning("the duty {} is not given up, and lapses: {}", name_, error.message());
  }
}

bool Duty::mine() {
  bool mine = false;
  database_.transaction([&](db::Connection& c) {
    const LeaseTime time = lease_time(c, clock_);
    const auto rows =
        c.query("SELECT owner, expires_at FROM duties WHERE name = :name", {{"name", name_}});
    mine =
        rows.empty() || rows[0].text("owner") == identity_.owner() ||
        !lease_holds(rows[0].text("owner"), from_rfc3339(rows[0].text("expires_at")), time, term_);
    if (!mine) return;
    c.execute(
        "INSERT INTO duties (name, owner, expires_at) VALUES (:name, :owner, :expires_at)"
        " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,"
        " expires_at = excluded.expires_at",
        {{"name", name_},
         {"owner", identity_.owner()},
         {"expires_at", to_rfc3339(time.now + term_)}});
  });
  return mine;
}

}  // namespace hallmark::workflow
