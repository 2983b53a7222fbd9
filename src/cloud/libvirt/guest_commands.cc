#include "cloud/libvirt/guest_commands.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/libvirt/guarded_machine.h"

namespace hallmark::cloud::libvirt {

// POSIX shell with coreutils, as any Linux guest has them. The script's output goes through a pipe,
// so that what exceeds the limit is dropped without the script noticing.
const char* const kCommandSupervisor = R"sh(
d=$1 environment=$2 limit=$3 bytes=$4 script=$5
shift 5
cd "$d" || exit 1
umask 077
pipe=$environment.pipe
rm -f "$pipe" && mkfifo "$pipe" || exit 1
unbuffered=
command -v stdbuf > /dev/null 2>&1 && unbuffered='stdbuf -o0'
have=$(wc -c < out)
left=$((bytes - have))
[ "$left" -gt 0 ] || left=0
{ [ "$left" -eq 0 ] || $unbuffered head -c "$left" >> out
  [ "$(head -c 1 | wc -c)" -eq 0 ] || : > truncated
  exec cat > /dev/null
} < "$pipe" > /dev/null 2>&1 &
writer=$!
IFS= read -r first < script || :
case $first in
  '#!'*) ;;
  *) set -- "$@" /bin/sh ;;
esac
setsid sh -c '. "$1"; rm -f "$1"; shift; umask 022; cd /; exec "$@"' \
  hallmark "$environment" "$@" "$script" > "$pipe" 2>&1 < /dev/null &
pid=$!
echo "$pid" > pid
watch=
if [ "$limit" -gt 0 ]; then
  { sleep "$limit"; : > timed_out; kill -TERM "-$pid"; sleep 5; kill -KILL "-$pid"; } \
    > /dev/null 2>&1 < /dev/null &
  watch=$!
fi
wait "$pid"
code=$?
if [ -e timed_out ]; then kill -KILL "-$pid" 2> /dev/null; fi
[ -z "$watch" ] || kill "$watch" 2> /dev/null
# What the script left running may hold the pipe; its own output is through long before that.
tries=0
while kill -0 "$writer" 2> /dev/null && [ "$tries" -lt 20 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
rm -f "$pipe"
echo "$code" > exit.new
mv exit.new exit
)sh";

namespace {
using namespace std::chrono_literals;

constexpr std::string_view kBase = "/var/lib/hallmark";
constexpr std::string_view kMemory = "/run/hallmark";
constexpr Duration kStartLimit = 60s;
// A look at a running command is an agent call for each file, and each call takes milliseconds of
// an emulated processor that the command itself could use; an unasked-for reboot is rare.
constexpr Duration kBootLookPause = 5s;

// The agent takes a whole call before it answers, an emulated one some 50 KiB in a second.
constexpr std::size_t kPiece = 48u << 10;

// Adds stdin to what the starter takes.
constexpr std::string_view kPut = R"(
set -e
umask 077
id=$1 memory=$2 first=$3
mkdir -p "$memory"
[ "$first" = no ] || : > "$memory/$id.in"
cat >> "$memory/$id.in"
)";

// Takes script, environment and supervisor as three base64 lines. `again` is for the start after a
// reboot: output goes on where it was.
constexpr std::string_view kStarter = R"(
set -e
umask 077
d=$1 id=$2 memory=$3 limit=$4 bytes=$5 again=$6
mkdir -p "$d" "$memory"
if [ "$again" = no ] && [ -e "$d/boot" ]; then rm -f "$memory/$id.in"; exit 0; fi
sed -n 1p "$memory/$id.in" | base64 -d > "$d/script"
sed -n 2p "$memory/$id.in" | base64 -d > "$memory/$id"
sed -n 3p "$memory/$id.in" | base64 -d > "$d/supervisor"
rm -f "$memory/$id.in" "$d/exit" "$d/timed_out"
chmod 700 "$d/script"
: >> "$d/out"
cat /proc/sys/kernel/random/boot_id > "$d/boot.new"
mv "$d/boot.new" "$d/boot"
setsid sh "$d/supervisor" "$d" "$memory/$id" "$limit" "$bytes" "$d/script" > /dev/null 2>&1 < /dev/null &
)";

std::string directory_of(const std::string& command_id) {
  return fmt::format("{}/commands/{}", kBase, command_id);
}

}  // namespace

std::string environment_lines(const CommandSpec& spec) {
  std::string lines;
  for (const auto& [name, value] : spec.environment) {
    lines += "export " + name + "=" + shell_quote(value) + "\n";
  }
  return lines;
}

std::int64_t limit_seconds(const CommandSpec& spec) {
  return (spec.time_limit.count() + 999) / 1000;
}

std::string GuestCommands::boot_id() {
  return std::string(trim(agent_.read_file("/proc/sys/kernel/random/boot_id", 0, 64).value_or("")));
}

void GuestCommands::launch(const std::string& command_id, const CommandSpec& spec, bool again) {
  std::string input = base64_encode(spec.script) + "\n" + base64_encode(environment_lines(spec)) +
                      "\n" + base64_encode(kCommandSupervisor) + "\n";
  for (std::size_t at = 0; at < input.size(); at += kPiece) {
    agent_.check({"/bin/sh", "-c", std::string(kPut), "hallmark", command_id, std::string(kMemory),
                  at == 0 ? "yes" : "no"},
                 input.substr(at, kPiece), kStartLimit);
  }
  agent_.check({"/bin/sh", "-c", std::string(kStarter), "hallmark", directory_of(command_id),
                command_id, std::string(kMemory), std::to_string(limit_seconds(spec)),
                std::to_string(spec.output_limit_bytes), again ? "yes" : "no"},
               "", kStartLimit);
}

void GuestCommands::start(const std::string& command_id, const CommandSpec& spec) {
  std::lock_guard lock(mutex_);
  if (known_.contains(command_id)) return;
  launch(command_id, spec, false);
  known_[command_id] = {spec};
}

bool GuestCommands::carry_out_reboot(const std::string& command_id) {
  auto found = known_.find(command_id);
  // A guard that was killed took the environment with it: the command cannot be run again.
  if (found == known_.end()) return false;
  Known& known = found->second;
  if (!known.rebooting) {
    if (known.reboots >= kMaxReboots) return false;
    known.boot_before = boot_id();
    agent_.start({"/bin/sh", "-c", "sync; shutdown -r now || reboot"});
    known.rebooting = true;
    known.reboots += 1;
    log_info("command {} asked for reboot {}", command_id, known.reboots);
    return true;
  }
  std::string now = boot_id();
  if (now.empty() || now == known.boot_before) return true;
  arm();
  launch(command_id, known.spec, true);
  known.rebooting = false;
  return true;
}

CommandStatus GuestCommands::read(const std::string& command_id, std::uint64_t output_offset) {
  std::lock_guard lock(mutex_);
  std::string directory = directory_of(command_id);
  CommandStatus status;
  status.output_offset = output_offset;
  auto found = known_.find(command_id);
  bool rebooting = found != known_.end() && found->second.rebooting;
  if (rebooting && !agent_.answers()) return status;
  try {
    // Before the output: whatever comes after the end was not the script's.
    std::optional<std::string> exit = agent_.read_file(directory + "/exit", 0, 16);
    auto now = std::chrono::steady_clock::now();
    bool known = found != known_.end();
    bool look_at_boot = !exit && (!known || now >= found->second.next_boot_look);
    std::optional<std::string> boot;
    if (look_at_boot) {
      boot = agent_.read_file(directory + "/boot", 0, 64);
      if (!boot) throw Error(ErrorKind::not_found, "command {} does not exist", command_id);
    }
    std::string out =
        agent_.read_file(directory + "/out", output_offset, kOutputPieceBytes).value_or("");
    status.output = std::move(out);
    status.output_offset = output_offset + status.output.size();
    bool more = status.output.size() >= kOutputPieceBytes;
    if (!exit) {
      if (!look_at_boot || more) return status;
      if (trim(*boot) != boot_id()) {
        status.state = CommandState::interrupted;
      } else if (known) {
        found->second.next_boot_look = now + kBootLookPause;
      }
      return status;
    }
    int code = std::stoi(std::string(trim(*exit)));
    if (code == kRebootExitCode && carry_out_reboot(command_id)) return status;
    if (more) return status;
    status.exit_code = code;
    status.state = CommandState::finished;
    if (agent_.read_file(directory + "/timed_out", 0, 1)) status.state = CommandState::timed_out;
    status.output_truncated = agent_.read_file(directory + "/truncated", 0, 1).has_value();
    return status;
  } catch (const Error& e) {
    // In the middle of a reboot nobody answers; that is the command running on.
    if (rebooting && e.kind() != ErrorKind::not_found) return status;
    throw;
  }
}

void GuestCommands::cancel(const std::string& command_id) {
  std::lock_guard lock(mutex_);
  known_.erase(command_id);
  // The exit file that the supervisor then writes says 143 or 137.
  agent_.check(
      {"/bin/sh", "-c",
       "cd \"$1\" || exit 9; [ ! -e exit ] || exit 0; pid=$(cat pid) || exit 0; "
       "kill -TERM \"-$pid\" 2> /dev/null; tries=0; "
       "while [ ! -e exit ] && [ $tries -lt 30 ]; do sleep 0.1; tries=$((tries + 1)); done; "
       "[ -e exit ] || kill -KILL \"-$pid\" 2> /dev/null; exit 0",
       "hallmark", directory_of(command_id)},
      "", kStartLimit);
}

void GuestCommands::arm() {
  if (!deadline_) return;
  Duration delay = std::max<Duration>(*deadline_ - SystemClock().now(), 0ms);
  agent_.start({"/bin/sh", "-c",
                "setsid sh -c 'sleep \"$0\"; shutdown -P now; sleep 60; poweroff -f' \"$1\" "
                "> /dev/null 2>&1 < /dev/null &",
                "hallmark", std::to_string(delay / 1s + 1)});
}

void GuestCommands::remove_traces_and_power_off() {
  agent_.start(
      {"/bin/sh", "-c",
       fmt::format("rm -rf {} {}; sync; fstrim -a 2> /dev/null; shutdown -P now || poweroff", kBase,
                   kMemory)});
}

}  // namespace hallmark::cloud::libvirt
