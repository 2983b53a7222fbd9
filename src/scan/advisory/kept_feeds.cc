#include "scan/advisory/kept_feeds.h"

#include <algorithm>
#include <fstream>
#include <span>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "net/http.h"
#include "scan/advisory/feeds.h"

namespace hallmark::scan {
namespace {

namespace fs = std::filesystem;

Json head(const KeptFeed& kept) {
  return {{"format", 1},
          {"name", kept.source.name},
          {"kind", kept.source.kind},
          {"place", net::without_credentials(kept.source.place)},
          {"ecosystem", kept.source.ecosystem},
          {"digest", kept.digest},
          {"fetched_at", kept.fetched_at},
          {"etag", kept.etag},
          {"last_modified", kept.last_modified},
          {"max_age_seconds",
           std::chrono::duration_cast<std::chrono::seconds>(kept.source.max_age).count()}};
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
  // Heads of old do not say it.
  kept.source.max_age = std::chrono::seconds(json.value(
      "max_age_seconds", std::chrono::duration_cast<std::chrono::seconds>(kDefaultMaxAge).count()));
  from_rfc3339(kept.fetched_at);
  return kept;
}

}  // namespace

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

void write_head(const Path& directory, const KeptFeed& kept) {
  write_file(head_of(directory, kept.source.name), pretty(head(kept)) + "\n");
}

std::optional<KeptFeed> kept_feed(const Path& directory, const FeedSource& source) {
  const Path file = head_of(directory, source.name);
  const Path bytes = bytes_of(directory, source.name);
  if (!fs::exists(file) || !fs::exists(bytes)) return std::nullopt;
  try {
    KeptFeed kept = read_head(file);
    if (kept.source.kind != source.kind || kept.source.ecosystem != source.ecosystem ||
        kept.source.place != net::without_credentials(source.place)) {
      return std::nullopt;
    }
    if (sha256_of_file(bytes) != kept.digest) {
      throw Error(ErrorKind::corrupt, "its file has another digest than it had when it came");
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
    if (entry.path().extension() != ".json") continue;
    try {
      all.push_back(read_head(entry.path()));
    } catch (const Error& error) {
      KeptFeed broken;
      broken.source.name = entry.path().stem().string();
      broken.damage = error.message();
      all.push_back(std::move(broken));
    }
  }
  std::sort(all.begin(), all.end(), [](const KeptFeed& a, const KeptFeed& b) {
    return std::make_tuple(!is_own_word(a.source.kind), a.source.name) <
           std::make_tuple(!is_own_word(b.source.kind), b.source.name);
  });
  return all;
}

std::string sha256_of_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::not_found, "cannot read {}", path.string());
  Sha256 digest;
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    digest.add(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return digest.hex();
}

void read_into(AdvisoryBuilder& builder, const KeptFeed& kept, const Path& bytes) {
  FeedInfo info{.name = kept.source.name,
                .kind = kept.source.kind,
                .url = kept.source.place,
                .digest = kept.digest,
                .fetched_at = kept.fetched_at};
  info.good_until = to_rfc3339(from_rfc3339(kept.fetched_at) + kept.source.max_age);
  builder.begin_feed(std::move(info));
  FeedFile file(bytes);
  read_feed(kept.source.kind, file, kept.source.ecosystem, builder);
}

}  // namespace hallmark::scan
