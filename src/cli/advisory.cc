/// hallmark advisory: feeds of advisories, fetched or imported, and what is compiled of them.

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "net/http.h"
#include "scan/advisory/feed_state.h"
#include "scan/advisory/feeds.h"
#include "scan/advisory/store.h"

namespace hallmark::cli {

namespace {

Path directory(const App& app) { return app.state_directory / "advisories"; }

/// What is compiled, as list shows it.
Json compiled(const App& app) {
  const auto file = scan::open_advisories(directory(app));
  if (!file) return nullptr;
  Json feeds = Json::array();
  for (const scan::FeedInfo& feed : file->feeds()) {
    Json one = feed;
    // One whose head is damaged has no date: it is as old as can be.
    const TimePoint fetched = feed.fetched_at.empty() ? TimePoint() : from_rfc3339(feed.fetched_at);
    one["age_seconds"] =
        std::chrono::duration_cast<std::chrono::seconds>(app.clock.now() - fetched).count();
    one["gaps"] = Json::array();
    for (const auto& gap : scan::gaps_of(feed, app.clock.now())) one["gaps"].push_back(gap.reason);
    feeds.push_back(std::move(one));
  }
  std::vector<std::string> ecosystems;
  for (const auto& ecosystem : file->ecosystems())
    ecosystems.emplace_back(file->text(ecosystem.name));
  return {{"feeds", feeds},
          {"ecosystems", ecosystems},
          {"advisories", file->advisories().size()},
          {"statements", file->statements().size()},
          {"size_bytes", file->size_bytes()},
          {"digest", file->digest()}};
}

Outcome update(App& app, const Arguments& arguments) {
  const scan::AdvisoryConfig config = app.advisories();
  if (config.feeds.empty()) {
    throw Error(ErrorKind::usage, "config.yaml names no feeds of advisories")
        .hint("add \"advisories: {feeds: [debian]}\" to " +
              (app.state_directory / "config.yaml").string() + "; known are " +
              join(scan::known_feed_names(), ", "));
  }
  Json outcomes = Json::array();
  bool failed = false;
  for (const auto& outcome :
       scan::update_feeds(config, arguments.values("NAME"), directory(app), app.clock, app.stop)) {
    outcomes.push_back({{"name", outcome.name}, {"state", outcome.state}, {"why", outcome.why}});
    failed = failed || outcome.state == "failed" || outcome.state == "left out";
  }
  return {{{"outcomes", outcomes}, {"compiled", compiled(app)}},
          failed ? traits(ErrorKind::unavailable).exit_code : 0};
}

Outcome import(App& app, const Arguments& arguments) {
  const Path file = std::filesystem::absolute(arguments.value_or("FILE", ""));
  scan::FeedSource source;
  source.kind = arguments.value_or("--kind", "");
  source.place = file.string();
  source.name = arguments.value_or("--name", file.stem().string());
  source.ecosystem = arguments.value_or("--ecosystem", "");
  source.sha256 = arguments.value_or("--sha256", "");
  source.max_age = app.advisories().max_age;
  if (source.kind.empty()) {
    throw Error(ErrorKind::usage, "--kind is missing")
        .hint("kinds are " + join(scan::feed_kinds(), ", "));
  }
  scan::import_feed(source, directory(app), app.clock);
  return {{{"name", source.name}, {"compiled", compiled(app)}}};
}

Outcome remove(App& app, const Arguments& arguments) {
  const std::string name = arguments.value_or("NAME", "");
  scan::remove_feed(name, directory(app));
  return {{{"name", name}, {"compiled", compiled(app)}}};
}

Outcome list(App& app, const Arguments& arguments) {
  Json record = compiled(app);
  if (record.is_null())
    record = {{"feeds", Json::array()},
              {"ecosystems", Json::array()},
              {"advisories", 0},
              {"statements", 0}};
  if (arguments.has("--verify") && record.contains("digest"))
    scan::open_advisories(directory(app))->verify();
  int exit_code = 0;
  if (const auto limit = arguments.value("--max-age")) {
    const auto most =
        std::chrono::duration_cast<std::chrono::seconds>(parse_duration(*limit)).count();
    Json old = Json::array();
    for (const Json& feed : record.at("feeds")) {
      if (feed.at("age_seconds").get<std::int64_t>() > most) old.push_back(feed.at("name"));
    }
    // Nothing at all is older than anything.
    if (!old.empty() || record.at("feeds").empty())
      exit_code = traits(ErrorKind::rejected).exit_code;
    record["too_old"] = old;
  }
  return {record, exit_code};
}

std::string age(const Json& feed) {
  return format_duration(
      std::chrono::seconds(std::max<std::int64_t>(0, feed.at("age_seconds").get<std::int64_t>())));
}

void render_list(const Json& record, App& app) {
  if (record.at("feeds").empty()) {
    app.err.stream << "no advisories: `hallmark advisory update` fetches those of config.yaml,\n"
                      "`hallmark advisory import` takes a file\n";
    return;
  }
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> gaps;
  const Json too_old = record.value("too_old", Json::array());
  for (const Json& feed : record.at("feeds")) {
    const bool old = std::find(too_old.begin(), too_old.end(), feed.at("name")) != too_old.end();
    auto ecosystems = feed.at("ecosystems").get<std::vector<std::string>>();
    for (const auto& name : feed.at("in_passing").get<std::vector<std::string>>())
      ecosystems.push_back(name + " in passing");
    std::string shown = join(
        {ecosystems.begin(), ecosystems.begin() + static_cast<std::ptrdiff_t>(
                                                      std::min<std::size_t>(ecosystems.size(), 4))},
        ", ");
    if (ecosystems.size() > 4) shown += ", ..";
    rows.push_back({feed.at("name").get<std::string>(), feed.at("kind").get<std::string>(),
                    std::to_string(feed.at("records").get<std::uint64_t>()),
                    std::to_string(feed.at("withdrawn").get<std::uint64_t>()),
                    std::to_string(feed.at("unreadable").get<std::uint64_t>()),
                    feed.at("valid_from").get<std::string>().substr(0, 10),
                    Cell(age(feed), old ? Tone::bad : Tone::plain), shown});
    for (const Json& reason : feed.at("gaps")) {
      gaps.push_back(feed.at("name").get<std::string>() + ": " +
                     one_line(reason.get<std::string>()));
    }
  }
  print_table(
      app.out,
      {"FEED", "KIND", "RECORDS", "WITHDRAWN", "UNREADABLE", "ITS DATE", "AGE", "SPEAKS OF"}, rows);
  for (const std::string& gap : gaps)
    app.out.stream << paint(app.out, Tone::warning, "gap: ") << gap << '\n';
}

void render_update(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& outcome : record.at("outcomes")) {
    const std::string state = outcome.at("state");
    rows.push_back({outcome.at("name").get<std::string>(),
                    Cell(state, state == "failed" || state == "left out" ? Tone::bad : Tone::plain),
                    one_line(outcome.at("why").get<std::string>())});
  }
  print_table(app.out, {"FEED", "STATE", "WHY"}, rows);
  if (!record.at("compiled").is_null()) {
    app.out.stream << '\n';
    render_list(record.at("compiled"), app);
  }
}

void render_changed(const Json& record, App& app) { render_list(record.at("compiled"), app); }

}  // namespace

std::vector<Command> advisory_commands() {
  return {
      {.noun = "advisory",
       .verb = "update",
       .summary = "Fetch the feeds of config.yaml that changed, and compile them.",
       .examples = {{"hallmark advisory update",
                     "All of them; what cannot be fetched stays as it was."},
                    {"hallmark advisory update debian", "Only this one."}},
       .arguments = {{"NAME", "a feed's name; all if none is given", false}},
       .exits = {{ErrorKind::unavailable,
                  "a feed could not be fetched, or is damaged; the others are in use"}},
       .run = update,
       .render = render_update},
      {.noun = "advisory",
       .verb = "import",
       .summary = "Take a feed from a file, for machines without internet.",
       .examples = {{"hallmark advisory import all.zip --kind osv --name osv-alpine",
                     "A download of OSV."},
                    {"hallmark advisory import azurelinux-3.0-oval.xml --kind oval --ecosystem "
                     "azurelinux:3.0",
                     "A file that does not say its release."}},
       .arguments = {{"FILE", "plain, compressed, zip or tar"}},
       .options =
           {{"--kind", "KIND", "how it is written", false, scan::feed_kinds()},
            {"--name", "NAME",
             "what it is called; replaces the feed of that name. The file's name unless said"},
            {"--ecosystem", "ECOSYSTEM",
             "the release it is about, such as amzn:2023, if it does not say"},
            {"--sha256", "DIGEST", "refuse the file if it has another one"}},
       .exits = {{ErrorKind::corrupt, "it is no feed of that kind, or has another digest"}},
       .run = import,
       .render = render_changed},
      {.noun = "advisory",
       .verb = "list",
       .summary = "List the feeds that are compiled, how old they are and what they speak of.",
       .examples = {{"hallmark advisory list", ""},
                    {"hallmark advisory list --max-age 48h", "Exit code 3 if one is older."}},
       .options = {{"--max-age", "DURATION", "fail if a feed was not fetched within this time"},
                   {"--verify", "", "read all of the compiled file and check its digest"}},
       .exits = {{ErrorKind::rejected, "a feed is older than --max-age"},
                 {ErrorKind::corrupt, "the compiled file is damaged"}},
       .run = list,
       .render = render_list},
      {.noun = "advisory",
       .verb = "remove",
       .summary = "Forget a feed.",
       .examples = {{"hallmark advisory remove osv-alpine", ""}},
       .arguments = {{"NAME", "as advisory list has it"}},
       .exits = {{ErrorKind::not_found, ""}},
       .run = remove,
       .render = render_changed},
  };
}

}  // namespace hallmark::cli
