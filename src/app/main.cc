/// hallmark, the program.

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "app/aws_account.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/interruption.h"
#include "app/machine_checks.h"
#include "app/wiring.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/access.h"
#include "cli/command_line.h"
#include "cli/help.h"
#include "cli/report_error.h"
#include "cli/server_client.h"
#include "cloud/libvirt/libvirt_cloud.h"

namespace hallmark::app {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

cli::Terminal terminal_on(std::ostream& stream, int fd) {
  bool is_terminal = ::isatty(fd) == 1;
  bool dumb = environment("TERM").empty() || environment("TERM") == "dumb";
  cli::Terminal terminal{.stream = stream,
                         .color = is_terminal && !dumb && environment("NO_COLOR").empty(),
                         .live = is_terminal && !dumb};
  struct winsize size {};
  if (is_terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

/// `word`, in quotes where a shell wants them.
std::string shell_word(const std::string& word) {
  const bool plain = word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789/._-+:@") == std::string::npos;
  return plain ? word : shell_quote(word);
}

/// Printed commands must reach the same state directory and database as this one does.
std::string command_prefix(const std::string& state, const std::string& database) {
  auto option = [](const std::string& name, const std::string& given) {
    return given.empty() ? std::string() : " " + name + " " + shell_word(given);
  };
  return "hallmark" + option("--state", state) + option("--db", database);
}

/// None for a command that works on this machine, unless the command line names a server.
cli::ServerAddress server_address(const cli::Call& call) {
  std::string url = call.server;
  if (url.empty() && cli::is_remote(*call.command)) url = environment("HALLMARK_SERVER");
  return {url, environment("HALLMARK_TOKEN"), environment("HALLMARK_CA_FILE")};
}

int show_help(const cli::Call& call, std::ostream& stream) {
  const cli::CommandTable& table = commands();
  stream << (call.command != nullptr ? cli::command_help(*call.command)
             : !call.noun.empty()    ? cli::noun_help(table, call.noun)
                                     : cli::program_help(table));
  stream.flush();
  return call.incomplete ? traits(ErrorKind::usage).exit_code : 0;
}

int run(const std::vector<std::string>& words, cli::Terminal out, cli::Terminal err) {
  cli::Call call = cli::parse_command_line(commands(), words);
  if (call.what == cli::Call::What::version) {
    out.stream << "hallmark " << HALLMARK_VERSION << std::endl;
    return 0;
  }
  if (call.what == cli::Call::What::help) {
    return show_help(call, call.incomplete ? err.stream : out.stream);
  }
  if (call.verbose) log_to_stderr(LogLevel::debug);
  if (!call.database.empty()) {
    cli::refuse_password("--db", call.database);
    // As if it had been there before: for whoever reads the configuration, and our own processes.
    ::setenv("HALLMARK_DB", call.database.c_str(), 1);
  }

  SystemClock clock;
  Interruption interruption;
  std::stop_callback tell(interruption.token(), [&] {
    err.stream << (err.live ? "\r\x1b[K" : "")
               << "hallmark: stopping cleanly; interrupt again to end at once" << std::endl;
  });
  Path state = state_directory(call.state_directory);
  std::unique_ptr<Installation> installation;
  std::string user = environment("USER");
  cli::App app{.out = out,
               .err = err,
               .clock = clock,
               .stop = interruption.token(),
               .state_directory = state,
               .user = user.empty() ? "uid-" + std::to_string(::getuid()) : user,
               .command_prefix = command_prefix(call.state_directory, call.database),
               .json = call.json,
               .workplace = [&]() -> cli::Workplace& {
                 if (!installation) installation = std::make_unique<Installation>(state, clock);
                 return installation->workplace();
               },
               .scanner = make_scanner(state, clock),
               .inventory = [state] { return load_config(state).inventory; },
               .examine_machine = [&] { return examine_machine(state, interruption.token()); },
               .aws = aws_account(state, clock),
               .advisories = [state] { return load_config(state).advisories; }};
  const cli::ServerAddress server = server_address(call);
  if (server.url.empty()) return cli::run_command(app, call);
  app.command_prefix = "hallmark --server " + shell_word(server.url);
  return cli::print_outcome(app, *call.command, cli::run_at_server(app, call, server));
}

int main_body(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  // A machine's guard must be what it is before any thread starts; it is no command for people.
  if (words.size() >= 2 && words[0] == "internal" && words[1] == "machine-guard") {
    return cloud::machine_guard_main({words.begin() + 2, words.end()});
  }
  // A reader that went away is an error of that write, not the end of a run in the middle.
  ::signal(SIGPIPE, SIG_IGN);
  cli::Terminal out = terminal_on(std::cout, STDOUT_FILENO);
  cli::Terminal err = terminal_on(std::cerr, STDERR_FILENO);
  try {
    return run(words, out, err);
  } catch (const std::exception& e) {
    return cli::report_error(err, cli::wants_json(words), e);
  }
}

}  // namespace

}  // namespace hallmark::app

int main(int argc, char** argv) { return hallmark::app::main_body(argc, argv); }
