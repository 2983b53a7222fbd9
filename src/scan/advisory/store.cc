#include "scan/advisory/store.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "net/http.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/feed_fetch.h"
#include "scan/advisory/feeds.h"

namespace hallmark::scan {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCompiled = "compiled.advisories";

Path compiled_file(const Path& directory) { return directory / kCompiled; }
Path feeds_directory(const Path& directory) { return directory / "feeds"; }
Path bytes_of(const Path& directory, const std::string& name) {
  return feeds_directory(directory) / (name + ".feed");
}
Path head_of(const Path& directory, const std::string& name) {
  return feeds_directory(directory) / (name + ".json");
}

bool is_feed_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '.' || c == '_';
         });
}

/// "osv:Rocky Linux:9" is kept as "osv-rocky-linux-9".
std::string file_name(std::string_view text) {
  std::string name = to_lower(text);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '.'; }, '-');
  return name;
}

std::string encoded(std::string_view text) {
  return replace_all(replace_all(std::string(text), " ", "%20"), ":", "%3A");
}

Json head(const KeptFeed& kept) {
  return {{"format", 1},
          {"name", kept.source.name},
          {"kind", kept.source.kind},
          {"place", net::without_credentials(kept.source.place)},
          {"ecosystem", kept.source.ecosystem},
          {"digest", kept.digest},
          {"fetched_at", kept.fetched_at},
          {"etag", kept.etag},
          {"last_modified", kept.last_modified}};
}

KeptFeed read_head(const Path& file) {
  const Json json = parse_json(read_file(file), file.string());
  KeptFeed kept;
  kept.source.name = member<std::string>(json, "name");
  kept.source.kind = member<std::string>(json, "kind");
  kept.source.place = member<std::string>(json, "place");
  kept.source.ecosystem = member<std::string>(json, "ecosystem");
  kept.digest = member<std::string>(json, "digest");
  kept.fetched_at = member<std::string>(json, "fetched_at");
  kept.etag = member<std::string>(json, "etag");
  kept.last_modified = member<std::string>(json, "last_modified");
  return kept;
}

/// Nothing if there is none, or it makes no sense: then it is fetched anew.
std::optional<KeptFeed> kept_feed(const Path& directory, const FeedSource& source) {
  const Path file = head_of(directory, source.name);
  if (!fs::exists(file) || !fs::exists(bytes_of(directory, source.name))) return std::nullopt;
  try {
    KeptFeed kept = read_head(file);
    // From elsewhere, or read as something else, it is another feed.
    if (kept.source.kind != source.kind || kept.source.ecosystem != source.ecosystem ||
        kept.source.place != net::without_credentials(source.place)) {
      return std::nullopt;
    }
    return kept;
  } catch (const Error& error) {
    log_warning("{} is not used: {}", file.string(), error.message());
    return std::nullopt;
  }
}

std::vector<KeptFeed> all_kept(const Path& directory) {
  std::vector<KeptFeed> all;
  if (!fs::is_directory(feeds_directory(directory))) return all;
  for (const auto& entry : fs::directory_iterator(feeds_directory(directory))) {
    if (entry.path().extension() == ".json") all.push_back(read_head(entry.path()));
  }
  // A distribution's own word first; else the order of names, so that it is always the same.
  std::sort(all.begin(), all.end(), [](const KeptFeed& a, const KeptFeed& b) {
    return std::make_tuple(!is_own_word(a.source.kind), a.source.name) <
           std::make_tuple(!is_own_word(b.source.kind), b.source.name);
  });
  return all;
}

void read_into(AdvisoryBuilder& builder, const KeptFeed& kept, const Path& bytes) {
  builder.begin_feed({.name = kept.source.name,
                      .kind = kept.source.kind,
                      .url = kept.source.place,
                      .digest = kept.digest,
                      .fetched_at = kept.fetched_at});
  FeedFile file(bytes);
  read_feed(kept.source.kind, file, kept.source.ecosystem, builder);
}

/// In place of the old file at once: who has it open goes on with it.
void compile(const Path& directory) {
  AdvisoryBuilder builder;
  for (const KeptFeed& kept : all_kept(directory)) {
    read_into(builder, kept, bytes_of(directory, kept.source.name));
  }
  const Path part = directory / (std::string(kCompiled) + ".part");
  write_file(part, builder.finish());
  AdvisoryFile::open(part)->verify();
  fs::rename(part, compiled_file(directory));
}

/// Throws if the new file is no feed of its kind; only then does it replace the old one.
void keep(const KeptFeed& fetched, const Path& part, const Path& directory) {
  AdvisoryBuilder trial;
  read_into(trial, fetched, part);
  const std::string& name = fetched.source.name;
  fs::rename(part, bytes_of(directory, name));
  write_file(head_of(directory, name), pretty(head(fetched)) + "\n");
}

bool is_usable(const Path& directory) {
  try {
    return open_advisories(directory) != nullptr;
  } catch (const Error& error) {
    log_warning("{}", error.message());
    return false;
  }
}

std::vector<FeedSource> expanded(const AdvisoryConfig& config) {
  std::vector<FeedSource> all;
  for (const FeedSource& feed : config.feeds) {
    if (!feed.kind.empty()) {
      all.push_back(feed);
      continue;
    }
    for (FeedSource& known : known_feed(feed.name)) all.push_back(std::move(known));
  }
  return all;
}

}  // namespace

const std::vector<std::string>& known_feed_names() {
  static const std::vector<std::string> names = {"debian", "redhat", "oracle", "alpine:RELEASE",
                                                 "osv:ECOSYSTEM"};
  return names;
}

std::vector<FeedSource> known_feed(const std::string& name) {
  const std::string rest = name.find(':') == name.npos ? "" : name.substr(name.find(':') + 1);
  if (name == "debian") {
    return {{.name = name,
             .kind = "debian-tracker",
             .place = "https://security-tracker.debian.org/tracker/data/json"}};
  }
  if (name == "redhat") {
    return {{.name = name,
             .kind = "csaf",
             .place = "https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"}};
  }
  if (name == "oracle") {
    return {{.name = name,
             .kind = "oval",
             .place = "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2"}};
  }
  if (name.starts_with("alpine:") && !rest.empty()) {
    std::vector<FeedSource> both;
    for (const char* part : {"main", "community"}) {
      both.push_back({.name = "alpine-" + file_name(rest) + "-" + part,
                      .kind = "secdb",
                      .place = "https://secdb.alpinelinux.org/v" + rest + "/" + part + ".json"});
    }
    return both;
  }
  if (name.starts_with("osv:") && !rest.empty()) {
    return {{.name = "osv-" + file_name(rest),
             .kind = "osv",
             .place = "https://osv-vulnerabilities.storage.googleapis.com/" + encoded(rest) +
                      "/all.zip"}};
  }
  throw Error(ErrorKind::usage, "there is no known feed \"{}\"", name)
      .hint("known are " + join(known_feed_names(), ", ") +
            "; another one has a name, kind and url");
}

std::vector<FeedOutcome> update_feeds(const AdvisoryConfig& config,
                                      const std::vector<std::string>& names, const Path& directory,
                                      Clock& clock, std::stop_token stop) {
  const std::vector<FeedSource> sources = expanded(config);
  for (const std::string& name : names) {
    if (std::none_of(sources.begin(), sources.end(),
                     [&](const auto& source) { return source.name == name; })) {
      throw Error(ErrorKind::not_found, "config.yaml has no feed \"{}\"", name)
          .hint("`hallmark advisory list` shows those it has");
    }
  }
  make_directories(feeds_directory(directory));
  // Two updates at once would compile what the other is replacing.
  FileLock lock(directory / "feeds.lock");
  std::vector<FeedOutcome> outcomes;
  bool changed = false;
  for (const FeedSource& source : sources) {
    if (!names.empty() && std::find(names.begin(), names.end(), source.name) == names.end())
      continue;
    FeedOutcome outcome{source.name, "unchanged", ""};
    const Path part = feeds_directory(directory) / (source.name + ".part");
    try {
      if (!is_feed_name(source.name))
        throw Error(ErrorKind::usage, "\"{}\" cannot be a feed's name", source.name);
      std::optional<KeptFeed> kept = kept_feed(directory, source);
      if (auto fetched = fetch_feed(source, config.mirror, kept, part, clock, stop)) {
        keep(*fetched, part, directory);
        outcome.state = "new";
      } else {
        // It is as good as fetched now: its age begins anew.
        kept->fetched_at = to_rfc3339(clock.now());
        write_file(head_of(directory, source.name), pretty(head(*kept)) + "\n");
      }
      changed = true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      outcome.state = "failed";
      outcome.why = error.message();
    }
    hallmark::remove_all(part);
    outcomes.push_back(std::move(outcome));
  }
  if (changed || !is_usable(directory)) compile(directory);
  return outcomes;
}

void import_feed(const FeedSource& source, const Path& directory, Clock& clock) {
  if (!is_feed_name(source.name)) {
    throw Error(ErrorKind::usage, "\"{}\" cannot be a feed's name", source.name)
        .hint("letters, digits and -._ are fine: --name NAME");
  }
  make_directories(feeds_directory(directory));
  FileLock lock(directory / "feeds.lock");
  const Path part = feeds_directory(directory) / (source.name + ".part");
  try {
    const auto fetched = fetch_feed(source, "", std::nullopt, part, clock, {});
    keep(*fetched, part, directory);
  } catch (const Error&) {
    hallmark::remove_all(part);
    throw;
  }
  compile(directory);
}

void remove_feed(const std::string& name, const Path& directory) {
  FileLock lock(directory / "feeds.lock");
  if (!is_feed_name(name) || !fs::exists(head_of(directory, name))) {
    throw Error(ErrorKind::not_found, "there is no feed \"{}\"", name)
        .hint("`hallmark advisory list` shows all");
  }
  hallmark::remove_all(head_of(directory, name));
  hallmark::remove_all(bytes_of(directory, name));
  compile(directory);
}

std::shared_ptr<const AdvisoryFile> open_advisories(const Path& directory) {
  if (!fs::exists(compiled_file(directory))) return nullptr;
  return AdvisoryFile::open(compiled_file(directory));
}

}  // namespace hallmark::scan
