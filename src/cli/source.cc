/// hallmark source: images that golden images are built from.

#include "source/source.h"

#include <fmt/format.h>

#include <charconv>

#include "base/ids.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/places.h"
#include "cli/progress_view.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

using namespace std::chrono_literals;

/// On source images: where they come from, a release or "import".
constexpr const char* kSourceTag = "hallmark:source";
/// Digest of what `source create` was asked for, so that asking again is recognised.
constexpr const char* kSpecTag = "hallmark:source-spec";
/// Between two looks at an image that the cloud still takes in.
constexpr Duration kLook = 1s;

/// "3G", "512M". Throws `usage`.
std::uint64_t parse_size(const std::string& text) {
  std::uint64_t count = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string unit(end, text.data() + text.size());
  unsigned shift = unit == "M" ? 20 : unit == "G" ? 30 : unit == "T" ? 40 : 0;
  if (failure != std::errc() || shift == 0 || count == 0 || count > 65536) {
    throw Error(ErrorKind::usage, "\"{}\" is not a size", text)
        .hint("write a number and a unit, such as 3G or 2048M");
  }
  return count << shift;
}

std::optional<cloud::Image> find_by_name(App& app, const cloud::Place& place,
                                         const std::string& name) {
  auto images = app.workplace().context.cloud.list_images(place, {.name = name});
  if (images.empty()) return std::nullopt;
  return images.front();
}

Json image_record(const cloud::Image& image) {
  auto tag = [&](const char* key) {
    auto found = image.tags.find(key);
    return found == image.tags.end() ? Json(nullptr) : Json(found->second);
  };
  return {{"image_id", image.image_id},
          {"name", image.name},
          {"source", tag(kSourceTag)},
          {"state", cloud::to_string(image.state)},
          {"account_id", image.owner_id},
          {"region", image.region},
          {"architecture", image.architecture},
          {"disk_size_bytes", image.disk_size_bytes},
          {"stored_size_bytes", image.stored_size_bytes},
          {"created_at", to_rfc3339(image.created_at)}};
}

/// Takes the file in and waits until the image can be used.
cloud::Image import_file(App& app, ProgressView& view, const cloud::Place& place, const Path& file,
                         const cloud::ImageSpec& spec) {
  cloud::Cloud& cloud = app.workplace().context.cloud;
  view.begin("import");
  std::string id = cloud.import_image(place, file, spec, sha256_hex(random_id("import")), app.stop);
  while (true) {
    auto image = cloud.find_image(place, id);
    if (image && image->state == cloud::ImageState::available) {
      view.end("import");
      return *image;
    }
    if (image && image->state != cloud::ImageState::pending) {
      throw Error(ErrorKind::failed, "image {} is {}: {}", id, cloud::to_string(image->state),
                  image->state_reason);
    }
    if (!app.clock.sleep_until(app.clock.now() + kLook, app.stop)) {
      throw Error(ErrorKind::cancelled, "stopped while the cloud takes in image {}", id)
          .hint("see: hallmark source list");
    }
  }
}

Error name_taken(const cloud::Image& image) {
  return Error(ErrorKind::conflict, "there is an image named \"{}\" already: {}", image.name,
               image.image_id)
      .hint("take another --name, or remove it: hallmark source remove " + image.name);
}

Outcome create(App& app, const Arguments& arguments) {
  source::DebianSourceSpec spec;
  spec.release = arguments.value_or("--release", spec.release);
  if (auto size = arguments.value("--size")) spec.disk_size_bytes = parse_size(*size);
  spec.extra_packages = arguments.values("--package");
  const std::string name = arguments.value_or("--name", "debian-" + spec.release + "-source");
  cloud::check_image_name(name);
  cloud::Place place = place_of(app, arguments);
  const std::string digest = sha256_hex(compact(Json{{"release", spec.release},
                                                     {"architecture", spec.architecture},
                                                     {"disk_size_bytes", spec.disk_size_bytes},
                                                     {"packages", spec.extra_packages}}));
  if (auto existing = find_by_name(app, place, name)) {
    auto made_from = existing->tags.find(kSpecTag);
    if (made_from == existing->tags.end() || made_from->second != digest) {
      throw name_taken(*existing);
    }
    return {{{"image", image_record(*existing)}, {"created", false}}};
  }

  ProgressView view(app, false);
  make_directories(app.state_directory / "tmp");
  TempDir work(app.state_directory / "tmp");
  spec.output = work.path() / "source.qcow2";
  view.begin("make-disk");
  source::make_debian_source(
      spec,
      [&](std::optional<double> fraction, const std::string& text) {
        view.progressed("", "make-disk", fraction, text);
      },
      app.stop);
  view.end("make-disk");
  cloud::Image image = import_file(app, view, place, spec.output,
                                   {.name = name,
                                    .description = "Debian " + spec.release + " as released",
                                    .tags = {{kSourceTag, spec.release}, {kSpecTag, digest}}});
  return {{{"image", image_record(image)}, {"created", true}}};
}

Outcome import(App& app, const Arguments& arguments) {
  Path file = arguments.value_or("FILE", "");
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorKind::not_found, "there is no file {}", file.string());
  }
  const std::string name = arguments.value_or("--name", file.stem().string());
  cloud::check_image_name(name);
  cloud::Place place = place_of(app, arguments);
  if (auto existing = find_by_name(app, place, name)) throw name_taken(*existing);
  ProgressView view(app, false);
  cloud::Image image = import_file(app, view, place, file,
                                   {.name = name,
                                    .description = "imported from " + file.filename().string(),
                                    .tags = {{kSourceTag, "import"}}});
  return {{{"image", image_record(image)}, {"created", true}}};
}

void render_created(const Json& record, App& app) {
  const Json& image = record.at("image");
  auto text = [&](const char* key) { return image.at(key).get<std::string>(); };
  app.out.stream << "source image \"" << text("name") << "\" ("
                 << paint(app.out, Tone::strong, text("image_id")) << ") "
                 << (record.at("created").get<bool>() ? "is in " : "exists already in ")
                 << text("account_id") << "/" << text("region") << ", "
                 << format_size(image.at("disk_size_bytes").get<std::uint64_t>()) << ", stored as "
                 << format_size(image.at("stored_size_bytes").get<std::uint64_t>()) << '\n';
}

Outcome list(App& app, const Arguments& arguments) {
  cloud::Cloud& cloud = app.workplace().context.cloud;
  cloud::Properties properties = cloud.properties();
  std::vector<cloud::Place> places;
  if (arguments.has("--region") || arguments.has("--account")) {
    places = {place_of(app, arguments)};
  } else {
    for (const std::string& region : properties.regions) {
      places.push_back({properties.account_id, region});
    }
  }
  Json images = Json::array();
  for (const cloud::Place& place : places) {
    for (const auto& image : cloud.list_images(place, {.tag_keys = {kSourceTag}})) {
      images.push_back(image_record(image));
    }
  }
  return {{{"images", images}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& image : record.at("images")) {
    auto text = [&](const char* key) { return image.at(key).get<std::string>(); };
    rows.push_back({text("name"), text("image_id"), text("source"), state_cell(text("state")),
                    text("account_id") + "/" + text("region"),
                    format_size(image.at("disk_size_bytes").get<std::uint64_t>()),
                    format_size(image.at("stored_size_bytes").get<std::uint64_t>()),
                    text("created_at").substr(0, 10)});
  }
  if (rows.empty()) {
    app.err.stream << "no source images; make one with: " << app.command_prefix
                   << " source create\n";
    return;
  }
  print_table(app.out, {"NAME", "ID", "FROM", "STATE", "IN", "DISK", "STORED", "ON"}, rows);
}

Outcome remove(App& app, const Arguments& arguments) {
  const std::string wanted = arguments.value_or("NAME", "");
  cloud::Cloud& cloud = app.workplace().context.cloud;
  cloud::Place place = place_of(app, arguments);
  std::vector<std::string> names;
  for (const auto& image : cloud.list_images(place, {.tag_keys = {kSourceTag}})) {
    if (image.name == wanted || image.image_id == wanted) {
      cloud.remove_image(place, image.image_id);
      return {{{"removed", image_record(image)}}};
    }
    names.push_back(image.name);
  }
  auto close = suggestion(wanted, names);
  throw Error(ErrorKind::not_found, "there is no source image \"{}\" in {}", wanted,
              cloud::to_string(place))
      .hint(close ? "did you mean \"" + *close + "\"?"
                  : "see: " + app.command_prefix + " source list");
}

void render_removed(const Json& record, App& app) {
  const Json& image = record.at("removed");
  app.out.stream << "removed " << image.at("name").get<std::string>() << " ("
                 << image.at("image_id").get<std::string>() << ")\n";
}

}  // namespace

std::vector<Command> source_commands() {
  OptionSpec name = {"--name", "NAME", "its name in the cloud"};
  auto with_place = [](std::vector<OptionSpec> options) {
    for (OptionSpec& option : place_options()) options.push_back(option);
    return options;
  };
  return {
      {.noun = "source",
       .verb = "create",
       .summary = "Make a bootable Debian source image.",
       .examples = {{"hallmark source create", "Debian 12, named debian-bookworm-source."},
                    {"hallmark source create --package nginx --size 4G --name web-base",
                     "With another package and a larger disk."}},
       .options = with_place({{"--release", "NAME", "Debian release; default: bookworm"},
                              {"--size", "SIZE", "of its disk, such as 3G (the default)"},
                              name,
                              {"--package", "NAME", "a package more", true}}),
       .description = "It has the release's packages and none of its security updates. If an image "
                      "of that name was made from the same options, there is nothing to do.",
       .exits = {{ErrorKind::conflict, "the name is taken"},
                 {ErrorKind::denied, ""},
                 {ErrorKind::unavailable, "the mirror cannot be reached, or no space"}},
       .streams = true,
       .run = create,
       .render = render_created},
      {.noun = "source",
       .verb = "import",
       .summary = "Take an existing qcow2 or raw disk as source image.",
       .examples = {{"hallmark source import disk.qcow2 --name my-base", "The file is copied."}},
       .arguments = {{"FILE", "a qcow2 or raw disk"}},
       .options = with_place({name}),
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::conflict, "the name is taken"},
                 {ErrorKind::corrupt, "the file is damaged or no disk"}},
       .streams = true,
       .run = import,
       .render = render_created},
      {.noun = "source",
       .verb = "list",
       .summary = "List source images.",
       .examples = {{"hallmark source list", "In all regions."}},
       .options = place_options(),
       .run = list,
       .render = render_list},
      {.noun = "source",
       .verb = "remove",
       .summary = "Remove a source image.",
       .examples = {{"hallmark source remove my-base", "Golden images built from it stay."}},
       .arguments = {{"NAME", "its name or id"}},
       .options = place_options(),
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove,
       .render = render_removed},
  };
}

}  // namespace hallmark::cli
