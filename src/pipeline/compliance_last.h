#pragma once
/// What the last check of each place said, kept so that no cloud has to be asked to see it again.

#include <functional>

#include "pipeline/compliance.h"

namespace hallmark::pipeline {

/// Keeps all of the report, place by place; what an older check said is replaced.
void keep_last(db::Connection& connection, const ComplianceReport& report);

/// Forgets places that nobody has checked since.
void forget_last(db::Connection& connection, TimePoint before);

/// The places that are wanted as a ComplianceReport is written as JSON; each place also says when
/// it was checked ("checked_at"), and the whole when the newest of them was (null: none was).
Json last_compliance(db::Database& database,
                     const std::function<bool(const cloud::Place&)>& wanted);

}  // namespace hallmark::pipeline
