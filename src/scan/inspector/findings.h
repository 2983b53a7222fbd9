#pragma once
/// From Inspector's findings to ours.

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/finding.h"
#include "scan/inspector/answers.h"

namespace hallmark::scan::inspector {

/// What a list of findings came to. Filled page by page: an answer is not needed any more once it
/// was taken.
class FoundOnMachine {
 public:
  /// Findings beyond `most` are counted, not kept.
  explicit FoundOnMachine(std::string machine_id, std::size_t most = 500'000)
      : machine_id_(std::move(machine_id)), most_(most) {}

  /// A page of ListFindings. One that comes twice, as when pages shift while they are read, counts
  /// once; one that is closed does not. A finding of several packages becomes one of each.
  void take_page(const Value& page);

  /// Findings to ask details of: one of each vulnerability, for what is asked is a property of
  /// that.
  std::vector<std::string> wanted_details() const;
  /// An answer of BatchGetFindingDetails to `asked`. What it does not answer counts as refused.
  void take_details(const std::vector<std::string>& asked, const Value& answer);

  /// With what the details said.
  std::vector<model::Finding> findings() &&;

  const std::string& resource_id() const { return machine_id_; }
  std::size_t count() const { return findings_.size(); }
  std::size_t of_others() const { return of_others_; }  ///< of other resources; left out
  std::size_t unreadable() const { return unreadable_; }
  std::size_t left_out() const { return left_out_; }  ///< beyond the limit
  /// Vulnerabilities without details, by the service's reason.
  const std::map<std::string, std::size_t>& refused() const { return refused_; }
  /// When Inspector saw one of them last; nothing if it does not say.
  std::optional<TimePoint> last_seen() const { return last_seen_; }
  /// "DEBIAN_12", where a finding says it.
  const std::string& platform() const { return platform_; }

 private:
  struct Vulnerability {
    std::string id;
    std::string arn;  ///< of one finding about it
    bool known_exploited = false;
    std::optional<double> epss;
  };
  static constexpr std::uint32_t kNone = 0xffffffff;

  void take(const Value& finding);
  std::uint32_t vulnerability(const std::string& id, const std::string& arn);
  void add(model::Finding finding, std::uint32_t vulnerability);

  std::string machine_id_;
  std::size_t most_;
  std::vector<model::Finding> findings_;
  std::vector<std::uint32_t> vulnerability_of_;  ///< of each finding
  std::vector<Vulnerability> vulnerabilities_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::unordered_map<std::string, std::uint32_t> by_arn_;
  std::unordered_set<std::string> seen_;  ///< ARNs
  std::size_t of_others_ = 0;
  std::size_t unreadable_ = 0;
  std::size_t left_out_ = 0;
  std::map<std::string, std::size_t> refused_;
  std::string platform_;
  std::optional<TimePoint> last_seen_;
};

/// By package, then id.
void sort(std::vector<model::Finding>& findings);

/// "CRITICAL" to critical; UNTRIAGED and what is new are unknown.
model::Severity severity_of(std::string_view word);
/// "1:3.0.8-1" of its parts; an epoch of zero is none.
std::string version_of(const Value& package);
/// Without an epoch of zero; "" for "NotAvailable".
std::string fixed_version_of(std::string version);

}  // namespace hallmark::scan::inspector
