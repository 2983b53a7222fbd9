#pragma once
/// One row of Qualys' results as findings.

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/finding.h"
#include "scan/qualys/answers.h"

namespace hallmark::scan::qualys {

using Knowledge = std::map<std::string, KnowledgeEntry>;  ///< by QID
/// By address, QID and port: what Qualys knows of it over all scans.
using History = std::unordered_map<std::string, const Detection*>;

/// Points into `hosts`.
History history_of(const std::vector<DetectedHost>& hosts);

/// A finding; several if the row's table names several packages, so that each can be compared with
/// what other scanners say of that package. Nothing of the row is dropped for being unknown.
void add_findings(std::vector<model::Finding>& findings, const ResultRow& row,
                  const Knowledge& knowledge, const History& history);

struct TablePackage {
  std::string name;
  std::string installed_version;
  std::string fixed_version;
};

/// The rows of "Package\tInstalled Version\tRequired Version"; empty for any other text.
std::vector<TablePackage> packages_in(std::string_view results);

/// Without tags: Qualys writes a little HTML into its texts.
std::string without_tags(std::string_view text);
/// Without private keys, which a scanner quotes when it finds them lying around.
std::string without_keys(std::string_view text);

}  // namespace hallmark::scan::qualys
