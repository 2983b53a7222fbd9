#pragma once
/// What happens by itself: schedules that start runs when they are due. What they are is said in
/// config.yaml; how far each has got is in the database, so that several processes may look after
/// them and none fires a due time that another one has fired.
///
/// What was due while nobody looked is caught up once: the latest missed time is fired and stands
/// for those before it. A due time is claimed in one transaction, and the ids of the runs that it
/// starts come from it: a process that dies between the claim and the start leaves a claim that
/// another makes good some minutes later, once.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/work.h"
#include "schedule/expression.h"
#include "workflow/engine.h"

namespace hallmark::pipeline {

struct Schedule {
  std::string name;
  schedule::Expression expression;
  Work work;
  bool enabled = true;
  std::string place;  ///< of the expression, for people: "config.yaml:12:17"
};

enum class FiringState {
  claimed,  ///< somebody is about to start it, or died then
  started,
  skipped,  ///< what it started before has not ended
  failed,   ///< it could not be started
};
std::string_view to_string(FiringState state);

struct Firing {
  std::string schedule;
  TimePoint due_at{};
  std::int64_t missed = 0;  ///< due times before it that it stands for too
  FiringState state = FiringState::claimed;
  std::vector<std::string> run_ids;
  std::string detail;  ///< why nothing was started, or not all
};

/// How a schedule stands.
struct ScheduleStanding {
  bool known = false;  ///< somebody has looked after it as it is now
  bool paused = false;
  std::optional<TimePoint> next_due_at;  ///< none if it is off or never due again
  std::vector<Firing> firings;           ///< newest first, at most `most`
};

/// Before schedules are looked after: those that are new, or not as they were, count from now on;
/// nothing is caught up for them. Warns, naming the place, of one that is new and never due again:
/// it is over, and keeps no other from being looked after.
void adopt_schedules(const Context& context, const std::vector<Schedule>& schedules);

/// Claims and starts what is due, and makes good on claims whose process died. Returns what came of
/// it. Starts runs, drives none. One that cannot be started says why and keeps no other. Schedules
/// that another process has adopted otherwise are left to it. Throws `cancelled`, and what the
/// database throws.
std::vector<Firing> fire_due(workflow::Engine& engine, Context& context,
                             const std::vector<Schedule>& schedules, std::stop_token stop);

/// Adopts them, then fires what is due whenever it is, until `stop`; tells each firing. Sleeps in
/// between, and looks often enough to see what others changed. A database that is away is waited
/// for. Throws as adopt_schedules does.
void keep_schedules(workflow::Engine& engine, Context& context,
                    const std::vector<Schedule>& schedules,
                    const std::function<void(const Firing&)>& told, std::stop_token stop);

/// The runs that it started and that have not ended, newest first, but for those of one due time.
std::vector<std::string> open_runs_of(workflow::Engine& engine, const Context& context,
                                      const std::string& schedule,
                                      std::optional<TimePoint> except_due_at = {});

/// Changes nothing.
ScheduleStanding schedule_standing(const Context& context, const Schedule& schedule, int most);

/// A paused schedule is not due. What was due meanwhile is not caught up when it goes on.
/// The audit log is told.
void pause_schedule(const Context& context, const Schedule& schedule, const std::string& by);
void resume_schedule(const Context& context, const Schedule& schedule, const std::string& by);

void to_json(Json& json, const Firing& value);

}  // namespace hallmark::pipeline
