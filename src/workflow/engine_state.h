#pragma once
/// What an Engine holds. Private to workflow/.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "workflow/engine.h"
#include "workflow/execution.h"
#include "workflow/lease.h"

namespace hallmark::workflow {

struct Engine::State {
  State(db::Database& database, Clock& clock, std::vector<WorkflowDefinition> workflows,
        EngineOptions options);
  ~State();

  RunInfo drive(const std::string& run_id, Duration wait_at_most, std::stop_token stop);
  std::optional<TimePoint> drive_due(int width, std::stop_token stop);
  void work(int width, std::stop_token stop);

  /// `fn` in a transaction that holds the run, with the run as it stands.
  void change(const std::string& run_id,
              const std::function<void(db::Connection& connection, const RunRow& run)>& fn);
  /// Throws `conflict` if the workflow is not registered in that version.
  const WorkflowDefinition& definition(const RunInfo& run) const;
  /// What a run of that id that is there already means.
  enum class IfThere { must_be_the_same, keep };
  void record_run(const std::string& run_id, const std::string& workflow,
                  const std::string& subject, const Json& input, IfThere if_there);
  RunRow load(const std::string& run_id);
  void announce(const std::string& run_id);
  void cancel_running(const std::string& run_id);

  LeaseIdentity identity;
  EngineContext context;
  std::map<std::pair<std::string, int>, WorkflowDefinition> definitions;

 private:
  class Slot;
  struct Shift;
  struct Claim {
    std::optional<RunRow> run;  ///< as it stood before, if it is ours now
    std::vector<StepRow> steps;
    std::string held_by;  ///< who has it, if somebody has
  };

  Claim claim(const std::string& run_id, bool only_if_due);
  void drive_claimed(Claim claim, const std::shared_ptr<Execution>& execution);
  void leave(Execution& execution, Standing standing);
  /// Of registered workflows, those that something can be done for; not those in `skip`.
  std::vector<std::string> due(const std::set<std::string>& skip);
  std::optional<TimePoint> next_due();
  std::string registered_sql(std::vector<db::Parameter>& parameters) const;
  void start_heart();
  void beat(std::stop_token stop);
  void renew_leases(const std::vector<std::shared_ptr<Execution>>& executions);
  void deliver_cancellations();

  /// Runs this engine drives just now; null until the drive has begun.
  Sync<std::map<std::string, std::shared_ptr<Execution>>> active_;
  std::once_flag heart_started_;
  std::jthread heart_;
};

/// Marks a run as driven by this engine, so that two of its threads never drive it at once.
class Engine::State::Slot {
 public:
  Slot(State& state, std::string run_id) : state_(state), run_id_(std::move(run_id)) {
    taken_ = state_.active_.lock()->try_emplace(run_id_).second;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (taken_) state_.active_.lock()->erase(run_id_);
  }
  bool taken() const { return taken_; }
  void set(std::shared_ptr<Execution> execution) {
    (*state_.active_.lock())[run_id_] = std::move(execution);
  }

 private:
  State& state_;
  const std::string run_id_;
  bool taken_ = false;
};

}  // namespace hallmark::workflow
