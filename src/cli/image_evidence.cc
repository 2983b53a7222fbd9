/// hallmark image report, evidence, verify: what a decision rests on, and whether it still stands.

#include <algorithm>

#include "base/text.h"
#include "cli/image_record.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "evidence/report.h"
#include "pipeline/bundle.h"
#include "pipeline/subject.h"

namespace hallmark::cli {

namespace {

/// The image, if there is evidence of it. That somebody looks is noted.
pipeline::GoldenImage image_with_evidence(App& app, const Arguments& arguments,
                                          const std::string& how) {
  pipeline::GoldenImage image = image_named(app, arguments);
  if (image.evidence_digest.empty()) {
    throw Error(ErrorKind::not_found, "{} has no evidence: it is {}", image.image_key,
                pipeline::to_string(image.state))
        .hint("see how far its build is: " + app.command_prefix + " run show " + image.run_id);
  }
  pipeline::note_look(app.workplace().context, image, app.user, how);
  return image;
}

Outcome report(App& app, const Arguments& arguments) {
  if (arguments.has("--all") && !arguments.has("--why")) {
    throw Error(ErrorKind::usage, "--all goes with --why");
  }
  const pipeline::GoldenImage image = image_with_evidence(app, arguments, "image report");
  const evidence::Subject subject = pipeline::make_subject(app.workplace().context, image);
  const std::string shown = arguments.has("--html")  ? "html"
                            : arguments.has("--all") ? "why of all"
                            : arguments.has("--why") ? "why"
                                                     : "text";
  return {{{"image_key", image.image_key},
           {"run_id", image.run_id},
           {"evidence_digest", image.evidence_digest},
           {"paths", report_paths(app, image.run_id)},
           {"shown", shown},
           {"report", evidence::report_json(subject)}}};
}

void render_report(const Json& record, App& app) {
  const std::string shown = record.at("shown");
  const Json& report = record.at("report");
  if (shown == "html") {
    app.out.stream << record.at("paths").value("html", "") << '\n';
  } else if (shown == "text") {
    app.out.stream << evidence::report_text(report);
  } else {
    app.out.stream << evidence::why_text(report, shown == "why of all");
  }
}

Outcome write_evidence(App& app, const Arguments& arguments) {
  const std::string directory = arguments.value_or("-o", "");
  if (directory.empty()) {
    throw Error(ErrorKind::usage, "where shall the bundle go?").hint("-o DIR, a new directory");
  }
  const pipeline::GoldenImage image = image_with_evidence(app, arguments, "image evidence");
  Workplace& workplace = app.workplace();
  const Path logs = workplace.engine.log_path(image.run_id, "any").parent_path();
  const pipeline::BundleWritten written =
      pipeline::write_image_bundle(workplace.context, image, directory, logs);
  // Beside the bundle, not in it: a key that comes with what it signed proves nothing.
  Path key_file = Path(directory).lexically_normal();
  if (!key_file.has_filename()) key_file = key_file.parent_path();
  key_file += ".pub";
  write_file(key_file, written.key.pem());
  return {{{"image_key", image.image_key},
           {"image_id", image.image_id},
           {"run_id", image.run_id},
           {"evidence_digest", image.evidence_digest},
           {"disk_sha256", written.disk_sha256},
           {"directory", directory},
           {"files", written.files},
           {"key_id", written.key.id()},
           {"key_file", key_file.string()}}};
}

void render_evidence(const Json& record, App& app) {
  auto text = [&](const char* key) { return record.at(key).get<std::string>(); };
  const std::string disk = text("disk_sha256");
  print_fields(app.out,
               {{"Bundle", {text("directory"), Tone::strong}},
                {"Image", text("image_key") + " (" + text("image_id") + ")"},
                {"Disk", disk.empty() ? "" : "sha256:" + disk},
                {"Evidence", text("evidence_digest")},
                {"Files", std::to_string(record.at("files").size()) + ", and the manifest"},
                {"Signed with", "key " + text("key_id")}});
  if (disk.empty()) {
    app.err.stream << "hallmark: warning: the disk's digest was not counted when it was built, so "
                      "there are no signed statements on it\n";
  }
  app.out.stream << "\nWhoever checks it needs the public key, by another way than the bundle: "
                 << text("key_file") << "\n  hallmark image verify "
                 << shell_quote(text("directory")) << " --key " << shell_quote(text("key_file"))
                 << '\n';
}

/// Which key the bundle must be signed with.
PublicKey trusted_key(App& app, const Arguments& arguments, const Path& directory) {
  if (auto file = arguments.value("--key")) return public_key_from_pem(read_file(*file), *file);
  if (!std::filesystem::exists(app.state_directory / "audit" / "first-key.pub")) {
    throw Error(ErrorKind::usage, "nothing here says whose signature to trust")
        .hint("pass --key FILE, the public key of who made the bundle");
  }
  const std::vector<PublicKey> keys = pipeline::installation_keys(app.workplace().context);
  const std::string signer = evidence::signer(directory);
  auto known = std::find_if(keys.begin(), keys.end(),
                            [&](const PublicKey& key) { return key.id() == signer; });
  return known == keys.end() ? keys.back() : *known;
}

Outcome verify(App& app, const Arguments& arguments) {
  const Path directory = arguments.value_or("DIR", "");
  const PublicKey key = trusted_key(app, arguments, directory);
  evidence::Verified bundle = evidence::verify_bundle(directory, key);
  std::vector<evidence::Problem> problems = bundle.problems;
  std::vector<std::string> checked = {"files", "signatures"};
  // What a bundle that is not whole says of itself is worth nothing to compare with.
  if (problems.empty()) {
    if (auto file = arguments.value("--disk")) {
      checked.emplace_back("disk");
      auto disk = disk::open_disk(*file, disk::BackingFiles::beside);
      if (auto problem = pipeline::compare_with_disk(bundle, *disk, *file, app.stop)) {
        problems.push_back(*problem);
      }
    }
    if (auto reference = arguments.value("--image")) {
      checked.emplace_back("record");
      pipeline::Context& context = app.workplace().context;
      const auto image = pipeline::get_golden_image(context.database, *reference);
      for (auto& problem : pipeline::compare_with_record(context, image, bundle, app.stop)) {
        problems.push_back(std::move(problem));
      }
    }
  }
  Json list = Json::array();
  for (const evidence::Problem& problem : problems) {
    list.push_back({{"file", problem.file}, {"what", problem.what}});
  }
  return {{{"directory", directory.string()},
           {"holds", problems.empty()},
           {"problems", list},
           {"checked", checked},
           {"key_id", key.id()},
           {"image_key", bundle.image_key},
           {"image_id", bundle.image_id},
           {"disk_sha256", bundle.disk_sha256},
           {"disk_digest_of", bundle.disk_digest_of},
           {"evidence_digest", bundle.evidence_digest},
           {"made_at", bundle.made_at},
           {"files", bundle.file_count}},
          problems.empty() ? 0 : traits(ErrorKind::corrupt).exit_code};
}

void render_verify(const Json& record, App& app) {
  // What is checked here may come from anybody.
  auto text = [&](const char* key) { return one_line(record.at(key).get<std::string>()); };
  if (record.at("holds").get<bool>()) {
    const std::string disk = text("disk_sha256");
    app.out.stream << paint(app.out, Tone::good, "it holds") << ": "
                   << record.at("files").get<std::size_t>() << " files, signed with key "
                   << text("key_id") << '\n';
    print_fields(app.out,
                 {{"Image", text("image_key") + " (" + text("image_id") + ")"},
                  {"Disk", disk.empty() ? "" : "sha256:" + disk + " of: " + text("disk_digest_of")},
                  {"Evidence", text("evidence_digest")},
                  {"Made at", text("made_at")},
                  {"Checked", join(record.at("checked").get<std::vector<std::string>>(), ", ")}});
    return;
  }
  app.out.stream << paint(app.out, Tone::bad, "it does not hold") << '\n';
  for (const Json& problem : record.at("problems")) {
    const std::string file = one_line(problem.at("file").get<std::string>());
    app.out.stream << "  " << (file.empty() ? "" : file + ": ")
                   << one_line(problem.at("what").get<std::string>()) << '\n';
  }
}

}  // namespace

std::vector<Command> image_evidence_commands() {
  return {
      {.noun = "image",
       .verb = "report",
       .summary = "Print what an image's approval rests on, or why the gate judged as it did.",
       .examples = {{"hallmark image report Web-1.0/Debian-12/1",
                     "Scanners, rules, change since the last version and the source, findings."},
                    {"hallmark image report Web-1.0/Debian-12/1 --why",
                     "Each rule, and each finding that fails, needs review or is waived."},
                    {"xdg-open \"$(hallmark image report Web-1.0/Debian-12/1 --html)\"",
                     "The page that its approvers saw."}},
       .arguments = {image_argument()},
       .options = {{"--why", "", "only the rules and the reason of each finding's verdict"},
                   {"--all", "", "with --why: findings that passed, too"},
                   {"--html", "", "print the path of the page instead"}},
       .description = "The audit log notes who looked.",
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::corrupt, "the evidence was altered after it was written"}},
       .run = report,
       .render = render_report},
      {.noun = "image",
       .verb = "evidence",
       .summary = "Write an image's evidence as a signed bundle that anybody can check.",
       .examples = {{"hallmark image evidence Web-1.0/Debian-12/1 -o evidence/web-1",
                     "SBOMs, findings, statements, raw results, decisions, logs, audit entries."},
                    {"hallmark image evidence ami-0123456789abcdef0 -o evidence/web-1 --json",
                     "The names of the files that were written."}},
       .arguments = {image_argument()},
       .options = {{"-o", "DIR", "where to: a directory that is new or empty"}},
       .description =
           "The same record gives the same files. The public key goes to DIR.pub, beside the "
           "bundle. The audit log notes who asked. Formats: docs/formats/evidence.md.",
       .exits = {{ErrorKind::not_found, ""},
                 {ErrorKind::conflict, "the directory is not empty"},
                 {ErrorKind::corrupt, "the evidence was altered after it was written"}},
       .run = write_evidence,
       .render = render_evidence},
      {.noun = "image",
       .verb = "verify",
       .summary = "Check a bundle of evidence: every file, every signature, the disk.",
       .examples = {{"hallmark image verify evidence/web-1 --key web-1.pub",
                     "Offline; needs nothing but the bundle and the key."},
                    {"hallmark image verify evidence/web-1 --key web-1.pub --disk web.qcow2",
                     "And whether this disk, raw or qcow2, is the one it is about."},
                    {"hallmark image verify evidence/web-1 --image Web-1.0/Debian-12/1",
                     "And against our record, the audit log, and the image's disk in the cloud."}},
       .arguments = {{"DIR", "the bundle"}},
       .options = {{"--key", "FILE",
                    "the public key it must be signed with; default: one of this installation's"},
                   {"--disk", "FILE", "compare the bytes of this disk"},
                   {"--image", "REF", "compare with our record and read the image's disk"}},
       .exits = {{ErrorKind::corrupt, "it does not hold; each problem is on a line"},
                 {ErrorKind::not_found, "there is no such directory, key, disk or image"}},
       .run = verify,
       .render = render_verify},
  };
}

}  // namespace hallmark::cli
