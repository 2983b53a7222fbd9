#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "net/http.h"
#include "scan/scan.h"
#include "scan/suite.h"

namespace hallmark::scan {
namespace {

constexpr std::uint64_t kMaxReleaseBytes = 16u << 20;
// Debian's security index has about 10 MiB, main has 50.
constexpr std::uint64_t kMaxIndexBytes = 512u << 20;
constexpr int kAttempts = 3;

net::HttpRequest request_for(const SuiteSource& source, const std::string& path) {
  net::HttpRequest request;
  request.url = source.url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/dists/" + source.suite + "/" + path;
  request.allow_file = request.url.starts_with("file://");
  return request;
}

/// One file for each archive, suite, component and architecture.
Path cache_file(const SuiteSource& source, const Path& cache) {
  std::string key = sha256_hex(net::without_credentials(source.url)).substr(0, 12);
  std::string suite = replace_all(source.suite, "/", "_");
  std::string component = replace_all(source.component, "/", "_");
  return cache / fmt::format("{}-{}-{}-{}.suite", suite, component, source.architecture, key);
}

std::optional<SecuritySuite> load_cache(const Path& file) {
  std::optional<std::string> text = read_file_if_exists(file);
  if (!text) return std::nullopt;
  try {
    return unpack_suite(*text);
  } catch (const Error& error) {
    log_warning("{} is not used: {}", file.string(), error.message());
    return std::nullopt;
  }
}

std::string fetch_verified(const SuiteSource& source, const Release& release,
                           const Release::File& file, Clock& clock, std::stop_token stop) {
  if (file.size_bytes > kMaxIndexBytes) {
    throw Error(ErrorKind::corrupt, "{} is said to have {}", file.path,
                format_size(file.size_bytes));
  }
  auto fetch = [&](const std::string& path) {
    net::HttpRequest request = request_for(source, path);
    request.max_bytes = file.size_bytes;
    return net::http_get_retrying(request, clock, kAttempts, stop).body;
  };
  std::optional<std::string> body;
  if (release.by_hash) {
    // By its digest a file stays reachable while the mirror is being updated.
    std::string directory = file.path.substr(0, file.path.rfind('/') + 1);
    try {
      body = fetch(directory + "by-hash/SHA256/" + file.sha256);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
    }
  }
  if (!body) body = fetch(file.path);
  if (body->size() != file.size_bytes || sha256_hex(*body) != file.sha256) {
    throw Error(ErrorKind::corrupt, "{} does not have the digest that its signed list names",
                file.path)
        .hint("the mirror may be in the middle of an update: try again in some minutes");
  }
  return *std::move(body);
}

/// The index as the release offers it, compressed if it does.
const Release::File& index_file(const Release& release, const SuiteSource& source) {
  std::string plain = fmt::format("{}/binary-{}/Packages", source.component, source.architecture);
  if (const Release::File* file = release.find(plain + ".xz")) return *file;
  if (const Release::File* file = release.find(plain)) return *file;
  throw Error(ErrorKind::not_found, "{} has no packages of component {} for {}", source.suite,
              source.component, source.architecture);
}

SecuritySuite build_suite(const SuiteSource& source, const std::string& in_release, Clock& clock,
                          const std::optional<SecuritySuite>& cached, std::stop_token stop) {
  Release release = parse_release(verified_text(in_release, source.keyring, stop));
  if (release.suite != source.suite && release.codename != source.suite) {
    throw Error(ErrorKind::corrupt, "asked for suite {} and got {}", source.suite,
                release.codename.empty() ? release.suite : release.codename);
  }
  std::string date = release.date ? to_rfc3339(*release.date) : "";
  if (cached && date < cached->date) {
    log_warning("the mirror offers an older {} ({}) than the cached one ({}): kept the latter",
                source.suite, date, cached->date);
    return *cached;
  }
  const Release::File& file = index_file(release, source);
  SecuritySuite suite;
  if (cached && cached->release_digest == file.sha256) {
    suite = *cached;
  } else {
    std::string index = fetch_verified(source, release, file, clock, stop);
    if (file.path.ends_with(".xz")) index = unpack_xz(index, kMaxIndexBytes);
    read_packages_index(suite, index);
  }
  suite.name = source.suite;
  suite.architecture = source.architecture;
  suite.release_digest = file.sha256;
  suite.date = date;
  suite.valid_until = release.valid_until ? to_rfc3339(*release.valid_until) : "";
  return suite;
}

}  // namespace

std::shared_ptr<const SecuritySuite> fetch_security_suite(const SuiteSource& source,
                                                          const Path& cache, Clock& clock,
                                                          std::stop_token stop) {
  Path file = cache_file(source, cache);
  std::optional<SecuritySuite> cached = load_cache(file);
  SecuritySuite suite;
  try {
    net::HttpRequest request = request_for(source, "InRelease");
    request.max_bytes = kMaxReleaseBytes;
    if (cached) {
      request.etag = cached->etag;
      request.last_modified = cached->last_modified;
    }
    net::HttpResponse response = net::http_get_retrying(request, clock, kAttempts, stop);
    if (response.not_modified) {
      suite = *cached;
    } else {
      suite = build_suite(source, response.body, clock, cached, stop);
      suite.etag = response.etag;
      suite.last_modified = response.last_modified;
    }
  } catch (Error& error) {
    bool away = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout ||
                error.kind() == ErrorKind::throttled;
    if (!away || !cached) {
      error.note(fmt::format("while fetching the advisories of {}", source.suite));
      throw;
    }
    log_warning("the archive of {} does not answer; its state of {} is used", source.suite,
                cached->fetched_at);
    return std::make_shared<SecuritySuite>(*std::move(cached));
  }
  suite.fetched_at = to_rfc3339(clock.now());
  write_file(file, pack_suite(suite));
  return std::make_shared<SecuritySuite>(std::move(suite));
}

}  // namespace hallmark::scan
