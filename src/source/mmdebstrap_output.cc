#include "source/mmdebstrap_output.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace hallmark::source {

namespace {

struct KnownStage {
  std::string_view said;
  double fraction;  // of a run's time, as measured
  std::string_view text;
};

constexpr std::array kStages = {
    KnownStage{"running apt-get update", 0.02, "reading the package lists"},
    KnownStage{"downloading packages", 0.10, "downloading packages"},
    KnownStage{"extracting archives", 0.25, "unpacking the base system"},
    KnownStage{"installing essential packages", 0.33, "installing the base system"},
    KnownStage{"installing remaining packages", 0.45, "installing kernel, services and tools"},
    KnownStage{"cleaning package lists", 0.98, "cleaning up"},
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The lines that name an error, or the last ones if none does.
std::string telling_lines(std::string_view messages) {
  std::vector<std::string> telling;
  std::vector<std::string> lines = split(trim(messages), '\n');
  for (const std::string& line : lines) {
    // "E: setup failed" and the like only say that there was something before.
    bool about_itself = contains(line, "E: setup failed") || contains(line, "E: mmdebstrap");
    if (line.starts_with("E:") && !about_itself) telling.push_back(line.substr(2));
  }
  constexpr std::size_t kEnough = 5;
  if (telling.empty()) {
    telling.assign(lines.size() > kEnough ? lines.end() - kEnough : lines.begin(), lines.end());
  }
  if (telling.size() > kEnough) telling.resize(kEnough);
  return std::string(trim(join(telling, "\n")));
}

}  // namespace

std::vector<MmdebstrapOutput::Stage> MmdebstrapOutput::add(std::string_view piece) {
  std::vector<Stage> begun;
  for (char c : piece) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    for (const KnownStage& stage : kStages) {
      if (line_.starts_with("I: ") && contains(line_, stage.said)) {
        begun.push_back({stage.fraction, std::string(stage.text)});
      }
    }
    line_.clear();
  }
  return begun;
}

Error explain_mmdebstrap(std::string_view messages, const std::string& mirror) {
  std::string lines = telling_lines(messages);
  auto says = [&](std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](std::string_view part) { return contains(messages, part); });
  };
  if (says({"No space left on device", "enough free space"})) {
    return Error(ErrorKind::unavailable, "the disk is full: {}", lines)
        .hint("free some space on that file system and try again");
  }
  if (says({"NO_PUBKEY", "is not signed", "BADSIG", "EXPKEYSIG", "signatures were invalid",
            "couldn't be verified"})) {
    return Error(ErrorKind::corrupt, "the mirror's signature is not good: {}", lines)
        .hint("update the package debian-archive-keyring, and check the mirror in /etc/apt");
  }
  if (says({"Unable to locate package", "has no installation candidate"})) {
    return Error(ErrorKind::usage, "the release does not have that package: {}", lines);
  }
  if (says({"does not have a Release file"})) {
    return Error(ErrorKind::not_found, "the mirror {} does not carry the release: {}", mirror,
                 lines)
        .hint("check the mirror and the suite in /etc/apt, and that the machine can reach it");
  }
  if (says({"Could not resolve", "Could not connect", "Failed to fetch", "Connection failed",
            "Connection timed out", "Cannot initiate the connection", "Temporary failure"})) {
    return Error(ErrorKind::unavailable, "the mirror {} cannot be reached: {}", mirror, lines)
        .hint("check the network and the mirror in /etc/apt, then try again");
  }
  return Error(ErrorKind::failed, "mmdebstrap failed: {}", lines);
}

}  // namespace hallmark::source
