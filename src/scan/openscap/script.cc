#include "scan/openscap/script.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/openscap/gzip.h"
#include "scan/openscap/results.h"

namespace hallmark::scan::openscap {
namespace {

std::string text_of(const Path& file, std::string_view what) {
  try {
    return read_file(file);
  } catch (Error& error) {
    throw Error(ErrorKind::usage, "the {} for OpenSCAP cannot be read: {}", what, error.message());
  }
}

Content content_of(const Path& file, std::string_view what) {
  try {
    return parse_content(text_of(file, what));
  } catch (Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    throw Error(ErrorKind::usage, "{} is no {} for OpenSCAP: {}", file.string(), what,
                error.message());
  }
}

/// Compressed and in base64; empty for no file.
std::string packed(const Path& file, std::string_view what, std::uint64_t& room) {
  if (file.empty()) return {};
  std::string bytes = pack_gzip(text_of(file, what));
  if (bytes.size() > room) {
    throw Error(ErrorKind::usage, "{} has {} when compressed, more than the {} left to be sent",
                file.string(), format_size(bytes.size()), format_size(room))
        .hint(
            "put it into the image and name it there with content_path, or take content of one "
            "system alone");
  }
  room -= bytes.size();
  return base64_encode(bytes);
}

}  // namespace

std::string mark_of(const ScanTarget& target) {
  return "hallmark-" + id_from_token("openscap", target.title);
}

void check_content(const OpenscapConfig& config) {
  std::vector<std::string> profiles;
  if (!config.tailoring.empty()) {
    Content tailoring = content_of(config.tailoring, "tailoring");
    if (!tailoring.is_tailoring) {
      throw Error(ErrorKind::usage, "{} is content, not a tailoring", config.tailoring.string());
    }
    profiles = tailoring.profiles;
  }
  if (!config.content.empty()) {
    Content content = content_of(config.content, "content");
    if (!content.is_content) {
      throw Error(ErrorKind::usage, "{} is a tailoring, not content", config.content.string())
          .hint("name it as `tailoring`, and what it tailors as `content`");
    }
    profiles.insert(profiles.end(), content.profiles.begin(), content.profiles.end());
    bool known = config.profile.empty() ||
                 std::any_of(profiles.begin(), profiles.end(), [&](const std::string& profile) {
                   return profile.ends_with(config.profile);
                 });
    if (!known) {
      profiles.resize(std::min<std::size_t>(profiles.size(), 30));
      throw Error(ErrorKind::usage, "{} has no profile \"{}\"", config.content.string(),
                  config.profile)
          .hint("it has " + join(profiles, ", "));
    }
  }
  std::uint64_t room = config.limits.content_bytes;
  packed(config.content, "content", room);
  packed(config.tailoring, "tailoring", room);
}

std::string make_script(const OpenscapConfig& config, const ScanTarget& target) {
  auto set = [](const char* name, const std::string& value) {
    return std::string(name) + "=" + shell_quote(value) + "\n";
  };
  auto yes = [](bool value) { return std::string(value ? "yes" : "no"); };
  std::uint64_t room = config.limits.content_bytes;
  std::string content = packed(config.content, "content", room);
  std::string tailoring = packed(config.tailoring, "tailoring", room);
  return "#!/bin/sh\n" + set("mark", mark_of(target)) + set("content", content) +
         set("content_path", config.content_path) + set("tailoring", tailoring) +
         set("profile", config.profile) + set("install", yes(config.install)) +
         set("remote", yes(config.fetch_remote_resources)) +
         set("room", std::to_string(config.limits.output_bytes)) +
         std::string(scripts().front().second);
}

}  // namespace hallmark::scan::openscap
