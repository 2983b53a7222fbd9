#pragma once
/// Whether an audit log is what was written, from the database or from an exported file.

#include <cstdint>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "audit/audit.h"

namespace hallmark::audit {

struct VerifyReport {
  std::int64_t entries = 0;
  std::string last_digest;
  /// One sentence each, the first ones found, in the order of the log; empty: it is intact.
  std::vector<std::string> problems;
  bool intact() const { return problems.empty(); }
};

/// Takes entries one after the other, in little memory, and says what is wrong with them. Every
/// entry's digest is computed; of the signatures every 1,024th and each key's last is checked,
/// because each vouches for all entries before it, and more only where one of these fails.
class Verifier {
 public:
  /// `first`: the key that the log began with; what it signed may name the next one. `known`: where
  /// the log once was, so that a cut end shows.
  Verifier(PublicKey first, std::optional<Head> known);
  void add(const Entry& entry);
  /// `end`: the head that an exported file closes with.
  VerifyReport finish(const std::optional<Head>& end = {});

 private:
  struct Signature {
    std::int64_t sequence;
    std::string digest;
    std::string signature;
  };
  void problem(std::string text);
  void check_content(const Entry& entry);
  void check_signatures();
  bool is_signed_head(const Head& head) const;

  std::vector<PublicKey> keys_;  // the last one signs now
  std::optional<Head> known_;
  std::vector<Signature> unchecked_;
  VerifyReport report_;
};

/// The whole log of a database against the directory's first key and its head.
VerifyReport verify_log(Log& log, const PublicKey& first_key);
/// One JSON line for each entry, the last line its signed head.
void export_log(Log& log, std::ostream& out);
/// An exported file. Throws `corrupt` with the line if it is none.
VerifyReport verify_export(std::istream& in, const PublicKey& first_key, const std::string& origin);

/// The key that a log began with, from its directory.
PublicKey first_key(const Path& directory);

}  // namespace hallmark::audit
