#pragma once
/// Reads .nessus files (version 2), which services export and which reach gigabytes: as a stream,
/// trusting nothing in them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/assessment.h"

namespace hallmark::scan::tenable {

struct NessusHost {
  std::string name;                               ///< as it was targeted
  std::map<std::string, std::string> properties;  ///< "Credentialed_Scan", "host-ip", ..
  std::vector<model::Finding> findings;
  model::Checks rules;  ///< of compliance checks
  int item_count = 0;
  bool whole = false;  ///< its end was read
  std::string scanner_version;
  std::string plugin_feed;  ///< "202106091012"
  std::string
      credential_word;         ///< of the report on the scan: "yes", "yes, as 'root' via ssh", "no"
  bool lacked_rights = false;  ///< a login worked that may not see everything

  std::string_view property(const std::string& key) const;
};

struct NessusReport {
  std::string name;
  std::string policy;
  std::vector<NessusHost> hosts;
  std::string damage;  ///< why reading ended before the end of the report; empty if it did not
  std::uint64_t replaced_bytes = 0;     ///< that were no text
  std::uint64_t findings_left_out = 0;  ///< beyond the limit
};

struct NessusLimits {
  std::size_t findings = 500'000;
  std::size_t hosts = 10'000;
  /// Of all texts of findings together; beyond it findings come without description and evidence.
  std::size_t text_bytes = std::size_t{512} << 20;
};

class NessusReader {
 public:
  explicit NessusReader(NessusLimits limits = {});
  ~NessusReader();
  NessusReader(const NessusReader&) = delete;
  NessusReader& operator=(const NessusReader&) = delete;

  /// The next bytes, however they are cut. Throws `corrupt` on what is no .nessus file, declares
  /// entities or names an outside document type, or nests or goes on without an end. What ends or
  /// breaks in the middle is no error: the report says so.
  void read(std::string_view piece);
  /// Once, after the last piece. Throws like read().
  NessusReport finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

NessusReport read_nessus(std::string_view file, NessusLimits limits = {});

}  // namespace hallmark::scan::tenable
