/// hallmark notice send.

#include "server/server_commands.h"

namespace hallmark::server {

namespace {

cli::Outcome send(cli::App& app, const DeskOf& desk_of) {
  const notify::Desk desk = desk_of(app);
  if (desk.receivers.empty()) {
    throw Error(ErrorKind::usage, "config.yaml says nobody who is to be told")
        .hint("add receivers under notices; see docs/notices.md");
  }
  const notify::Told told = notify::tell_due(desk, app.stop);
  return {{{"delivered", told.delivered}, {"waiting", told.waiting}, {"dead", told.dead}},
          told.waiting + told.dead > 0 ? traits(ErrorKind::failed).exit_code : 0};
}

void render_send(const Json& record, cli::App& app) {
  auto count = [&](const char* key) { return record.at(key).get<int>(); };
  app.out.stream << count("delivered") << " delivered";
  if (count("waiting") > 0) app.out.stream << ", " << count("waiting") << " to be tried again";
  if (count("dead") > 0) app.out.stream << ", " << count("dead") << " given up";
  app.out.stream << '\n';
  if (count("waiting") + count("dead") > 0) {
    app.err.stream << "why: " << app.command_prefix << " notice list --undelivered\n";
  }
}

}  // namespace

std::vector<cli::Command> send_commands(const DeskOf& desk_of) {
  return {{.noun = "notice",
           .verb = "send",
           .summary = "Tell the receivers of config.yaml what they were not told yet, once.",
           .examples = {{"hallmark notice send", "From cron, where no server runs."}},
           .description = "A server does this all the time. A receiver hears of what happens after "
                          "it was first seen by either.",
           .exits = {{ErrorKind::failed, "not everything was taken; it is tried again later"}},
           .run = [desk_of](cli::App& app, const cli::Arguments&) { return send(app, desk_of); },
           .render = render_send}};
}

}  // namespace hallmark::server
