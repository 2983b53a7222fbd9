/// hallmark machine: machines that run images.

#include <fmt/format.h>

#include "base/ids.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/progress_view.h"
#include "cli/table.h"
#include "pipeline/image_store.h"

namespace hallmark::cli {

namespace {

using namespace std::chrono_literals;

/// A guest under emulation on a busy host needs minutes to be reachable.
constexpr Duration kReachLimit = 10min;
constexpr Duration kLook = 1s;

Json machine_record(const cloud::Machine& machine) {
  return {{"machine_id", machine.machine_id},
          {"name", machine.name},
          {"state", cloud::to_string(machine.state)},
          {"state_reason", machine.state_reason},
          {"reachable", machine.reachable},
          {"image_id", machine.image_id},
          {"kind", cloud::to_string(machine.kind)},
          {"account_id", machine.account_id},
          {"region", machine.region},
          {"ip", machine.ip},
          {"launched_at", to_rfc3339(machine.launched_at)}};
}

/// An image id as it is, a golden image's id at that place, or an image of that name.
std::string image_at(App& app, const cloud::Place& place, const std::string& reference) {
  pipeline::Context& context = app.workplace().context;
  if (reference.starts_with("ami-")) return reference;
  if (auto golden = pipeline::find_golden_image(context.database, reference)) {
    std::string where;
    for (const auto& target : pipeline::list_targets(context.database, golden->run_id)) {
      if (target.state != pipeline::TargetState::available) continue;
      if (target.place == place) return target.image_id;
      where += (where.empty() ? "" : ", ") + cloud::to_string(target.place);
    }
    throw Error(ErrorKind::not_found, "{} is not in {}", golden->image_key, cloud::to_string(place))
        .hint(where.empty()
                  ? "it is nowhere: it is " + std::string(pipeline::to_string(golden->state))
                  : "it is in " + where);
  }
  auto images = context.cloud.list_images(place, {.name = reference, .owned_only = false});
  if (!images.empty()) return images.front().image_id;
  // For its message, with the closest key.
  return pipeline::get_golden_image(context.database, reference).image_id;
}

cloud::Machine wait_until_reachable(App& app, const cloud::Place& place, const std::string& id) {
  ProgressView view(app, false);
  cloud::Cloud& cloud = app.workplace().context.cloud;
  TimePoint limit = app.clock.now() + kReachLimit;
  view.begin("reachable");
  while (true) {
    auto machine = cloud.find_machine(place, id);
    if (machine && machine->reachable) {
      view.end("reachable");
      return *machine;
    }
    if (machine && machine->state != cloud::MachineState::pending &&
        machine->state != cloud::MachineState::running) {
      throw Error(ErrorKind::failed, "machine {} is {}: {}", id, cloud::to_string(machine->state),
                  machine->state_reason);
    }
    if (app.clock.now() > limit) {
      throw Error(ErrorKind::timeout, "machine {} could not be reached within {}", id,
                  format_duration(kReachLimit))
          .hint("it is still there: hallmark machine list");
    }
    if (!app.clock.sleep_until(app.clock.now() + kLook, app.stop)) {
      throw Error(ErrorKind::cancelled, "stopped; machine {} stays", id)
          .hint("remove it with: " + app.command_prefix + " machine remove " + id);
    }
  }
}

Outcome launch(App& app, const Arguments& arguments) {
  auto reference = arguments.value("--image");
  if (!reference) {
    throw Error(ErrorKind::usage, "--image is missing: what the machine is to run")
        .hint("see: hallmark machine launch --help");
  }
  cloud::Place place = place_of(app, arguments);
  cloud::MachineSpec spec;
  spec.image_id = image_at(app, place, *reference);
  spec.name = arguments.value_or("--name", "");
  spec.machine_size = arguments.value_or("--size", "");
  cloud::Cloud& cloud = app.workplace().context.cloud;
  std::string id = cloud.launch_machine(place, spec, sha256_hex(random_id("launch")), app.stop);
  if (arguments.has("--wait")) {
    return {{{"machine", machine_record(wait_until_reachable(app, place, id))}}};
  }
  auto machine = cloud.find_machine(place, id);
  // A cloud may show it only later; what we know of it is the answer then.
  if (!machine) {
    machine = cloud::Machine{.machine_id = id,
                             .image_id = spec.image_id,
                             .name = spec.name,
                             .account_id = place.account_id,
                             .region = place.region,
                             .launched_at = app.clock.now()};
  }
  return {{{"machine", machine_record(*machine)}}};
}

void render_launch(const Json& record, App& app) {
  const Json& machine = record.at("machine");
  auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
  app.out.stream << paint(app.out, Tone::strong, text("machine_id")) << " runs " << text("image_id")
                 << " in " << text("account_id") << "/" << text("region") << ": " << text("state")
                 << (machine.at("reachable").get<bool>() ? ", reachable" : "") << '\n';
}

Outcome list(App& app, const Arguments& arguments) {
  Json machines = Json::array();
  for (const cloud::Place& place : places_of(app, arguments)) {
    for (const auto& machine : app.workplace().context.cloud.list_machines(
             place, {.include_terminated = arguments.has("--all")})) {
      machines.push_back(machine_record(machine));
    }
  }
  return {{{"machines", machines}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& machine : record.at("machines")) {
    auto text = [&](const char* key) { return machine.at(key).get<std::string>(); };
    rows.push_back({text("machine_id"), text("name"), state_cell(text("state")), text("image_id"),
                    text("account_id") + "/" + text("region"), text("kind"),
                    text("launched_at").substr(0, 19) + "Z"});
  }
  if (rows.empty()) {
    app.err.stream << "no machines\n";
    return;
  }
  print_table(app.out, {"ID", "NAME", "STATE", "IMAGE", "IN", "KIND", "LAUNCHED"}, rows);
}

Outcome remove(App& app, const Arguments& arguments) {
  const std::string id = arguments.value_or("ID", "");
  cloud::Cloud& cloud = app.workplace().context.cloud;
  for (const cloud::Place& place : places_of(app, arguments)) {
    auto machine = cloud.find_machine(place, id);
    if (!machine) continue;
    cloud.remove_machine(place, id);
    return {{{"removed", machine_record(*machine)}}};
  }
  throw Error(ErrorKind::not_found, "there is no machine {} in any place we know", id)
      .hint("see: " + app.command_prefix + " machine list; or name its place: --account --region");
}

}  // namespace

std::vector<Command> machine_commands() {
  std::vector<OptionSpec> launch_options = {
      {"--image", "REF", "a golden image, an image's id, or an image's name"},
      {"--name", "NAME", "what to call the machine"},
      {"--size", "SIZE", "the cloud's own name of a machine size"},
      {"--wait", "", "until it can be reached"}};
  std::vector<OptionSpec> list_options = place_options();
  list_options.push_back({"--all", "", "also those that are terminated"});
  for (OptionSpec& option : place_options()) launch_options.push_back(option);
  return {
      {.noun = "machine",
       .verb = "launch",
       .summary = "Launch a machine from an image.",
       .examples = {{"hallmark machine launch --image Web-1.0/Debian-12 --name web1",
                     "From the newest active version."},
                    {"hallmark machine launch --image ami-0123456789abcdef0 --region us-west-2 "
                     "--wait",
                     "From any image, in another region; returns when it can be reached."}},
       .options = launch_options,
       .exits = {{ErrorKind::not_found, "there is no such image in that place"},
                 {ErrorKind::unavailable, "there is no room for it now"},
                 {ErrorKind::timeout, "it cannot be reached (with --wait)"}},
       .streams = true,
       .run = launch,
       .render = render_launch},
      {.noun = "machine",
       .verb = "list",
       .summary = "List machines in all places we know.",
       .examples = {{"hallmark machine list",
                     "In all accounts and regions of ours and of targets."},
                    {"hallmark machine list --region us-east-1 --all",
                     "In one region, with those that are gone."}},
       .options = list_options,
       .run = list,
       .render = render_list},
      {.noun = "machine",
       .verb = "remove",
       .summary = "End a machine and delete its disk.",
       .examples = {{"hallmark machine remove i-0123456789abcdef0", "Wherever it is."}},
       .arguments = {{"ID", "the machine's id"}},
       .options = place_options(),
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove,
       .render =
           [](const Json& record, App& app) {
             app.out.stream << "removed "
                            << record.at("removed").at("machine_id").get<std::string>() << '\n';
           }},
  };
}

}  // namespace hallmark::cli
