/// hallmark audit: the log of who did what, and whether it is whole.

#include "audit/verify.h"

#include <charconv>
#include <fstream>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/paging.h"
#include "cli/table.h"

namespace hallmark::cli {

namespace {

constexpr std::size_t kPage = 1000;
/// A page of entries that are far between ends after a look at so many: then it is short.
constexpr std::int64_t kMostLookedAt = 20'000;

audit::Log& log_of(App& app) { return app.workplace().context.audit; }

std::int64_t sequence_in(const std::string& cursor) {
  const std::string key = db::keys_of(cursor, 1).front();
  std::int64_t sequence = 0;
  const auto read = std::from_chars(key.data(), key.data() + key.size(), sequence);
  if (read.ec == std::errc() && read.ptr == key.data() + key.size()) return sequence;
  throw Error(ErrorKind::usage, "nothing goes on after \"{}\"", cursor);
}

Outcome list(App& app, const Arguments& arguments) {
  const std::string subject = arguments.value_or("--subject", "");
  const std::string actor = arguments.value_or("--actor", "");
  const db::Page asked = page_of(arguments);
  const std::int64_t begin = asked.after.empty() ? 0 : sequence_in(asked.after);
  Json entries = Json::array();
  std::int64_t after = begin;
  auto is_full = [&] {
    return asked.limit && (static_cast<std::int64_t>(entries.size()) >= *asked.limit ||
                           after - begin >= kMostLookedAt);
  };
  for (;;) {
    std::vector<audit::Entry> page = log_of(app).read(after, kPage);
    for (const audit::Entry& entry : page) {
      if (is_full()) {
        return {page_record("entries", std::move(entries), db::cursor_of({std::to_string(after)}))};
      }
      after = entry.sequence;
      Json json = parse_json(entry.text, "audit log");
      const bool wanted =
          (subject.empty() || json["subject"].get<std::string>().starts_with(subject)) &&
          (actor.empty() || json["actor"] == actor);
      if (wanted) entries.push_back(std::move(json));
    }
    if (page.size() < kPage) break;
  }
  return {{{"entries", entries}}};
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& entry : record.at("entries")) {
    auto text = [&](const char* key) { return entry.at(key).get<std::string>(); };
    rows.push_back({std::to_string(entry.at("sequence").get<std::int64_t>()), text("at"),
                    text("actor"), text("action"), text("subject")});
  }
  print_table(app.out, {"ENTRY", "AT", "WHO", "ACTION", "SUBJECT"}, rows);
  render_next(record, app);
}

PublicKey trusted_key(App& app, const Arguments& arguments) {
  if (auto file = arguments.value("--key")) return public_key_from_pem(read_file(*file), *file);
  const Path directory =
      arguments.has("FILE") ? app.state_directory / "audit" : log_of(app).directory();
  return audit::first_key(directory);
}

Outcome verify(App& app, const Arguments& arguments) {
  if (!arguments.has("FILE") && log_of(app).read(0, 1).empty()) {
    return {{{"entries", 0}, {"intact", true}, {"problems", Json::array()}, {"key_id", ""}}};
  }
  const PublicKey key = trusted_key(app, arguments);
  audit::VerifyReport report;
  if (auto file = arguments.value("FILE")) {
    std::ifstream in(*file, std::ios::binary);
    if (!in) throw Error(ErrorKind::not_found, "cannot read {}", *file);
    report = audit::verify_export(in, key, *file);
  } else {
    report = audit::verify_log(log_of(app), key);
  }
  const int exit_code = report.intact() ? 0 : traits(ErrorKind::corrupt).exit_code;
  return {{{"entries", report.entries},
           {"last_digest", report.last_digest},
           {"key_id", key.id()},
           {"intact", report.intact()},
           {"problems", report.problems}},
          exit_code};
}

void render_verify(const Json& record, App& app) {
  if (record.at("intact").get<bool>()) {
    if (record.at("entries") == 0) {
      app.out.stream << "nothing has happened yet\n";
      return;
    }
    app.out.stream << "intact: " << record.at("entries") << " entries, begun with key "
                   << record.at("key_id").get<std::string>() << '\n';
    return;
  }
  app.out.stream << paint(app.out, Tone::bad, "not intact") << '\n';
  for (const Json& problem : record.at("problems")) {
    app.out.stream << "  " << problem.get<std::string>() << '\n';
  }
}

Outcome export_file(App& app, const Arguments& arguments) {
  const std::string file = arguments.value_or("FILE", "");
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  audit::export_log(log_of(app), out);
  out.close();
  if (!out) throw Error(ErrorKind::unavailable, "cannot write {}", file);
  return {{{"file", file}}};
}

Outcome rotate_key(App& app, const Arguments&) {
  return {{{"key_id", log_of(app).rotate_key(app.user).id()}}};
}

}  // namespace

std::vector<Command> audit_commands() {
  return {
      {.noun = "audit",
       .verb = "list",
       .summary = "List who did what.",
       .examples = {{"hallmark audit list", "All of it, oldest first."},
                    {"hallmark audit list --subject Web-1.0/ --actor ada",
                     "What ada did to Web-1.0."}},
       .options = {{"--subject", "TEXT", "only entries whose subject starts so"},
                   {"--actor", "NAME", "only what this one did"},
                   page_options()[0],
                   page_options()[1]},
       .run = list,
       .render = render_list},
      {.noun = "audit",
       .verb = "verify",
       .summary = "Check that no entry was edited, dropped, moved or cut off.",
       .examples = {{"hallmark audit verify", "The log of this state directory."},
                    {"hallmark audit verify audit.jsonl --key first-key.pub",
                     "An exported file, against a key that was kept elsewhere."}},
       .arguments = {{"FILE", "an exported log; default: this state directory's", false}},
       .options = {{"--key", "FILE",
                    "the public key the log began with; default: audit/first-key.pub"}},
       .exits = {{ErrorKind::corrupt, "the log is not what was written"}},
       .run = verify,
       .render = render_verify},
      {.noun = "audit",
       .verb = "export",
       .summary = "Write the log to a file that can be checked anywhere.",
       .examples = {{"hallmark audit export audit.jsonl",
                     "One line an entry, the last one signed."}},
       .arguments = {{"FILE", "where to"}},
       .run = export_file,
       .render = [](const Json& record,
                    App& app) { app.out.stream << record.at("file").get<std::string>() << '\n'; }},
      {.noun = "audit",
       .verb = "rotate-key",
       .summary = "Sign from now on with a new key.",
       .examples = {{"hallmark audit rotate-key", "The old key vouches for the new one."}},
       .run = rotate_key,
       .render =
           [](const Json& record, App& app) {
             app.out.stream << "signing with key " << record.at("key_id").get<std::string>()
                            << '\n';
           }},
  };
}

}  // namespace hallmark::cli
