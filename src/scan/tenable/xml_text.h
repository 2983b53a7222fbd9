#pragma once
/// Bytes that an XML reader takes: reports quote what machines answer, which need not be text.

#include <cstdint>
#include <string>
#include <string_view>

namespace hallmark::scan::tenable {

/// Makes valid UTF-8 without characters that XML forbids out of any bytes, piece by piece: each
/// bad byte or character becomes U+FFFD.
class XmlText {
 public:
  /// What can be said of the bytes so far; the last ones may wait for the next piece. The view
  /// holds until the next call.
  std::string_view repair(std::string_view piece);
  /// What was still waiting.
  std::string_view finish();
  std::uint64_t replaced() const { return replaced_; }

 private:
  void replace();

  std::string waiting_;  ///< the start of a character that the next piece goes on with
  std::string repaired_;
  std::uint64_t replaced_ = 0;
};

}  // namespace hallmark::scan::tenable
