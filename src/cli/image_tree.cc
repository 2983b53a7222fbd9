/// hallmark image tree: what golden images are made from.

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "pipeline/ancestry.h"

namespace hallmark::cli {

namespace {

/// A name that is longer moves the rest of its own line only.
constexpr std::size_t kNameColumns = 60;

Outcome tree(App& app, const Arguments& arguments) {
  const bool one = arguments.has("REF");
  const pipeline::AncestryOptions options{.all = arguments.has("--all"),
                                          .run_id = one ? image_named(app, arguments).run_id : ""};
  const pipeline::Ancestry ancestry =
      pipeline::make_ancestry(pipeline::read_ancestry(app.workplace().context), options);
  Json record = {{"images", ancestry}};
  if (auto file = arguments.value("--svg")) {
    write_file(*file, pipeline::ancestry_svg(ancestry, app.clock.now()));
    record["svg"] = *file;
  }
  return {std::move(record)};
}

/// One line of the tree: its name with what is drawn before it, and the rest.
std::string name_of(const Json& image) {
  const std::string name = image.at("name");
  if (image.at("kind") == "golden") return name;
  const std::string id = image.at("image_id");
  return name.empty() ? id : name + " (" + id + ")";
}

void render_line(const Json& image, const std::string& rail, std::size_t width, App& app) {
  const std::string name = one_line(name_of(image));
  std::string line = rail + paint(app.out, Tone::strong, name);
  const std::size_t taken = columns(rail) + columns(name);
  line += std::string(taken < width ? width - taken : 0, ' ') + "  ";
  if (image.at("kind") == "outside") {
    line += paint(app.out, Tone::faint, "outside source");
  } else {
    const std::string state = image.at("state");
    line += paint(app.out, tone_of_state(state), state);
    line += "  " + pipeline::age_of(image.at("created_at"), app.clock.now());
  }
  for (const Json& mark : image.at("marks")) {
    line += "  " + paint(app.out, Tone::bad, "! " + one_line(mark.get<std::string>()));
  }
  app.out.stream << line << '\n';
}

void render(const Json& record, App& app) {
  const Json& images = record.at("images");
  if (record.contains("svg")) {
    app.out.stream << record.at("svg").get<std::string>() << '\n';
    return;
  }
  if (images.empty()) {
    app.err.stream << "no images; make one with: " << app.command_prefix
                   << " image build golden.yaml\n";
    return;
  }
  std::vector<std::size_t> depths;
  for (const Json& image : images) depths.push_back(image.at("depth"));
  const std::vector<std::string> rails = pipeline::tree_rails(depths);
  std::size_t width = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    width = std::max(width, columns(rails[i]) + columns(one_line(name_of(images[i]))));
  }
  width = std::min(width, kNameColumns);
  for (std::size_t i = 0; i < images.size(); ++i) render_line(images[i], rails[i], width, app);
}

}  // namespace

std::vector<Command> image_tree_commands() {
  ArgumentSpec one = image_argument();
  one.required = false;
  one.help += "; default: all images";
  return {{.noun = "image",
           .verb = "tree",
           .summary = "Show what images are made from, and which stand on one that is retired.",
           .examples = {{"hallmark image tree", "All of them; \"!\" marks what needs a new build."},
                        {"hallmark image tree Base-1.0/Debian-12",
                         "What one is made from and what is made from it."},
                        {"hallmark image tree --svg tree.svg", "As a picture."}},
           .arguments = {one},
           .options = {{"--all", "", "those that are gone too, though nothing stands on them"},
                       {"--svg", "FILE", "write a picture there instead"}},
           .description =
               "An image is vulnerable when its newest assessments do not pass its gate: "
               "see hallmark image reassess.",
           .exits = {{ErrorKind::not_found, ""}},
           .run = tree,
           .render = render}};
}

}  // namespace hallmark::cli
