/// hallmark image assess.

#include "pipeline/assess_images.h"

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

/// Of one image; the rest is in --json.
constexpr std::size_t kShownFindings = 20;

Outcome assess(App& app, const Arguments& arguments) {
  const std::string key = arguments.value_or("IMAGE", "");
  if (key.empty() != arguments.has("--all")) {
    throw Error(ErrorKind::usage, "name an image, or give --all");
  }
  Json images = pipeline::assess_images(app.workplace().context, key, app.stop);
  int code = 0;
  for (const Json& image : images) {
    if (image.contains("error")) code = traits(ErrorKind::failed).exit_code;
  }
  return {{{"images", std::move(images)}}, code};
}

void render_new(const Json& images, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& image : images) {
    const Json introduced = image.value("introduced", Json::array());
    for (std::size_t i = 0; i < introduced.size(); ++i) {
      if (i == kShownFindings) {
        rows.push_back({"", "", fmt::format("and {} more", introduced.size() - i), "", ""});
        break;
      }
      const Json& finding = introduced[i];
      const std::string severity = finding.at("severity");
      const std::string fixed = finding.at("fixed_version");
      rows.push_back(
          {image.at("image_key").get<std::string>(),
           Cell(severity, severity == "critical" || severity == "high" ? Tone::bad : Tone::plain),
           one_line(finding.at("id").get<std::string>()),
           one_line(finding.at("package").get<std::string>()),
           fixed.empty() ? "none yet" : one_line(fixed)});
    }
  }
  if (rows.empty()) {
    app.err.stream << "nothing new\n";
    return;
  }
  print_table(app.out, {"NEW IN", "SEVERITY", "FINDING", "PACKAGE", "FIXED IN"}, rows);
  app.out.stream << '\n';
}

void render(const Json& record, App& app) {
  const Json& images = record.at("images");
  if (images.empty()) {
    app.err.stream << "there is no active image\n";
    return;
  }
  render_new(images, app);
  std::vector<std::vector<Cell>> rows;
  for (const Json& image : images) {
    const std::string key = image.at("image_key");
    if (image.contains("error")) {
      rows.push_back({key, "", "", "", "", Cell("failed", Tone::bad),
                      one_line(image.at("error").at("message").get<std::string>())});
      continue;
    }
    rows.push_back({key, std::to_string(image.at("introduced").size()),
                    std::to_string(image.at("fixed").get<std::size_t>()),
                    std::to_string(image.at("findings").get<std::size_t>()),
                    std::to_string(image.at("gaps").get<std::size_t>()),
                    image.at("completeness").get<std::string>(),
                    image.at("since").get<std::string>().substr(0, 10)});
  }
  print_table(app.out, {"IMAGE", "NEW", "FIXED", "FINDINGS", "GAPS", "COVERAGE", "COMPARED WITH"},
              rows);
}

}  // namespace

std::vector<Command> image_assess_commands() {
  return {{.noun = "image",
           .verb = "assess",
           .summary = "Match the kept inventories of images against today's advisories; what is "
                      "new comes first.",
           .examples = {{"hallmark image assess --all",
                         "Every active and deprecated version, in seconds."},
                        {"hallmark image assess web-1/debian-12/1.0.0", "One of them."}},
           .arguments = {{"IMAGE", "product/os/version", false}},
           .options = {{"--all", "", "every active and deprecated version"}},
           .description = "A look: nothing is launched, recorded or told to anybody. `hallmark "
                          "image reassess` judges by each pipeline's gate and keeps what it finds.",
           .exits = {{ErrorKind::failed, "some images could not be looked at"},
                     {ErrorKind::not_found, ""}},
           .run = assess,
           .render = render}};
}

}  // namespace hallmark::cli
