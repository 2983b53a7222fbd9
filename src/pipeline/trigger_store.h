#pragma once
/// What the database knows of triggers.

#include "pipeline/triggers.h"

namespace hallmark::pipeline {

struct TriggerRow {
  std::string watched;
  bool paused = false;
  std::string looked_at;
  std::string problem;
};
std::optional<TriggerRow> trigger_row(db::Connection& connection, const std::string& name);
/// Writes down how it stands, whether it was there or not; not whether it is paused.
void write_trigger_row(db::Connection& connection, const std::string& name, const TriggerRow& row);

/// What config.yaml says is watched: with another text it counts from anew.
std::string watched_by(const Trigger& trigger);

TriggerFiring trigger_firing_in(const db::Row& row);
/// False if the event was written down before.
bool write_event(db::Connection& connection, const TriggerFiring& firing);

/// The event that fires, for the audit log.
audit::Event fired_event(const Trigger& trigger, const TriggerFiring& firing);

}  // namespace hallmark::pipeline
