#include "scan/openscap/fixture.h"

#include "base/error.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/text.h"

namespace hallmark::scan::openscap {
namespace {

// Takes its arguments as oscap does, and leaves traces for the test.
constexpr std::string_view kOscap = R"(#!/bin/sh
if [ "$1" = --version ]; then
  echo 'OpenSCAP command line tool (oscap) 1.3.7'
  echo 'Copyright'
  exit 0
fi
env >'@/environment'
echo "$*" >'@/arguments'
while [ $# -gt 1 ]; do
  case $1 in
    --results) results=$2 ;;
    --results-arf) arf=$2 ;;
    --tailoring-file) cp "$2" '@/tailoring' ;;
  esac
  shift
done
content=$1
cp "$content" '@/content'
)";

}  // namespace

Path testdata(const std::string& name) { return Path(HALLMARK_OPENSCAP_TESTDATA) / name; }

LocalMachine::LocalMachine() {
  make_directories(root() / "bin");
  make_directories(root() / "tmp");
  make_directories(root() / "seen");
  // Tests run as anybody; the script wants to be root.
  add_program("id", "#!/bin/sh\necho 0\n");
  set_oscap("cp '" + testdata("results.xml").string() +
            "' \"$results\"; echo '<arf/>' >\"$arf\"; exit 2");
}

void LocalMachine::add_program(const std::string& name, const std::string& text) {
  write_file(root() / "bin" / name, text, 0755);
}

void LocalMachine::set_oscap(const std::string& body) {
  std::string text = replace_all(std::string(kOscap), "@", (root() / "seen").string());
  add_program("oscap", text + body + "\n");
}

void LocalMachine::use_real_oscap() { hallmark::remove_all(root() / "bin/oscap"); }

void LocalMachine::hide_oscap() {
  hidden_ = true;
  hallmark::remove_all(root() / "bin/oscap");
}

std::string LocalMachine::seen(const std::string& what) const {
  return read_file_if_exists(root() / "seen" / what).value_or("");
}

std::vector<std::string> LocalMachine::leftovers() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(root() / "tmp")) {
    names.push_back(entry.path().filename());
  }
  return names;
}

MachineCommands LocalMachine::commands() {
  MachineCommands commands;
  auto check = [this] {
    if (denied) throw Error(ErrorKind::denied, "not allowed to start commands");
  };
  commands.check = check;
  commands.start = [this, check](const ScanTarget& target, const std::string& script,
                                 Duration time_limit) {
    check();
    std::string id = id_from_token("cmd", target.title);
    if (scripts.emplace(id, script).second) {
      ++starts;
      limits_[id] = time_limit;
    }
    if (std::exchange(lose_answer, false)) {
      throw Error(ErrorKind::unavailable, "the connection broke");
    }
    return id;
  };
  commands.read = [this](const ScanTarget&, const std::string& id) { return read(id); };
  commands.cancel = [this](const ScanTarget& target, const std::string& id) {
    scripts.erase(id.empty() ? id_from_token("cmd", target.title) : id);
  };
  return commands;
}

MachineCommand LocalMachine::read(const std::string& command_id) {
  if (dead) return {.state = MachineCommand::State::interrupted};
  if (never_ends) return {};
  if (auto found = ended_.find(command_id); found != ended_.end()) return found->second;
  std::string script = scripts.at(command_id);
  // The program has another name while it is hidden, so that one that is installed is not found.
  if (hidden_) script = replace_all(script, "command -v oscap", "command -v hidden-oscap");
  Path file = root() / "script";
  write_file(file, script, 0700);
  MachineCommand command{.state = MachineCommand::State::finished};
  ProcessSpec spec{.argv = {"/bin/sh", file.string()},
                   .environment = environment,
                   .directory = "/",
                   .time_limit = limits_[command_id],
                   .on_output = [&](std::string_view piece) { command.output += piece; }};
  spec.environment["PATH"] = (root() / "bin").string() + ":/usr/bin:/bin";
  spec.environment["TMPDIR"] = (root() / "tmp").string();
  try {
    command.exit_code = run_process(spec).exit_code;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::timeout) throw;
    command.state = MachineCommand::State::timed_out;
  }
  command.output_truncated = command.output.size() > output_limit;
  command.output.resize(std::min(command.output.size(), output_limit));
  return ended_[command_id] = command;
}

}  // namespace hallmark::scan::openscap
