#include "scan/advisory/feed_fetch.h"

#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "net/http.h"
#include "scan/advisory/xml_feed.h"

namespace hallmark::scan {
namespace {

// Red Hat's archive of VEX files has some 300 MB, OSV's of npm 150.
constexpr std::uint64_t kMaxFeedBytes = 4ull << 30;
constexpr std::uint64_t kMaxListBytes = 16u << 20;
constexpr int kAttempts = 3;

bool is_url(std::string_view place) { return place.find("://") != place.npos; }

std::string through_mirror(const std::string& url, const std::string& mirror) {
  if (mirror.empty() || !(url.starts_with("https://") || url.starts_with("http://"))) return url;
  std::string base = mirror;
  while (base.ends_with('/')) base.pop_back();
  return base + "/" + url.substr(url.find("://") + 3);
}

net::HttpRequest request_for(const std::string& url, std::uint64_t limit) {
  net::HttpRequest request;
  request.url = url;
  request.max_bytes = limit;
  request.allow_file = true;
  request.time_limit = std::chrono::minutes(30);
  return request;
}

/// A small text that stands beside a feed, such as its digest.
std::string read_list(const std::string& place, const std::string& mirror, Clock& clock,
                      std::stop_token stop) {
  if (!is_url(place)) return read_file(place);
  return net::http_get_retrying(request_for(through_mirror(place, mirror), kMaxListBytes), clock,
                                kAttempts, stop)
      .body;
}

/// `name` beside the file at `place`.
std::string beside(const std::string& place, const std::string& name) {
  return place.substr(0, place.rfind('/') + 1) + name;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// The digest that the file must have; empty if the source names none.
std::string listed_digest(const FeedSource& source, const std::string& mirror, Clock& clock,
                          std::stop_token stop) {
  std::string wanted = to_lower(source.sha256);
  if (wanted.empty() || is_digest(wanted)) return wanted;
  const std::string list = read_list(source.sha256, mirror, clock, stop);
  wanted = to_lower(trim(std::string_view(list).substr(0, list.find_first_of(" \t\r\n"))));
  if (!is_digest(wanted)) {
    throw Error(ErrorKind::corrupt, "{}: {} begins with no SHA-256", source.name, source.sha256);
  }
  return wanted;
}

void check_signature(const FeedSource& source, const std::string& mirror, const Path& file,
                     Clock& clock, std::stop_token stop) {
  if (source.signature.empty()) return;
  TempDir directory;
  const Path signature = directory.path() / "signature";
  write_file(signature, read_list(source.signature, mirror, clock, stop));
  const ProcessResult result =
      run_process({.argv = {"gpgv", "--status-fd", "1", "--keyring",
                            std::filesystem::absolute(source.keyring).string(), signature.string(),
                            file.string()},
                   .time_limit = std::chrono::minutes(5)},
                  stop);
  // A signature by a key that expired or was revoked is "valid" too, but not good.
  bool good = false, valid = false, bad = false;
  for (const std::string& line : split(result.out, '\n')) {
    good = good || line.starts_with("[GNUPG:] GOODSIG ");
    valid = valid || line.starts_with("[GNUPG:] VALIDSIG ");
    for (const char* word : {"BADSIG ", "EXPSIG ", "EXPKEYSIG ", "REVKEYSIG "}) {
      bad = bad || line.starts_with(std::string("[GNUPG:] ") + word);
    }
  }
  if (!good || !valid || bad) {
    throw Error(ErrorKind::corrupt, "{} has no good signature by a key of {}: {}", source.name,
                source.keyring, trim(result.err));
  }
}

/// The updateinfo that a repomd.xml lists, with its digest.
FeedSource listed_in_repomd(const FeedSource& source, const std::string& repomd) {
  FeedSource listed = source;
  bool here = false;
  std::string place, digest;
  FeedFile file(repomd, source.place);
  const auto start = [&](std::string_view name, const XmlAttributes& attributes) {
    if (name == "data") here = attribute(attributes, "type") == "updateinfo";
    if (here && name == "location") place = attribute(attributes, "href");
  };
  const auto end = [&](std::string_view name, std::string_view text) {
    if (here && name == "checksum" && is_digest(text)) digest = text;
    if (name == "data") here = false;
  };
  file.next();
  read_xml(file, {start, end});
  if (place.empty() || digest.empty()) {
    throw Error(ErrorKind::not_found, "{} lists no updateinfo with a SHA-256", source.place)
        .hint("not every repository has one; that of the distribution's updates should");
  }
  // Locations are from the repository's root, which is where "repodata" lies.
  const std::string root = source.place.substr(0, source.place.rfind("repodata/"));
  listed.place = is_url(place) ? place : root + place;
  listed.sha256 = digest;
  listed.signature.clear();
  return listed;
}

/// What the source really is: lists name files.
FeedSource resolved(const FeedSource& source, const std::string& mirror, Clock& clock,
                    std::stop_token stop) {
  if (source.place.ends_with("/repomd.xml")) {
    const std::string list = read_list(source.place, mirror, clock, stop);
    if (!source.signature.empty()) {
      TempDir directory;
      write_file(directory.path() / "repomd.xml", list);
      check_signature(source, mirror, directory.path() / "repomd.xml", clock, stop);
    }
    return listed_in_repomd(source, list);
  }
  if (source.place.ends_with("/archive_latest.txt")) {
    FeedSource listed = source;
    const std::string list = read_list(source.place, mirror, clock, stop);
    listed.place = beside(source.place, std::string(trim(list)));
    if (listed.sha256.empty()) listed.sha256 = listed.place + ".sha256";
    return listed;
  }
  return source;
}

}  // namespace

std::optional<KeptFeed> fetch_feed(const FeedSource& source, const std::string& mirror,
                                   const std::optional<KeptFeed>& kept, const Path& kept_file,
                                   const Path& to, Clock& clock, std::stop_token stop) {
  const FeedSource real = resolved(source, mirror, clock, stop);
  KeptFeed fetched;
  fetched.source = source;
  fetched.fetched_at = to_rfc3339(clock.now());
  const std::string wanted = listed_digest(real, mirror, clock, stop);
  // What did not change must hold what is asked for now: it may not have been asked for when it
  // came.
  const auto unchanged = [&] {
    check_signature(real, mirror, kept_file, clock, stop);
    return std::nullopt;
  };
  // A list that names the file we have saves fetching it.
  if (kept && !wanted.empty() && wanted == kept->digest) return unchanged();
  if (is_url(real.place)) {
    net::HttpRequest request = request_for(through_mirror(real.place, mirror), kMaxFeedBytes);
    // Where another file is listed than the one we have, "not modified" would be no answer.
    if (kept && wanted.empty()) {
      request.etag = kept->etag;
      request.last_modified = kept->last_modified;
    }
    const net::HttpResponse response = net::http_get_to_file(request, to, stop);
    if (response.not_modified) return unchanged();
    fetched.etag = response.etag;
    fetched.last_modified = response.last_modified;
  } else {
    if (!std::filesystem::is_regular_file(real.place)) {
      throw Error(ErrorKind::not_found, "there is no file {}", real.place)
          .hint("give a file; pack a directory with tar");
    }
    std::filesystem::copy_file(real.place, to, std::filesystem::copy_options::overwrite_existing);
  }
  fetched.digest = sha256_of_file(to);
  if (!wanted.empty() && fetched.digest != wanted) {
    throw Error(ErrorKind::corrupt, "{} does not have the SHA-256 that its source names",
                source.name)
        .hint("the source may be in the middle of an update: try again in some minutes");
  }
  check_signature(real, mirror, to, clock, stop);
  if (kept && kept->digest == fetched.digest) return std::nullopt;
  return fetched;
}

}  // namespace hallmark::scan
