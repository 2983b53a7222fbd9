#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/text.h"
#include "scan/advisory/advisory.h"

namespace hallmark::scan {
namespace {

/// "AV:N" of a vector.
char metric(std::string_view vector, std::string_view name) {
  const std::string wanted = "/" + std::string(name) + ":";
  const std::size_t at = vector.find(wanted);
  if (at == vector.npos || at + wanted.size() >= vector.size()) return 0;
  return vector[at + wanted.size()];
}

std::optional<double> weight(char value, std::string_view values,
                             const std::array<double, 4>& weights) {
  const std::size_t at = values.find(value);
  if (value == 0 || at == values.npos) return std::nullopt;
  return weights[at];
}

/// FIRST, "CVSS v3.1 Specification", appendix A.
double roundup(double score) {
  const auto whole = static_cast<long>(std::lround(score * 100000));
  return whole % 10000 == 0 ? static_cast<double>(whole) / 100000.0
                            : (std::floor(static_cast<double>(whole) / 10000) + 1) / 10.0;
}

}  // namespace

model::Severity severity_of_word(std::string_view word) {
  using model::Severity;
  constexpr std::array<std::pair<std::string_view, Severity>, 12> kWords = {
      {{"critical", Severity::critical},
       {"important", Severity::high},
       {"high", Severity::high},
       {"moderate", Severity::medium},
       {"medium", Severity::medium},
       {"low", Severity::low},
       {"negligible", Severity::info},
       {"unimportant", Severity::info},
       {"minor", Severity::low},
       {"none", Severity::info},
       {"info", Severity::info},
       {"informational", Severity::info}}};
  const std::string text = to_lower(trim(word));
  for (const auto& [known, severity] : kWords) {
    // Debian marks some of its words with asterisks.
    if (text == known || text == std::string(known) + "*" || text == std::string(known) + "**") {
      return severity;
    }
  }
  return Severity::unknown;
}

/// FIRST, "CVSS v3.1 Specification", 7.1 and 7.4.
double cvss3_score(std::string_view vector) {
  if (!vector.starts_with("CVSS:3.")) return 0;
  const bool changed = metric(vector, "S") == 'C';
  const auto av = weight(metric(vector, "AV"), "NALP", {0.85, 0.62, 0.55, 0.2});
  const auto ac = weight(metric(vector, "AC"), "LH", {0.77, 0.44, 0, 0});
  const auto pr = changed ? weight(metric(vector, "PR"), "NLH", {0.85, 0.68, 0.5, 0})
                          : weight(metric(vector, "PR"), "NLH", {0.85, 0.62, 0.27, 0});
  const auto ui = weight(metric(vector, "UI"), "NR", {0.85, 0.62, 0, 0});
  const auto c = weight(metric(vector, "C"), "HLN", {0.56, 0.22, 0, 0});
  const auto i = weight(metric(vector, "I"), "HLN", {0.56, 0.22, 0, 0});
  const auto a = weight(metric(vector, "A"), "HLN", {0.56, 0.22, 0, 0});
  if (!av || !ac || !pr || !ui || !c || !i || !a) return 0;
  const double iss = 1 - (1 - *c) * (1 - *i) * (1 - *a);
  const double impact =
      changed ? 7.52 * (iss - 0.029) - 3.25 * std::pow(iss - 0.02, 15) : 6.42 * iss;
  if (impact <= 0) return 0;
  const double exploitability = 8.22 * *av * *ac * *pr * *ui;
  return roundup(std::min((changed ? 1.08 : 1.0) * (impact + exploitability), 10.0));
}

}  // namespace hallmark::scan
