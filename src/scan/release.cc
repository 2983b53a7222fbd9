#include <lzma.h>

#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "apt/deb822.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "scan/suite.h"

namespace hallmark::scan {
namespace {

constexpr std::string_view kBegin = "-----BEGIN PGP SIGNED MESSAGE-----\n";
constexpr std::string_view kEnd = "-----END PGP SIGNATURE-----";
// Unpacking Debian's index of all of main takes 9 MiB; this allows the strongest preset.
constexpr std::uint64_t kXzMemory = 128u << 20;

unsigned number(std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorKind::corrupt, "\"{}\" is no number", text);
  }
  return value;
}

std::vector<Release::File> parse_files(std::string_view list) {
  std::vector<Release::File> files;
  auto parts = apt::words(list);
  if (parts.size() % 3 != 0) throw Error(ErrorKind::corrupt, "the list of digests is broken");
  for (std::size_t i = 0; i < parts.size(); i += 3) {
    Release::File file;
    file.sha256 = parts[i];
    std::string_view size = parts[i + 1];
    auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), file.size_bytes);
    if (error != std::errc() || end != size.data() + size.size() || file.sha256.size() != 64) {
      throw Error(ErrorKind::corrupt, "the list of digests is broken at {}", parts[i + 2]);
    }
    file.path = parts[i + 2];
    files.push_back(std::move(file));
  }
  return files;
}

/// gpgv reads only binary keyrings; the armour is base64 between two marks.
std::string dearmoured(const std::string& text) {
  std::size_t start = text.find("\n\n");
  std::size_t end = text.find("-----END");
  if (start == text.npos || end == text.npos || end < start) {
    throw Error(ErrorKind::corrupt, "the armoured keyring is broken");
  }
  std::string base64;
  for (const std::string& line : split(text.substr(start + 2, end - start - 2), '\n')) {
    if (!line.starts_with('=')) base64 += trim(line);  // '=' starts the checksum
  }
  return base64_decode(base64);
}

/// One signed message and nothing else: gpgv would also accept text around or between messages.
void check_frame(const std::string& in_release) {
  std::size_t end = in_release.find(kEnd);
  bool whole = in_release.starts_with(kBegin) && end != in_release.npos &&
               trim(std::string_view(in_release).substr(end + kEnd.size())).empty() &&
               in_release.find(kBegin, 1) == in_release.npos;
  if (!whole) throw Error(ErrorKind::corrupt, "the Release file is not one signed message");
}

}  // namespace

const Release::File* Release::find(std::string_view path) const {
  for (const File& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

TimePoint parse_release_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto parts = apt::words(text);
  std::vector<std::string> time =
      parts.size() == 6 ? split(std::string(parts[4]), ':') : std::vector<std::string>{};
  auto month = std::find(kMonths.begin(), kMonths.end(), parts.size() == 6 ? parts[2] : "");
  bool utc = parts.size() == 6 && (parts[5] == "UTC" || parts[5] == "GMT" || parts[5] == "+0000");
  if (time.size() != 3 || month == kMonths.end() || !utc) {
    throw Error(ErrorKind::corrupt, "\"{}\" is not the date of a Release file", text);
  }
  using namespace std::chrono;
  auto date = year(static_cast<int>(number(parts[3]))) /
              static_cast<unsigned>(month - kMonths.begin() + 1) / day(number(parts[1]));
  if (!date.ok()) throw Error(ErrorKind::corrupt, "\"{}\" is no day of the calendar", text);
  return TimePoint(sys_days(date).time_since_epoch()) + hours(number(time[0])) +
         minutes(number(time[1])) + seconds(number(time[2]));
}

Release parse_release(std::string_view text) {
  Release release;
  int paragraphs = 0;
  apt::read_paragraphs(text, [&](const apt::Paragraph& paragraph) {
    if (++paragraphs > 1) return;
    if (!paragraph.problem.empty()) {
      throw Error(ErrorKind::corrupt, "the Release file: {}", paragraph.problem);
    }
    release.suite = paragraph.get("Suite");
    release.codename = paragraph.get("Codename");
    if (auto date = paragraph.find("Date")) release.date = parse_release_date(*date);
    if (auto until = paragraph.find("Valid-Until")) {
      release.valid_until = parse_release_date(*until);
    }
    release.by_hash = paragraph.get("Acquire-By-Hash") == "yes";
    release.files = parse_files(paragraph.get("SHA256"));
  });
  if (paragraphs != 1 || (release.suite.empty() && release.codename.empty())) {
    throw Error(ErrorKind::corrupt, "this is no Release file");
  }
  return release;
}

std::string verified_text(const std::string& in_release, const Path& keyring,
                          std::stop_token stop) {
  check_frame(in_release);
  TempDir directory;
  Path signed_file = directory.path() / "InRelease";
  Path text_file = directory.path() / "Release";
  Path keys = std::filesystem::absolute(keyring);
  write_file(signed_file, in_release);
  std::string key_bytes = read_file(keys);
  if (key_bytes.starts_with("-----BEGIN PGP")) {
    keys = directory.path() / "keyring.gpg";
    write_file(keys, dearmoured(key_bytes));
  }
  ProcessResult result =
      run_process({.argv = {"gpgv", "--status-fd", "1", "--keyring", keys.string(), "--output",
                            text_file.string(), signed_file.string()},
                   .time_limit = std::chrono::seconds(60)},
                  stop);
  // A second signature by a key that we do not have is fine, so the exit code does not decide: at
  // least one signature must be good and valid now, and none may be bad.
  bool good = false, valid = false, bad = false;
  for (const std::string& line : split(result.out, '\n')) {
    good = good || line.starts_with("[GNUPG:] GOODSIG ");
    valid = valid || line.starts_with("[GNUPG:] VALIDSIG ");
    bad = bad || line.starts_with("[GNUPG:] BADSIG ");
  }
  auto text = read_file_if_exists(text_file);
  if (!good || !valid || bad || !text) {
    throw Error(ErrorKind::corrupt, "the Release file has no good signature by a key of {}: {}",
                keyring.string(), trim(result.err))
        .hint("is the package debian-archive-keyring up to date?");
  }
  return *text;
}

std::string unpack_xz(std::string_view packed, std::size_t limit) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kXzMemory, LZMA_CONCATENATED) != LZMA_OK) {
    throw Error(ErrorKind::unavailable, "no memory to uncompress the index");
  }
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string out;
  std::array<char, 65536> piece;
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK && out.size() <= limit) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(piece.data());
    stream.avail_out = piece.size();
    status = lzma_code(&stream, LZMA_FINISH);
    out.append(piece.data(), piece.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (out.size() > limit) {
    throw Error(ErrorKind::corrupt, "the index unpacks to more than {}", format_size(limit));
  }
  if (status != LZMA_STREAM_END) {
    throw Error(ErrorKind::corrupt, "the compressed index is broken (code {})",
                static_cast<int>(status));
  }
  return out;
}

}  // namespace hallmark::scan
