#pragma once
/// What the evidence has for an approver's message.

#include "notify/message.h"
#include "pipeline/context.h"

namespace hallmark::notify {

/// `context` must outlive it.
FactsOf facts_of_evidence(const pipeline::Context& context);

/// From report.json as evidence/report.h makes it.
ApprovalFacts facts_in_report(const Json& report);

}  // namespace hallmark::notify
