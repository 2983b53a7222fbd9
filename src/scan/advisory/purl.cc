#include "scan/advisory/purl.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace hallmark::scan {

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view digits = text.substr(at + 1, 2);
    if (text[at] == '%' && digits.size() == 2 &&
        digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos) {
      plain += from_hex(to_lower(digits));
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::string PackageUrl::qualifier(std::string_view key) const {
  const auto found = qualifiers.find(key);
  return found == qualifiers.end() ? std::string() : found->second;
}

std::optional<PackageUrl> parse_purl(std::string_view text) {
  if (!text.starts_with("pkg:")) return std::nullopt;
  text.remove_prefix(4);
  while (text.starts_with('/')) text.remove_prefix(1);
  text = text.substr(0, text.find('#'));
  PackageUrl url;
  if (const std::size_t question = text.find('?'); question != text.npos) {
    for (const std::string& pair : split(text.substr(question + 1), '&')) {
      const std::size_t equals = pair.find('=');
      if (equals == pair.npos) continue;
      url.qualifiers[to_lower(pair.substr(0, equals))] =
          percent_decoded(std::string_view(pair).substr(equals + 1));
    }
    text = text.substr(0, question);
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  // npm's scope begins with an at sign, too, but before the last slash.
  const std::size_t slash = text.rfind('/');
  if (slash == text.npos) return std::nullopt;
  if (const std::size_t at = text.rfind('@'); at != text.npos && at > slash + 1) {
    url.version = percent_decoded(text.substr(at + 1));
    text = text.substr(0, at);
  }
  const std::size_t first = text.find('/');
  url.type = to_lower(text.substr(0, first));
  url.name = percent_decoded(text.substr(slash + 1));
  if (slash > first) url.space = percent_decoded(text.substr(first + 1, slash - first - 1));
  if (url.type.empty() || url.name.empty()) return std::nullopt;
  return url;
}

std::string_view manager_of(const PackageUrl& url) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kManagers = {
      {{"deb", "dpkg"},
       {"rpm", "rpm"},
       {"apk", "apk"},
       {"pypi", "python"},
       {"npm", "npm"},
       {"golang", "go"},
       {"maven", "java"},
       {"gem", "ruby"},
       {"cargo", "rust"}}};
  for (const auto& [type, manager] : kManagers) {
    if (type == url.type) return manager;
  }
  return {};
}

std::string package_name(const PackageUrl& url) {
  if (url.type == "maven") return url.space + ":" + url.name;
  if ((url.type == "npm" || url.type == "golang") && !url.space.empty())
    return url.space + "/" + url.name;
  return url.name;
}

std::string package_version(const PackageUrl& url) {
  const std::string epoch = url.type == "rpm" ? url.qualifier("epoch") : "";
  if (url.version.empty() || epoch.empty() || epoch == "0") return url.version;
  return epoch + ":" + url.version;
}

std::string package_module(const PackageUrl& url) {
  const auto parts = split(url.qualifier("rpmmod"), ':');
  return parts.size() < 2 ? std::string() : parts[0] + ":" + parts[1];
}

bool is_source(const PackageUrl& url) {
  const std::string arch = url.qualifier("arch");
  return (url.type == "deb" && arch == "source") ||
         (url.type == "rpm" && (arch == "src" || arch == "nosrc"));
}

std::string distribution_id(std::string_view space) {
  if (space == "redhat") return "rhel";
  if (space == "amazon") return "amzn";
  if (space == "rocky-linux") return "rocky";
  if (space == "oracle" || space == "oraclelinux") return "ol";
  if (space == "suse") return "sles";
  if (space == "opensuse") return "opensuse-leap";
  return std::string(space);
}

}  // namespace hallmark::scan
