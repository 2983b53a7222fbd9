/// hallmark channel: names for the version of a product that is in use now.

#include "pipeline/channel.h"

#include <algorithm>

#include "base/text.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

using pipeline::Channel;
using pipeline::ChannelCheck;
using pipeline::ChannelMove;

/// A move in the foreground, and what it came to.
Outcome move(App& app, const Arguments& arguments, const Channel& channel,
             const std::string& run_id) {
  ProgressView view(app, arguments.has("--logs"));
  view.say("moving channel " + pipeline::to_string(channel) + ", run " + run_id);
  const workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  return {{{"channel", pipeline::to_string(channel)},
           {"image_key", run.result.at("image_key")},
           {"parameter", run.result.at("parameter")},
           {"places", run.result.at("places")},
           {"run", run_record(run)}}};
}

void render_move(const Json& record, App& app) {
  app.out.stream << record.at("channel").get<std::string>() << " holds "
                 << paint(app.out, Tone::strong, record.at("image_key").get<std::string>())
                 << " in " << record.at("places").get<int>()
                 << (record.at("places") == 1 ? " place: " : " places: ")
                 << record.at("parameter").get<std::string>() << '\n';
}

Outcome promote(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("--to", "");
  if (name.empty()) {
    throw Error(ErrorKind::usage, "to which channel?").hint("--to NAME, such as --to prod");
  }
  pipeline::check_channel_name(name);
  const pipeline::GoldenImage image = image_named(app, arguments);
  Workplace& workplace = app.workplace();
  const std::string run_id = pipeline::start_promote(workplace.engine, workplace.context, image,
                                                     name, app.user, arguments.has("--force"));
  return move(app, arguments, {image.product, image.os, name}, run_id);
}

Outcome roll_back(App& app, const Arguments& arguments) {
  const Channel channel = pipeline::channel_from(arguments.value_or("CHANNEL", ""));
  Workplace& workplace = app.workplace();
  const std::string run_id = pipeline::start_rollback(workplace.engine, workplace.context, channel,
                                                      app.user, arguments.has("--force"));
  return move(app, arguments, channel, run_id);
}

Json channel_record(App& app, const std::vector<ChannelMove>& moves, const Arguments& arguments,
                    bool& correct) {
  const pipeline::Context& context = app.workplace().context;
  const ChannelMove& last = moves.back();
  Json record = {{"channel", pipeline::to_string(last.channel)},
                 {"image_key", last.to_key},
                 {"action", pipeline::to_string(last.action)},
                 {"moved_by", last.moved_by},
                 {"moved_at", last.moved_at}};
  if (arguments.has("--history")) record["moves"] = moves;
  if (arguments.has("--check")) {
    const std::vector<ChannelCheck> checks = pipeline::check_channel(context, last.channel);
    correct &= std::all_of(checks.begin(), checks.end(), [](const ChannelCheck& check) {
      return check.presence == pipeline::Presence::correct;
    });
    record["places"] = checks;
  }
  return record;
}

Outcome list(App& app, const Arguments& arguments) {
  const std::string wanted = arguments.value_or("PRODUCT/OS", "");
  const auto moves = pipeline::list_moves(app.workplace().context.database, std::nullopt);
  Json channels = Json::array();
  bool correct = true;
  for (auto first = moves.begin(); first != moves.end();) {
    const auto last = std::find_if(
        first, moves.end(), [&](const ChannelMove& m) { return m.channel != first->channel; });
    const std::string product_and_os = first->channel.product + "/" + first->channel.os;
    if (wanted.empty() || wanted == product_and_os ||
        wanted == pipeline::to_string(first->channel)) {
      channels.push_back(channel_record(app, {first, last}, arguments, correct));
    }
    first = last;
  }
  Json record = {{"channels", channels}};
  if (arguments.has("--check")) record["correct"] = correct;
  return {std::move(record), correct ? 0 : traits(ErrorKind::failed).exit_code};
}

std::string or_none(const Json& key) {
  return key.get<std::string>().empty() ? "(none)" : key.get<std::string>();
}

void render_checks(const Json& channels, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& channel : channels) {
    for (const Json& place : channel.at("places")) {
      auto text = [&](const char* key) { return place.at(key).get<std::string>(); };
      const std::string presence = text("presence");
      rows.push_back({channel.at("channel").get<std::string>(),
                      text("account_id") + "/" + text("region"),
                      text("value"),
                      {presence, presence == "correct" ? Tone::good : Tone::bad},
                      text("problem")});
    }
  }
  app.out.stream << '\n';
  print_table(app.out, {"CHANNEL", "PLACE", "VALUE", "", ""}, rows);
}

void render_history(const Json& channels, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& channel : channels) {
    for (const Json& move : channel.at("moves")) {
      auto text = [&](const char* key) { return move.at(key).get<std::string>(); };
      rows.push_back({text("channel"), text("moved_at").substr(0, 19) + "Z", text("moved_by"),
                      text("action"), or_none(move.at("from")), or_none(move.at("to"))});
    }
  }
  app.out.stream << '\n';
  print_table(app.out, {"CHANNEL", "AT", "BY", "", "FROM", "TO"}, rows);
}

void render_list(const Json& record, App& app) {
  const Json& channels = record.at("channels");
  if (channels.empty()) {
    app.err.stream << "no channels; make one with: " << app.command_prefix
                   << " channel promote PRODUCT/OS/VERSION --to NAME\n";
    return;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& channel : channels) {
    auto text = [&](const char* key) { return channel.at(key).get<std::string>(); };
    rows.push_back({text("channel"),
                    {or_none(channel.at("image_key")), Tone::strong},
                    text("moved_at").substr(0, 19) + "Z",
                    text("moved_by")});
  }
  print_table(app.out, {"CHANNEL", "HOLDS", "SINCE", "BY"}, rows);
  if (channels[0].contains("places")) render_checks(channels, app);
  if (channels[0].contains("moves")) render_history(channels, app);
}

}  // namespace

std::vector<Command> channel_commands() {
  const OptionSpec force = {"--force", "", "overwrite a parameter that somebody edited"};
  const std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::failed, "some places could not be set; the others are"},
      {ErrorKind::not_found, ""},
      {ErrorKind::conflict, "not active, edited by hand, or nothing to go back to"},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "channel",
       .verb = "promote",
       .summary = "Let a channel hold a version, wherever the version is.",
       .examples = {{"hallmark channel promote Web-1.0/Debian-12/7 --to prod",
                     "/GoldenAMI/Debian-12/Web-1.0/channel/prod has its id in each place."}},
       .arguments = {image_argument()},
       .options = {{"--to", "NAME", "the channel: a-z, 0-9 and '-', at most 32"},
                   force,
                   logs_option()},
       .description = "Repeating it sets what is missing.",
       .exits = exits,
       .streams = true,
       .run = promote,
       .render = render_move},
      {.noun = "channel",
       .verb = "list",
       .summary = "List channels and the versions they hold.",
       .examples = {{"hallmark channel list", "All of them."},
                    {"hallmark channel list Web-1.0/Debian-12 --check",
                     "Compare what each place has with what it should have."},
                    {"hallmark channel list --history", "Who moved what, when."}},
       .arguments = {{"PRODUCT/OS", "only of this one; with /NAME only that channel", false}},
       .options = {{"--check", "", "look at the parameters too"}, {"--history", "", "every move"}},
       .exits = {{ErrorKind::failed, "--check: a place does not have what it should"}},
       .run = list,
       .render = render_list},
      {.noun = "channel",
       .verb = "rollback",
       .summary = "Let a channel hold the version again that it held before.",
       .examples = {{"hallmark channel rollback Web-1.0/Debian-12/prod",
                     "Once more goes back once more. Versions that are not active any more are "
                     "left out."}},
       .arguments = {{"CHANNEL", "product/os/name"}},
       .options = {force, logs_option()},
       .exits = exits,
       .streams = true,
       .run = roll_back,
       .render = render_move},
  };
}

}  // namespace hallmark::cli
