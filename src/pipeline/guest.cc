#include "pipeline/guest.h"

#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/ownership.h"

namespace hallmark::pipeline {

namespace {

constexpr Duration kStopLimit{5 * 60'000};
/// The cloud kills a script at its time limit; this much later we stop believing that it did.
constexpr Duration kKillGrace{2 * 60'000};
/// How long one look waits for output, so that lines appear as they come without busy looking.
constexpr Duration kReadWait{5'000};
/// A script that writes all the time would otherwise be looked at all the time, and each look takes
/// processor time from it.
constexpr workflow::PollSchedule kReadSchedule{Duration{50}, Duration{2'000}};
constexpr workflow::PollSchedule kStateSchedule{Duration{100}, Duration{1'000}};
/// What an error message quotes of a script's output.
constexpr std::size_t kQuotedBytes = 1'500;

/// Copies a command's output into the step's log exactly once, however often it is read again, and
/// blots out secrets. Only whole lines are copied until the end, so that no secret is cut in two.
class OutputTail {
 public:
  std::uint64_t offset() const { return offset_; }

  void take(const cloud::CommandStatus& status, workflow::Step& step) {
    offset_ = status.output_offset;
    pending_ += status.output;
    bool last = status.state != cloud::CommandState::running;
    std::size_t end = last ? pending_.size() : pending_.rfind('\n') + 1;
    if (!last && pending_.rfind('\n') == std::string::npos) return;
    std::string text = redacted(pending_.substr(0, end));
    pending_.erase(0, end);
    // A process that takes over reads from the start; what is in the log already is passed over.
    std::uint64_t logged = step.log_size();
    if (seen_ + text.size() > logged) {
      step.log(std::string_view(text).substr(logged > seen_ ? logged - seen_ : 0));
    }
    seen_ += text.size();
    recent_ += text;
    if (recent_.size() > kQuotedBytes) recent_.erase(0, recent_.size() - kQuotedBytes);
  }
  const std::string& recent() const { return recent_; }

 private:
  std::uint64_t offset_ = 0;
  std::uint64_t seen_ = 0;
  std::string pending_;
  std::string recent_;
};

cloud::Machine get_machine(Context& context, const Guest& guest) {
  auto machine = context.cloud.find_machine(guest.place, guest.machine_id);
  // Not seeing it (yet) is no proof; the poll around this looks again.
  if (!machine) {
    throw Error(ErrorKind::unavailable, "machine {} cannot be seen", guest.machine_id);
  }
  return *machine;
}

}  // namespace

Guest launch_guest(Context& context, workflow::Run& run, const std::string& label,
                   const cloud::Place& place, const cloud::MachineSpec& spec,
                   cloud::Platform platform, Duration boot_limit) {
  Guest guest{label, place, "", platform};
  guest.machine_id = run.step("launch-" + label, [&](workflow::Step& step) {
    return make_owned(context, run, step.token(), kMachineKind, place,
                      spec.deadline.value_or(run.started_at()),
                      [&](const std::string& token, const cloud::Tags& tags) {
                        cloud::MachineSpec tagged = spec;
                        tagged.tags.insert(tags.begin(), tags.end());
                        return context.cloud.launch_machine(place, tagged, token, step.stop());
                      });
  });
  auto look = [&](workflow::Step& step) -> std::optional<bool> {
    cloud::Machine machine = get_machine(context, guest);
    if (machine.reachable) return true;
    if (machine.state != cloud::MachineState::pending &&
        machine.state != cloud::MachineState::running) {
      throw Error(ErrorKind::failed, "machine {} ({}) is {} instead of running: {}",
                  guest.machine_id, label, cloud::to_string(machine.state),
                  machine.state_reason.empty() ? "no reason given" : machine.state_reason);
    }
    step.progress(std::nullopt, fmt::format("machine {} is {}", guest.machine_id,
                                            cloud::to_string(machine.state)));
    return std::nullopt;
  };
  try {
    run.poll(label + "-reachable", boot_limit, kStateSchedule, look);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::timeout) throw;
    throw Error(ErrorKind::timeout, "machine {} ({}) could not be reached within {}",
                guest.machine_id, label, format_duration(boot_limit))
        .note(spec.kind == cloud::MachineKind::boot
                  ? "either " + spec.image_id + " does not boot or no guest agent runs in it"
                  : "its disk " + spec.image_id + " could not be made ready")
        .hint("if the machine is only slow, give it more time: build.boot_limit");
  }
  return guest;
}

void run_in_guest(Context& context, workflow::Run& run, const Guest& guest, const std::string& name,
                  const model::Script& script,
                  const std::map<std::string, std::string>& environment,
                  const std::vector<std::string>& secrets) {
  const std::string key = guest.label + "/" + name;
  std::string command_id = run.step("start/" + key, [&](workflow::Step& step) {
    cloud::CommandSpec command{.script = script.text,
                               .environment = environment,
                               .time_limit = script.time_limit,
                               .platform = guest.platform};
    for (const std::string& secret : secrets) {
      std::optional<std::string> value = context.secret(secret);
      if (!value) {
        throw Error(ErrorKind::usage, "the secret {} is not in the environment", secret)
            .hint("set it for the process that runs the build, then: hallmark run retry");
      }
      redact(*value);
      command.secrets[secret] = *value;
    }
    return context.cloud.start_command(guest.place, guest.machine_id, command, step.token());
  });
  // Whoever takes over reads the output too, and must know what to blot out.
  for (const std::string& secret : secrets) {
    if (auto value = context.secret(secret)) redact(*value);
  }

  auto tail = std::make_shared<OutputTail>();
  Json ended = run.poll(key, script.time_limit + kKillGrace, kReadSchedule,
                        [&](workflow::Step& step) -> std::optional<Json> {
                          cloud::CommandStatus status =
                              context.cloud.read_command(guest.place, guest.machine_id, command_id,
                                                         tail->offset(), kReadWait, step.stop());
                          tail->take(status, step);
                          if (status.state == cloud::CommandState::running) return std::nullopt;
                          return Json{{"state", cloud::to_string(status.state)},
                                      {"exit_code", status.exit_code},
                                      {"truncated", status.output_truncated},
                                      {"tail", tail->recent()}};
                        });

  std::string state = member<std::string>(ended, "state");
  int exit_code = member<int>(ended, "exit_code");
  if (state == "finished" && exit_code == 0) return;
  std::string quoted(trim(member<std::string>(ended, "tail")));
  std::string log_hint = "the whole output: hallmark run log " + run.id() + " " + key;
  if (state == "timed_out") {
    throw Error(ErrorKind::timeout, "{} ({}) did not finish within {}", name, script.name,
                format_duration(script.time_limit))
        .note("its last output: " + quoted)
        .hint(log_hint);
  }
  if (state == "interrupted") {
    throw Error(ErrorKind::failed, "{} ({}): the machine went down under it", name, script.name)
        .note("its last output: " + quoted)
        .hint("a script that needs a reboot ends with exit code 194 and is run again afterwards");
  }
  throw Error(ErrorKind::failed, "{} ({}) ended with exit code {}", name, script.name, exit_code)
      .note("its last output: " + quoted)
      .hint(log_hint);
}

void stop_guest(Context& context, workflow::Run& run, const Guest& guest) {
  run.step("stop-" + guest.label,
           [&](workflow::Step&) { context.cloud.stop_machine(guest.place, guest.machine_id); });
  run.poll(guest.label + "-stopped", kStopLimit, kStateSchedule,
           [&](workflow::Step&) -> std::optional<bool> {
             cloud::Machine machine = get_machine(context, guest);
             if (machine.state == cloud::MachineState::stopped) return true;
             if (machine.state == cloud::MachineState::failed ||
                 machine.state == cloud::MachineState::terminated) {
               throw Error(ErrorKind::failed, "machine {} ({}) is {} instead of stopped: {}",
                           guest.machine_id, guest.label, cloud::to_string(machine.state),
                           machine.state_reason);
             }
             return std::nullopt;
           });
}

void remove_guest(Context& context, workflow::Run& run, const Guest& guest) {
  run.step("remove-" + guest.label, [&](workflow::Step&) {
    context.cloud.remove_machine(guest.place, guest.machine_id);
    context.ledger.released_external(guest.machine_id);
  });
}

}  // namespace hallmark::pipeline
