#include "workflow/ledger.h"

#include "base/error.h"

namespace hallmark::workflow {

namespace {

LedgerState ledger_state(const std::string& name) {
  if (name == "planned") return LedgerState::planned;
  if (name == "created") return LedgerState::created;
  if (name == "released") return LedgerState::released;
  throw Error(ErrorKind::corrupt, "the ledger holds an unknown state \"{}\"", name);
}

LedgerEntry entry_from(const db::Row& row) {
  LedgerEntry entry;
  entry.entry_id = row.text("entry_id");
  entry.run_id = row.text("run_id");
  entry.kind = row.text("kind");
  entry.where = parse_json(row.text("place"), "the ledger");
  entry.external_id = row.text("external_id");
  entry.state = ledger_state(row.text("state"));
  entry.planned_at = from_rfc3339(row.text("planned_at"));
  if (auto deadline = row.optional_text("deadline")) entry.deadline = from_rfc3339(*deadline);
  return entry;
}

/// Of a run that has ended nothing is made any more: who would has lost it long ago.
void refuse_ended(db::Connection& connection, const std::string& run_id) {
  const auto rows =
      connection.query("SELECT state FROM runs WHERE run_id = :run_id", {{"run_id", run_id}});
  if (rows.empty()) return;
  const std::string state = rows[0].text("state");
  if (state != "succeeded" && state != "failed" && state != "cancelled") return;
  throw Error(ErrorKind::conflict, "run {} has ended ({}) and makes nothing more", run_id, state);
}

}  // namespace

Ledger::Ledger(db::Database& database, Clock& clock) : database_(database), clock_(clock) {}

void Ledger::plan(const LedgerEntry& entry) {
  db::Value deadline = nullptr;
  if (entry.deadline) deadline = to_rfc3339(*entry.deadline);
  const std::string now = to_rfc3339(clock_.now());
  database_.transaction([&](db::Connection& c) {
    refuse_ended(c, entry.run_id);
    c.execute(
        "INSERT INTO ledger (entry_id, run_id, kind, place, external_id, state, planned_at, "
        "deadline)"
        " VALUES (:entry_id, :run_id, :kind, :place, '', 'planned', :planned_at, :deadline)"
        " ON CONFLICT (entry_id) DO NOTHING",
        {{"entry_id", entry.entry_id},
         {"run_id", entry.run_id},
         {"kind", entry.kind},
         {"place", compact(entry.where)},
         {"planned_at", now},
         {"deadline", deadline}});
  });
}

void Ledger::created(const std::string& entry_id, const std::string& external_id) {
  database_.transaction([&](db::Connection& c) {
    // One that was released meanwhile stays so: the caller repeats a step that a crash cut off. But
    // if the run has ended, the caller was frozen in the middle of a step that another one
    // repeated: what he made has to be found by the reaper.
    if (c.execute("UPDATE ledger SET external_id = :external_id,"
                  " state = CASE WHEN state = 'released' AND NOT EXISTS (SELECT 1 FROM runs WHERE"
                  " runs.run_id = ledger.run_id AND runs.state IN ('succeeded', 'failed',"
                  " 'cancelled')) THEN state ELSE 'created' END"
                  " WHERE entry_id = :entry_id",
                  {{"external_id", external_id}, {"entry_id", entry_id}}) == 0) {
      throw Error(ErrorKind::not_found, "the ledger has no entry {}", entry_id);
    }
  });
}

void Ledger::released(const std::string& entry_id) {
  database_.transaction([&](db::Connection& c) {
    c.execute("UPDATE ledger SET state = 'released' WHERE entry_id = :entry_id",
              {{"entry_id", entry_id}});
  });
}

void Ledger::released_external(const std::string& external_id) {
  database_.transaction([&](db::Connection& c) {
    c.execute(
        "UPDATE ledger SET state = 'released' WHERE external_id = :external_id AND external_id <> "
        "''",
        {{"external_id", external_id}});
  });
}

std::vector<LedgerEntry> Ledger::open(std::optional<std::string> run_id) {
  std::vector<LedgerEntry> entries;
  database_.read([&](db::Connection& c) {
    entries.clear();
    std::string sql = "SELECT * FROM ledger WHERE state <> 'released'";
    std::vector<db::Parameter> parameters;
    if (run_id) {
      sql += " AND run_id = :run_id";
      parameters.push_back({"run_id", *run_id});
    }
    sql += " ORDER BY planned_at, entry_id";
    for (const db::Row& row : c.query(sql, parameters)) entries.push_back(entry_from(row));
  });
  return entries;
}

}  // namespace hallmark::workflow
