#include "scan/advisory/store.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "scan/advisory/advisory_builder.h"
#include "scan/advisory/feed_fetch.h"
#include "scan/advisory/kept_feeds.h"

namespace hallmark::scan {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCompiled = "compiled.advisories";

Path compiled_file(const Path& directory) { return directory / kCompiled; }
/// What is in use now; nothing if it cannot be used.
std::shared_ptr<const AdvisoryFile> in_use(const Path& directory) {
  try {
    return open_advisories(directory);
  } catch (const Error& error) {
    log_warning("{}", error.message());
    return nullptr;
  }
}

const FeedInfo* find_feed(const AdvisoryFile* file, const std::string& name) {
  if (file == nullptr) return nullptr;
  const auto found = std::find_if(file->feeds().begin(), file->feeds().end(),
                                  [&](const FeedInfo& feed) { return feed.name == name; });
  return found == file->feeds().end() ? nullptr : &*found;
}

/// In place of the old file at once: who has it open goes on with it. A feed that is damaged is
/// left out, and says so in the file: one of them must not keep the others from being renewed.
/// Returns which those are.
std::vector<FeedOutcome> compile(const Path& directory) {
  const auto before = in_use(directory);
  std::vector<FeedOutcome> left_out;
  AdvisoryBuilder builder;
  for (const KeptFeed& kept : all_kept(directory)) {
    const std::string& name = kept.source.name;
    try {
      if (!kept.damage.empty()) {
        builder.begin_feed({.name = name});
        throw Error(ErrorKind::corrupt, "{}", kept.damage);
      }
      const Path bytes = bytes_of(directory, name);
      if (sha256_of_file(bytes) != kept.digest) {
        builder.begin_feed({.name = name,
                            .kind = kept.source.kind,
                            .url = kept.source.place,
                            .digest = kept.digest,
                            .fetched_at = kept.fetched_at});
        throw Error(ErrorKind::corrupt, "its file has another digest than it had when it came");
      }
      read_into(builder, kept, bytes);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      const FeedInfo* known = find_feed(before.get(), name);
      builder.leave_out(error.message(),
                        known == nullptr ? std::vector<std::string>() : known->ecosystems);
      left_out.push_back({name, "left out", error.message()});
      log_warning("feed {} is left out: {}", name, error.message());
    }
  }
  const Path part = directory / (std::string(kCompiled) + ".part");
  write_file(part, builder.finish());
  AdvisoryFile::open(part)->verify();
  fs::rename(part, compiled_file(directory));
  return left_out;
}

/// A feed grows; one that has lost most of its records was cut short, even if it can be read.
void check_is_whole(const FeedInfo& fresh, const FeedInfo* before) {
  constexpr std::uint64_t kTooFewToTell = 20;
  if (before == nullptr || before->kind != fresh.kind || before->records < kTooFewToTell) return;
  if (fresh.records < before->records / 2) {
    throw Error(ErrorKind::corrupt, "{} has {} records, and had {}: it seems to be cut short",
                fresh.name, fresh.records, before->records)
        .hint("if it is right, forget the old one first: hallmark advisory remove " + fresh.name);
  }
}

/// Throws if the new file is no feed of its kind; only then does it replace the old one.
void keep(const KeptFeed& fetched, const Path& part, const Path& directory) {
  AdvisoryBuilder trial;
  read_into(trial, fetched, part);
  const std::string& name = fetched.source.name;
  check_is_whole(trial.feed(), find_feed(in_use(directory).get(), name));
  fs::rename(part, bytes_of(directory, name));
  write_head(directory, fetched);
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
  std::set<std::string> names;
  for (FeedSource& feed : all) {
    feed.max_age = config.max_age;
    if (!names.insert(feed.name).second) {
      throw Error(ErrorKind::usage, "config.yaml names two feeds \"{}\"", feed.name)
          .hint("each replaces the other: give one of them another name");
    }
  }
  return all;
}

}  // namespace

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
      const Path bytes = bytes_of(directory, source.name);
      if (auto fetched = fetch_feed(source, config.mirror, kept, bytes, part, clock, stop)) {
        keep(*fetched, part, directory);
        outcome.state = "new";
      } else {
        // It is as good as fetched now: its age begins anew.
        kept->fetched_at = to_rfc3339(clock.now());
        kept->source.max_age = source.max_age;
        write_head(directory, *kept);
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
  if (!changed && in_use(directory) != nullptr) return outcomes;
  for (FeedOutcome& left_out : compile(directory)) outcomes.push_back(std::move(left_out));
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
    const auto fetched = fetch_feed(source, "", std::nullopt, {}, part, clock, {});
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
