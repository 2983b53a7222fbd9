#include "pipeline/approval.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "pipeline/decision.h"
#include "pipeline/image_store.h"
#include "pipeline/users.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// Waits for decisions one after another, under one deadline and with its reminders.
class Decisions {
 public:
  Decisions(Context& context, workflow::Run& run, const model::ApprovalPolicy& policy,
            std::string image_key)
      : context_(context), run_(run), policy_(policy), image_key_(std::move(image_key)) {
    deadline_ = from_rfc3339(run.step("approval-deadline", [&](workflow::Step&) {
      return to_rfc3339(context.clock.now() + policy.deadline);
    }));
  }

  TimePoint deadline() const { return deadline_; }

  /// The next one; nothing once the deadline has passed. `key` is of its step.
  std::optional<Json> next(const std::string& key, std::size_t approved) {
    const std::string why =
        fmt::format("approval of {} ({} of {})", image_key_, approved, policy_.required);
    for (; reminded_ < policy_.reminders.size(); ++reminded_) {
      const Duration before = policy_.reminders[reminded_];
      if (before >= policy_.deadline) continue;
      const std::string wait = fmt::format("{}-until-{}-before", key, format_duration(before));
      if (auto decision = wait_until(wait, deadline_ - before, why)) return decision;
      remind(before, why);
    }
    return wait_until(key, deadline_, why);
  }

 private:
  /// The time counts on the first call alone: after that the step has a deadline of its own.
  std::optional<Json> wait_until(const std::string& key, TimePoint time, const std::string& why) {
    const Duration left = std::max(time - context_.clock.now(), Duration::zero());
    return run_.wait_for_signal(key, kDecisionSignal, left, why);
  }

  void remind(Duration before, const std::string& why) {
    const std::string text =
        fmt::format("{} is still missing; {} left", why, format_duration(before));
    run_.step("remind-" + format_duration(before), [&](workflow::Step& step) {
      log_warning("{}", text);
      context_.audit.append({.token = step.token(),
                             .actor = "hallmark",
                             .action = "decision.reminder",
                             .subject = image_key_,
                             .detail = {{"deadline", to_rfc3339(deadline_)}}});
    });
    run_.note("reminder-" + format_duration(before), text);
  }

  Context& context_;
  workflow::Run& run_;
  const model::ApprovalPolicy& policy_;
  std::string image_key_;
  TimePoint deadline_;
  std::size_t reminded_ = 0;
};

}  // namespace

void reject(Context& context, workflow::Run& run, const Error& error) {
  run.step("reject", [&](workflow::Step&) {
    change_image(context, run.id(), {.state_reason = error.full_text()});
  });
  throw error;
}

bool await_approval(Context& context, workflow::Run& run, const model::Pipeline& pipeline,
                    const std::string& requested_by, const std::string& evidence_digest) {
  const model::ApprovalPolicy& policy = pipeline.approval;
  const std::string image_key = model::image_key(pipeline);
  run.step("await-approval", [&](workflow::Step&) {
    change_image(context, run.id(), {.state = GoldenState::awaiting_approval});
  });
  Decisions decisions(context, run, policy, image_key);
  std::vector<std::string> approvers;
  bool distribute = false;
  for (int n = 1; static_cast<int>(approvers.size()) < policy.required; ++n) {
    const std::string key = fmt::format("decision-{}", n);
    std::optional<Json> signal = decisions.next(key, approvers.size());
    if (!signal) {
      reject(context, run,
             Error(ErrorKind::rejected, "{} was not approved within {}", image_key,
                   format_duration(policy.deadline)));
    }
    Decision decision = signal->get<Decision>();
    // Signals may come from anywhere, so the rules are checked here again; once, because users come
    // and go, and what counted goes on counting.
    const bool counts = run.step("check-" + key, [&](workflow::Step&) {
      const std::vector<User> users = list_users(context.database);
      return decision.evidence_digest == evidence_digest &&
             from_rfc3339(decision.decided_at) <= decisions.deadline() &&
             !refusal(policy, users, requested_by, decision.approver) &&
             is_proved(users, policy.proofs, get_golden_image(context.database, run.id()),
                       decision);
    });
    if (!counts || std::find(approvers.begin(), approvers.end(), identity_of(decision.approver)) !=
                       approvers.end()) {
      run.step("void-" + key, [&](workflow::Step& step) {
        context.audit.append({.token = step.token(),
                              .actor = decision.approver,
                              .action = "decision.void",
                              .subject = image_key,
                              .detail = {{"run_id", run.id()},
                                         {"evidence_digest", decision.evidence_digest},
                                         {"decided_at", decision.decided_at}}});
      });
      run.note(key + "-void", fmt::format("a decision of {} does not count", decision.approver));
      continue;
    }
    run.step("record-" + key,
             [&](workflow::Step&) { record_decision(context, run.id(), decision); });
    if (!decision.approve) {
      reject(context, run,
             Error(ErrorKind::rejected, "{} was rejected by {}: {}", image_key, decision.approver,
                   decision.comment.empty() ? "no reason given" : decision.comment));
    }
    approvers.push_back(identity_of(decision.approver));
    distribute = signal->value("distribute", false);
  }
  return distribute;
}

}  // namespace hallmark::pipeline
