#pragma once
/// How the compiled advisories lie in their file. docs/formats/advisories.md is the page for
/// others.

#include <array>
#include <cstdint>
#include <string_view>

namespace hallmark::scan {

inline constexpr std::string_view kAdvisoryMagic = "HMADVIS\n";
/// Changes with the layout; another version is compiled anew, never guessed at.
inline constexpr std::uint32_t kAdvisoryVersion = 2;

/// A place in the section of texts, where a length of two bytes and the text lie; 0 is the empty
/// one.
using TextRef = std::uint32_t;

struct SectionRecord {
  std::uint64_t offset = 0;  ///< from the start of the file, a multiple of 8
  std::uint64_t count = 0;   ///< of records; of bytes for feeds and texts
};

/// In the order in which they lie.
enum Section { kFeeds, kEcosystems, kPackages, kStatements, kAdvisories, kCves, kTexts, kSections };

struct HeaderRecord {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t header_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::array<SectionRecord, kSections> sections;
  std::array<char, 64> body_sha256{};    ///< of all behind the header, in hex
  std::array<char, 64> header_sha256{};  ///< of all before this member, in hex
};
static_assert(sizeof(HeaderRecord) == 24 + kSections * 16 + 128);

/// Sorted by name.
struct EcosystemRecord {
  TextRef name = 0;
  std::uint32_t first = 0;  ///< of its packages
  std::uint32_t count = 0;
  std::uint8_t order = 0;  ///< a VersionOrder
  std::uint8_t names = 0;  ///< kSourceNames, kBinaryNames
  std::uint16_t zero = 0;
};
static_assert(sizeof(EcosystemRecord) == 16);
inline constexpr std::uint8_t kSourceNames = 1;
inline constexpr std::uint8_t kBinaryNames = 2;

/// Sorted by name within their ecosystem.
struct PackageRecord {
  std::uint64_t prefix = 0;  ///< the first eight bytes of the name; the first is the highest
  TextRef name = 0;
  std::uint32_t first = 0;  ///< of its statements
  std::uint32_t count = 0;
  std::uint32_t zero = 0;
};
static_assert(sizeof(PackageRecord) == 24);

/// Those without `fixed` first, then by `fixed` from the newest to the oldest: the first that is
/// not newer than what is installed ends the look.
struct StatementRecord {
  std::uint32_t advisory = 0;
  TextRef introduced = 0, fixed = 0, last_affected = 0, module = 0;
  std::uint8_t judgement = 0;  ///< a Judgement
  std::uint8_t fix = 0;        ///< a model::FixState
  std::uint8_t severity = 0;   ///< a model::Severity
  std::uint8_t flags = 0;      ///< kOfSource, kUnreadable, kSubscription
};
static_assert(sizeof(StatementRecord) == 24);
inline constexpr std::uint8_t kOfSource = 1;
inline constexpr std::uint8_t kUnreadable = 2;    ///< one of its versions cannot be compared
inline constexpr std::uint8_t kSubscription = 4;  ///< only subscribers get the fix

struct AdvisoryRecord {
  TextRef id = 0, title = 0, url = 0, cvss = 0, severity_native = 0;
  std::uint32_t first_cve = 0;
  std::uint16_t cve_count = 0;
  std::uint16_t feed = 0;
  std::uint8_t severity = 0;  ///< a model::Severity
  std::array<std::uint8_t, 3> zero{};
};
static_assert(sizeof(AdvisoryRecord) == 32);

constexpr std::uint64_t name_prefix(std::string_view name) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    prefix = prefix << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0u);
  }
  return prefix;
}

}  // namespace hallmark::scan
