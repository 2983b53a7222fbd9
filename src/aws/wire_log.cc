#include "aws/wire_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/url.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::aws {
namespace {

constexpr std::array<std::string_view, 14> kAlwaysSecret = {
    "SecretAccessKey", "secretAccessKey", "SessionToken", "sessionToken",       "accessToken",
    "Password",        "AdminPassword",   "PasswordData", "MasterUserPassword", "WebIdentityToken",
    "PrivateKey",      "KeyMaterial",     "Plaintext",    "SecretString"};
constexpr std::array<std::string_view, 3> kSecretHeaders = {
    "x-amz-security-token", "x-amz-sso_bearer_token", "x-aws-ec2-metadata-token"};
// Enough of any API call; an upload is not for reading.
constexpr std::size_t kMaxBody = 64 << 10;

void collect(const Shape* shape, std::set<const Shape*>& seen, std::set<std::string>& names) {
  if (!shape || !seen.insert(shape).second) return;
  auto look = [&](const Member& member) {
    if (member.shape && member.shape->is_sensitive && !member.name.empty()) {
      names.emplace(member.name);
      names.emplace(member.wire_name());
    }
    collect(member.shape, seen, names);
  };
  for (const Member& member : shape->members) look(member);
  look(shape->element);
  look(shape->key);
}

bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

/// Where the value after a name that ends at `at` begins and how it ends; npos if no value follows.
std::pair<std::size_t, std::size_t> value_after(std::string_view text, std::size_t begin,
                                                std::size_t at) {
  constexpr auto kNone = std::string_view::npos;
  if (at >= text.size()) return {kNone, kNone};
  if (text[at] == '=') return {at + 1, std::min(text.find_first_of("&\r\n", at), text.size())};
  if (text[at] == '>' && begin > 0 && text[begin - 1] == '<') {
    return {at + 1, std::min(text.find('<', at), text.size())};
  }
  if (text[at] != '"') return {kNone, kNone};
  at = text.find_first_not_of(" \t\r\n", at + 1);
  if (at == kNone || text[at] != ':') return {kNone, kNone};
  at = text.find_first_not_of(" \t\r\n", at + 1);
  if (at == kNone || text[at] != '"') return {kNone, kNone};
  std::size_t end = at + 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return {at + 1, std::min(end, text.size())};
}

std::string body_text(const std::string& body, const std::set<std::string>& secrets) {
  bool binary = std::any_of(body.begin(), body.end(), [](unsigned char c) {
    return c < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
  if (binary || body.size() > kMaxBody) return fmt::format("({} bytes)", body.size());
  std::set<std::string> names = secrets;
  // Whether a parameter's value is secret stands beside it.
  if (body.find("SecureString") != body.npos) names.insert("Value");
  return redacted(without_values(body, names));
}

std::string header_lines(const NamedValues& headers, char mark) {
  std::string out;
  for (const auto& [name, value] : headers) {
    std::string lower = to_lower(name);
    bool secret =
        std::find(kSecretHeaders.begin(), kSecretHeaders.end(), lower) != kSecretHeaders.end();
    std::string shown = secret ? "***" : value;
    if (lower == "authorization") {
      std::size_t signature = value.find("Signature=");
      shown = signature == value.npos ? "***" : value.substr(0, signature) + "Signature=***";
    }
    out += fmt::format("{} {}: {}\n", mark, name, shown);
  }
  return out;
}

}  // namespace

std::set<std::string> secret_members(const Operation& operation) {
  std::set<std::string> names(kAlwaysSecret.begin(), kAlwaysSecret.end());
  std::set<const Shape*> seen;
  collect(operation.input, seen, names);
  collect(operation.output, seen, names);
  return names;
}

std::string without_values(std::string_view text, const std::set<std::string>& names) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (!is_name_char(text[at])) {
      out += text[at++];
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_name_char(text[end])) ++end;
    std::string name(text.substr(at, end - at));
    auto [begin, stop] = names.contains(name) ? value_after(text, at, end)
                                              : std::pair{std::string_view::npos, std::size_t{0}};
    if (begin == std::string_view::npos) {
      out += name;
      at = end;
    } else {
      out += text.substr(at, begin - at);
      out += "***";
      at = stop;
    }
  }
  return out;
}

std::string wire_text(const Request& request, const std::set<std::string>& secrets) {
  std::string target =
      without_values(request_url(request), {"X-Amz-Signature", "X-Amz-Security-Token"});
  return fmt::format("> {} {}\n{}>\n{}\n", request.method, target,
                     header_lines(request.headers, '>'), body_text(request.body, secrets));
}

std::string wire_text(const Response& response, const std::set<std::string>& secrets) {
  return fmt::format("< {}\n{}<\n{}\n", response.status, header_lines(response.headers, '<'),
                     body_text(response.body, secrets));
}

}  // namespace hallmark::aws
