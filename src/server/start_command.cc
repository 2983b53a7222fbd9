/// hallmark server start.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <thread>

#include "base/text.h"
#include "server/api.h"
#include "server/driver.h"
#include "server/listener.h"
#include "server/openapi.h"
#include "server/server_commands.h"
#include "server/tokens.h"
#include "server/watch.h"

namespace hallmark::server {

namespace {

constexpr const char* kListen = "127.0.0.1:8443";
constexpr int kDriveWidth = 16;
/// What was asked before the end is answered within this time.
constexpr Duration kDrain{20'000};

struct Place {
  std::string address;
  std::uint16_t port = 0;
};

/// "127.0.0.1:8443", "[::1]:8443". Throws `usage`.
Place place_of(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Place place;
  unsigned port = 0;
  bool good = colon != text.npos;
  if (good) {
    place.address = text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, port);
    good = read.ec == std::errc() && read.ptr == end && port <= 65535;
  }
  if (place.address.starts_with('[') && place.address.ends_with(']')) {
    place.address = place.address.substr(1, place.address.size() - 2);
  }
  if (!good || place.address.empty()) {
    throw Error(ErrorKind::usage, "\"{}\" is no place to listen on", text)
        .hint("such as 127.0.0.1:8443, 0.0.0.0:443 or [::1]:8443");
  }
  place.port = static_cast<std::uint16_t>(port);
  return place;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

ListenerOptions listener_options(const cli::Arguments& arguments) {
  const Place place = place_of(arguments.value_or("--listen", kListen));
  ListenerOptions options{.address = place.address,
                          .port = place.port,
                          .certificate = arguments.value_or("--tls-cert", ""),
                          .key = arguments.value_or("--tls-key", "")};
  if (options.certificate.empty() != options.key.empty()) {
    throw Error(ErrorKind::usage, "--tls-cert and --tls-key go together");
  }
  if (options.certificate.empty() && !is_loopback(options.address) &&
      !arguments.has("--insecure")) {
    throw Error(ErrorKind::usage, "{} can be reached from elsewhere, and there is no TLS",
                options.address)
        .hint("pass --tls-cert and --tls-key, or --insecure if something before it does TLS");
  }
  return options;
}

/// Whether what is shown on stderr goes to systemd's journal, which keeps it for others to read.
bool journal_listens() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat there {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &there) == 0 &&
         stream == fmt::format("{}:{}", there.st_dev, there.st_ino);
}

/// With nobody who could ask, the server would be of no use: whoever starts it may do everything.
void make_first_token(cli::App& app) {
  db::Database& database = app.workplace().context.database;
  if (!list_tokens(database).empty()) return;
  if (journal_listens()) {
    app.err.stream << "there is no API token yet; make one with: " << app.command_prefix
                   << " token create NAME --role admin\n";
    return;
  }
  ApiToken token{.name = app.user,
                 .rights = {{.role = cli::Role::admin}},
                 .created_by = app.user,
                 .created_at = to_rfc3339(app.clock.now())};
  const std::string text = create_token(database, token);
  app.workplace().context.audit.append({.token = "token.created/" + token.token_id,
                                        .actor = app.user,
                                        .action = "token.created",
                                        .subject = token.name,
                                        .detail = token});
  app.err.stream << "the first API token, for " << token.name
                 << " as admin; it is shown this once:\n"
                 << text << '\n';
}

void say_where(cli::App& app, const ListenerOptions& options, std::uint16_t port) {
  const std::string host = options.address.find(':') == std::string::npos
                               ? options.address
                               : "[" + options.address + "]";
  const std::string url =
      fmt::format("{}://{}:{}", options.certificate.empty() ? "http" : "https", host, port);
  if (app.json) {
    app.out.stream << compact(Json{{"type", "listening"}, {"url", url}}) << std::endl;
  } else {
    app.err.stream << "listening on " << url << "; SIGTERM or Ctrl-C ends it" << std::endl;
  }
}

cli::Outcome start(cli::App& app, const cli::Arguments& arguments,
                   const cli::CommandTable& commands, const DeskOf& desk_of,
                   const SettingsOf& settings_of) {
  const ListenerOptions options = listener_options(arguments);
  Settings settings = settings_of(app);
  make_first_token(app);
  Hub hub;
  const notify::Desk desk = desk_of(app);
  app.workplace().observe(hub.observer());
  {
    std::optional<Driver> driver;
    if (!arguments.has("--no-drive")) driver.emplace(app, kDriveWidth, &desk);
    const Watch watch(hub, app.workplace().context.database, app.workplace().engine);
    Api api({.commands = commands,
             .app = app,
             .hub = hub,
             .openapi = pretty(openapi(commands)) + "\n",
             .provider = settings.oidc ? std::make_shared<OidcProvider>(*settings.oidc) : nullptr,
             .allow_private = settings.allow_private});
    Listener listener(options, api);
    say_where(app, options, listener.port());
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait(lock, app.stop, [] { return false; });
    api.stop();
    listener.drain(kDrain);
  }
  app.workplace().observe({});
  return {{{"stopped", true}}};
}

}  // namespace

std::vector<cli::Command> server_commands(const cli::CommandTable& (*table)(),
                                          const DeskOf& desk_of, const SettingsOf& settings_of) {
  return {
      {.noun = "server",
       .verb = "start",
       .summary = "Serve the API, drive all runs, look after schedules and notices, until stopped.",
       .examples = {{"hallmark server start", "For this machine only."},
                    {"hallmark server start --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key "
                     "key.pem",
                     "For a team."}},
       .options = {{"--listen", "ADDRESS:PORT", "default: 127.0.0.1:8443; port 0: any"},
                   {"--tls-cert", "FILE", "certificate with its chain, PEM"},
                   {"--tls-key", "FILE", "its private key, PEM"},
                   {"--insecure", "", "listen without TLS where others can reach it"},
                   {"--no-drive", "", "answer only; another process drives the runs"}},
       .description = "If there is no API token, it makes one for an admin and shows it once; not "
                      "under systemd, "
                      "whose journal would keep it.",
       .exits = {{ErrorKind::conflict, "the port is taken"}},
       .streams = true,
       .run =
           [table, desk_of, settings_of](cli::App& app, const cli::Arguments& arguments) {
             return start(app, arguments, table(), desk_of, settings_of);
           },
       .render = [](const Json&,
                    cli::App& app) { app.err.stream << "stopped; runs are kept as they are\n"; }}};
}

cli::Command openapi_command(const cli::CommandTable& (*table)()) {
  return {.noun = "internal",
          .verb = "openapi",
          .summary = "Print docs/openapi.json.",
          .examples = {},
          .run = [table](cli::App&, const cli::Arguments&) -> cli::Outcome {
            return {openapi(table())};
          },
          .render = [](const Json& record,
                       cli::App& app) { app.out.stream << pretty(record) << '\n'; }};
}

}  // namespace hallmark::server
