/// hallmark catalog: what people may launch, and what they launched.

#include <algorithm>

#include "base/text.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/catalog.h"
#include "pipeline/catalog_launch.h"
#include "pipeline/workflows.h"

namespace hallmark::cli {

namespace {

std::string principal(App& app, const Arguments& arguments, const cloud::Place& place) {
  if (auto as = arguments.value("--as")) return *as;
  return app.workplace().context.catalog.caller(place, app.user);
}

Json version_record(const cloud::ProductVersion& version) {
  return {{"version", version.name},
          {"state", cloud::to_string(version.state)},
          {"created_at", to_rfc3339(version.created_at)}};
}

Json provisioned_record(const cloud::ProvisionedProduct& provisioned) {
  return {{"name", provisioned.name},
          {"id", provisioned.provisioned_id},
          {"state", cloud::to_string(provisioned.state)},
          {"state_reason", provisioned.state_reason},
          {"created_at", to_rfc3339(provisioned.created_at)},
          {"product_id", provisioned.version.product_id},
          {"version_id", provisioned.version.version_id},
          {"outputs", provisioned.outputs}};
}

/// What a product's id means there, for people.
std::string name_of(const std::vector<cloud::Offer>& offers, const cloud::VersionId& id) {
  for (const cloud::Offer& offer : offers) {
    if (offer.product.product_id != id.product_id) continue;
    for (const cloud::ProductVersion& version : offer.versions) {
      if (version.version_id == id.version_id) return offer.product.name + " " + version.name;
    }
    return offer.product.name;
  }
  return id.product_id;
}

Outcome list(App& app, const Arguments& arguments) {
  pipeline::Context& context = app.workplace().context;
  const cloud::Place place = place_of(app, arguments);
  const std::string who = principal(app, arguments, place);
  const std::vector<cloud::Offer> offers = context.catalog.list_offers(place, who);
  Json record = {{"account_id", place.account_id}, {"region", place.region}, {"principal", who}};
  if (arguments.has("--launched")) {
    record["launched"] = Json::array();
    for (const cloud::ProvisionedProduct& each : context.catalog.list_provisioned(place)) {
      record["launched"].push_back(provisioned_record(each));
      record["launched"].back()["product"] = name_of(offers, each.version);
    }
    return {std::move(record)};
  }
  record["products"] = Json::array();
  for (const cloud::Offer& offer : offers) {
    Json versions = Json::array();
    for (const cloud::ProductVersion& version : offer.versions) {
      versions.push_back(version_record(version));
    }
    record["products"].push_back({{"product", offer.product.name},
                                  {"product_id", offer.product.product_id},
                                  {"portfolio_id", offer.portfolio_id},
                                  {"versions", versions}});
  }
  return {std::move(record)};
}

void render_launched(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& each : record.at("launched")) {
    auto text = [&](const char* key) { return each.at(key).get<std::string>(); };
    const std::string state = text("state");
    rows.push_back({{text("name"), Tone::strong},
                    text("product"),
                    {state, state == "failed" ? Tone::bad : Tone::good},
                    text("created_at").substr(0, 19) + "Z",
                    text("state_reason")});
  }
  if (rows.empty()) {
    app.err.stream << "nothing was launched in " << record.at("account_id").get<std::string>()
                   << '/' << record.at("region").get<std::string>() << '\n';
    return;
  }
  print_table(app.out, {"NAME", "PRODUCT", "STATE", "SINCE", ""}, rows);
}

void render_list(const Json& record, App& app) {
  if (record.contains("launched")) return render_launched(record, app);
  std::vector<std::vector<Cell>> rows;
  for (const Json& product : record.at("products")) {
    const Json& versions = product.at("versions");
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
      const std::string state = version->at("state");
      rows.push_back({{product.at("product").get<std::string>(), Tone::strong},
                      version->at("version").get<std::string>(),
                      {state, state == "active" ? Tone::good : Tone::warning},
                      version->at("created_at").get<std::string>().substr(0, 19) + "Z",
                      product.at("portfolio_id").get<std::string>()});
    }
  }
  if (rows.empty()) {
    app.err.stream << "nothing is offered to " << record.at("principal").get<std::string>()
                   << " in " << record.at("account_id").get<std::string>() << '/'
                   << record.at("region").get<std::string>() << '\n';
    return;
  }
  print_table(app.out, {"PRODUCT", "VERSION", "", "SINCE", "PORTFOLIO"}, rows);
}

/// "KEY=VALUE".
std::pair<std::string, std::string> parameter_from(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    throw Error(ErrorKind::usage, "\"{}\" is no parameter", text).hint("write NAME=VALUE");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

pipeline::ProvisionedNews news(ProgressView& view) {
  return [&view, last = std::string()](const cloud::ProvisionedProduct& provisioned) mutable {
    std::string now = provisioned.name + " is " + std::string(cloud::to_string(provisioned.state));
    if (now != last) view.say(now);
    last = std::move(now);
  };
}

Outcome launch(App& app, const Arguments& arguments) {
  pipeline::Context& context = app.workplace().context;
  const cloud::Place place = place_of(app, arguments);
  pipeline::LaunchRequest request{.product = arguments.value_or("PRODUCT/OS", ""),
                                  .name = arguments.value_or("NAME", ""),
                                  .principal = principal(app, arguments, place),
                                  .parameters = {}};
  for (const std::string& text : arguments.values("--parameter")) {
    request.parameters.insert(parameter_from(text));
  }
  if (auto size = arguments.value("--size")) {
    request.parameters[std::string(cloud::kMachineSizeParameter)] = *size;
  }
  ProgressView view(app, false);
  const std::string id = pipeline::launch_from_catalog(context, place, request, app.stop);
  return {
      provisioned_record(pipeline::await_provisioned(context, place, id, news(view), app.stop))};
}

void render_launch(const Json& record, App& app) {
  app.out.stream << paint(app.out, Tone::strong, record.at("name").get<std::string>())
                 << " stands\n";
  for (const auto& [name, value] : record.at("outputs").items()) {
    app.out.stream << "  " << name << ": " << value.get<std::string>() << '\n';
  }
}

Outcome terminate(App& app, const Arguments& arguments) {
  pipeline::Context& context = app.workplace().context;
  const cloud::Place place = place_of(app, arguments);
  const cloud::ProvisionedProduct provisioned =
      pipeline::provisioned_named(context, place, arguments.value_or("NAME", ""));
  ProgressView view(app, false);
  pipeline::terminate_provisioned(context, place, provisioned, news(view), app.stop);
  return {{{"name", provisioned.name}, {"id", provisioned.provisioned_id}}};
}

void render_terminate(const Json& record, App& app) {
  app.out.stream << record.at("name").get<std::string>() << " is gone\n";
}

Outcome check(App& app, const pipeline::GoldenImage& image) {
  const auto places = pipeline::check_catalog(app.workplace().context, image);
  const bool correct = std::all_of(places.begin(), places.end(), [](const auto& place) {
    return place.presence == pipeline::Presence::correct;
  });
  return {{{"image_key", image.image_key}, {"correct", correct}, {"places", places}},
          correct ? 0 : traits(ErrorKind::failed).exit_code};
}

Outcome publish(App& app, const Arguments& arguments) {
  const pipeline::GoldenImage image = image_named(app, arguments);
  if (arguments.has("--check")) return check(app, image);
  Workplace& workplace = app.workplace();
  const std::string run_id = pipeline::start_publish(workplace.engine, workplace.context, image);
  ProgressView view(app, arguments.has("--logs"));
  view.say("publishing " + image.image_key + ", run " + run_id);
  const workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  Outcome outcome = check(app, image);
  outcome.record["run"] = run_record(run);
  return outcome;
}

void render_publish(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& place : record.at("places")) {
    const std::string presence = place.at("presence");
    rows.push_back({place.at("account_id").get<std::string>(),
                    place.at("region").get<std::string>(),
                    {presence, presence == "correct" ? Tone::good : Tone::bad},
                    join(place.at("problems").get<std::vector<std::string>>(), "; ")});
  }
  print_table(app.out, {"ACCOUNT", "REGION", "", ""}, rows);
}

}  // namespace

std::vector<Command> catalog_commands() {
  const OptionSpec as = {"--as", "ARN", "the principal who asks; default: yourself"};
  auto with_place = [](std::vector<OptionSpec> options) {
    for (OptionSpec& option : place_options()) options.push_back(std::move(option));
    return options;
  };
  return {
      {.noun = "catalog",
       .verb = "list",
       .summary = "List what you may launch, or what was launched.",
       .examples = {{"hallmark catalog list", "What portfolios grant you."},
                    {"hallmark catalog list --launched --account 444455556666",
                     "What runs from the catalog there."}},
       .options = with_place({{"--launched", "", "what was launched instead"}, as}),
       .run = list,
       .render = render_list},
      {.noun = "catalog",
       .verb = "launch",
       .summary = "Launch a product that a portfolio grants you.",
       .examples = {{"hallmark catalog launch Web-1.0/Debian-12 web-a",
                     "Its newest version, called web-a."},
                    {"hallmark catalog launch Web-1.0/Debian-12/6 web-b --size t3.large "
                     "--parameter SubnetId=subnet-0123",
                     "Version 6, with what its template asks for."}},
       .arguments = {{"PRODUCT/OS", "with /VERSION for another than the newest"},
                     {"NAME", "for what is launched"}},
       .options = with_place({{"--size", "SIZE", "machine size; by default the template's"},
                              {"--parameter", "NAME=VALUE", "of the template", true},
                              as}),
       .description = "Only golden images can be launched this way: the template takes no other.",
       .exits = {{ErrorKind::not_found, "not offered to you"},
                 {ErrorKind::denied, "not granted, or the version is not to be launched any more"},
                 {ErrorKind::conflict, "the name is taken, or all versions are deprecated"},
                 {ErrorKind::failed, "it did not come to stand; see why"},
                 {ErrorKind::cancelled, "interrupted; the launch goes on by itself"}},
       .streams = true,
       .run = launch,
       .render = render_launch},
      {.noun = "catalog",
       .verb = "terminate",
       .summary = "End what was launched from the catalog, with all that it made.",
       .examples = {{"hallmark catalog terminate web-a", ""}},
       .arguments = {{"NAME", "as it was launched"}},
       .options = place_options(),
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::cancelled, "interrupted; it goes on ending by itself"}},
       .streams = true,
       .run = terminate,
       .render = render_terminate},
      {.noun = "catalog",
       .verb = "publish",
       .summary = "Bring the catalogs up to date about a version and its product.",
       .examples = {{"hallmark catalog publish Web-1.0/Debian-12/7",
                     "Distributing does it by itself; this repeats that part."},
                    {"hallmark catalog publish Web-1.0/Debian-12/7 --check",
                     "Compare what the catalogs have with what they should have."}},
       .arguments = {image_argument()},
       .options = {{"--check", "", "change nothing"}, logs_option()},
       .exits = {{ErrorKind::failed, "some catalogs are not as they should be"},
                 {ErrorKind::not_found, ""},
                 {ErrorKind::conflict, "not active, or another run is about it"},
                 {ErrorKind::cancelled, "interrupted; it can be resumed"}},
       .streams = true,
       .run = publish,
       .render = render_publish},
  };
}

}  // namespace hallmark::cli
