#pragma once
/// Compiled advisories: one file that is mapped into memory. Opening it costs the same however many
/// there are; looking a package up is a binary search. docs/formats/advisories.md.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "scan/advisory/advisory.h"
#include "scan/advisory/file_layout.h"
#include "scan/advisory/version_order.h"

namespace hallmark::scan {

/// Nothing in it is trusted: a place that lies outside is `corrupt` when it is looked at. Views
/// live as long as the object. Safe from several threads.
class AdvisoryFile {
 public:
  /// Checks the header. Throws `not_found`, `corrupt` with the way out.
  static std::shared_ptr<const AdvisoryFile> open(const Path& file);
  /// The same from memory.
  explicit AdvisoryFile(std::string_view bytes);
  ~AdvisoryFile();
  AdvisoryFile(const AdvisoryFile&) = delete;
  AdvisoryFile& operator=(const AdvisoryFile&) = delete;

  /// Reads all of it. Throws `corrupt` if it does not have the digest that its header names.
  void verify() const;

  const std::vector<FeedInfo>& feeds() const { return feeds_; }
  std::string_view digest() const;  ///< SHA-256 of all but the header, in hex
  std::uint64_t size_bytes() const { return size_; }
  std::span<const EcosystemRecord> ecosystems() const { return ecosystems_; }
  std::span<const AdvisoryRecord> advisories() const { return advisories_; }
  std::span<const StatementRecord> statements() const { return statements_; }

  /// Null if nothing is known of it.
  const EcosystemRecord* ecosystem(std::string_view name) const;
  std::span<const StatementRecord> find(const EcosystemRecord& ecosystem,
                                        std::string_view package) const;
  const AdvisoryRecord& advisory(std::uint32_t number) const;
  std::span<const TextRef> cves(const AdvisoryRecord& advisory) const;
  std::string_view text(TextRef place) const;

 private:
  struct Mapping;
  explicit AdvisoryFile(std::unique_ptr<Mapping> mapping);
  void read(std::string_view bytes);
  template <typename Record>
  std::span<const Record> section(Section section) const;

  std::unique_ptr<Mapping> mapping_;
  std::vector<std::uint64_t> copy_;
  const char* data_ = nullptr;
  std::uint64_t size_ = 0;
  std::vector<FeedInfo> feeds_;
  std::span<const EcosystemRecord> ecosystems_;
  std::span<const PackageRecord> packages_;
  std::span<const StatementRecord> statements_;
  std::span<const AdvisoryRecord> advisories_;
  std::span<const TextRef> cves_;
  std::span<const char> texts_;
};

void to_json(Json& json, const FeedInfo& value);
void from_json(const Json& json, FeedInfo& value);

}  // namespace hallmark::scan
