/// hallmark image archive, unarchive.

#include "base/error.h"
#include "cli/drive.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/run_record.h"
#include "cli/table.h"
#include "pipeline/archive.h"

namespace hallmark::cli {

namespace {

std::string bucket_named(const Arguments& arguments) {
  const auto named = arguments.values("--bucket");
  if (!named.empty()) return named.front();
  throw Error(ErrorKind::usage, "no bucket is named").hint("name one with --bucket");
}

Outcome drive_archiving(App& app, const Arguments& arguments, const pipeline::GoldenImage& image,
                        const std::string& run_id, const std::string& doing) {
  ProgressView view(app, arguments.has("--logs"));
  view.say(doing + " " + image.image_key + ", run " + run_id);
  const workflow::RunInfo run = drive_run(app, view, run_id);
  require_success(app, run);
  const auto now = pipeline::get_golden_image(app.workplace().context.database, image.run_id);
  return {{{"image", now},
           {"run", run_record(run)},
           {"archives", archives_record(app, now)},
           {"targets", targets_record(app, now)}}};
}

Outcome archive(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  const pipeline::GoldenImage image = image_named(app, arguments);
  const std::string run_id = pipeline::start_archive(workplace.engine, workplace.context, image,
                                                     arguments.value_or("--region", ""),
                                                     bucket_named(arguments), app.user);
  return drive_archiving(app, arguments, image, run_id, "archiving");
}

Outcome unarchive(App& app, const Arguments& arguments) {
  Workplace& workplace = app.workplace();
  const pipeline::GoldenImage image = image_named(app, arguments);
  const std::string run_id = pipeline::start_unarchive(
      workplace.engine, workplace.context, image, arguments.value_or("--region", ""),
      bucket_named(arguments), arguments.value_or("--object", ""));
  return drive_archiving(app, arguments, image, run_id, "bringing back");
}

void render_archive(const Json& record, App& app) { render_archives(record.at("archives"), app); }

void render_unarchive(const Json& record, App& app) { render_targets(record.at("targets"), app); }

OptionSpec bucket_option() {
  return {"--bucket", "BUCKET", "in that region; a directory on the embedded cloud"};
}

OptionSpec region_option() {
  return {"--region", "REGION", "of our account; where it was built if left out"};
}

}  // namespace

std::vector<Command> image_archive_commands() {
  const std::vector<std::pair<ErrorKind, std::string>> exits = {
      {ErrorKind::failed, ""},
      {ErrorKind::usage, "the cloud keeps no archives"},
      {ErrorKind::not_found, "there is no image of ours in that region, or nothing in that bucket"},
      {ErrorKind::conflict, "it is in another state, or its image is there"},
      {ErrorKind::cancelled, "interrupted; it can be resumed"}};
  return {
      {.noun = "image",
       .verb = "archive",
       .summary = "Keep a version's image in a bucket too.",
       .examples = {{"hallmark image archive Web-1.0/Debian-12/1 --bucket golden-archive",
                     "As one object in S3. On the embedded cloud the bucket is a directory."}},
       .arguments = {image_argument()},
       .options = {bucket_option(), region_option(), logs_option()},
       .exits = exits,
       .streams = true,
       .run = archive,
       .render = render_archive},
      {.noun = "image",
       .verb = "unarchive",
       .summary = "Bring an image that was lost back from its bucket, and publish it again.",
       .examples = {{"hallmark image unarchive Web-1.0/Debian-12/1 --bucket golden-archive",
                     "Refused unless it is the disk that was approved."}},
       .arguments = {image_argument()},
       .options = {bucket_option(),
                   region_option(),
                   {"--object", "NAME", "in that bucket; what was stored last if left out"},
                   logs_option()},
       .exits = exits,
       .streams = true,
       .run = unarchive,
       .render = render_unarchive},
  };
}

}  // namespace hallmark::cli
