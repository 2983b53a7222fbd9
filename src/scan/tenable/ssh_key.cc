#include "scan/tenable/ssh_key.h"

#include <string>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan::tenable {

bool is_locked_key(std::string_view key) {
  if (key.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string_view::npos) return true;
  // RFC 1421, 4.6.1.1, as OpenSSL writes it.
  if (key.find("\nProc-Type: 4,ENCRYPTED") != std::string_view::npos) return true;
  constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
  std::size_t begin = key.find(kBegin);
  std::size_t end = key.find("-----END OPENSSH PRIVATE KEY-----");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return false;
  begin += kBegin.size();
  std::string body;
  for (char c : key.substr(begin, end - begin)) {
    if (c != '\n' && c != '\r') body += c;
  }
  try {
    body = base64_decode(body);
  } catch (const Error&) {
    return false;
  }
  // OpenSSH, PROTOCOL.key: the magic, then the cipher's name with its length before it.
  constexpr std::string_view kMagic("openssh-key-v1\0", 15);
  if (!body.starts_with(kMagic) || body.size() < kMagic.size() + 8) return false;
  const std::string_view rest = std::string_view(body).substr(kMagic.size());
  constexpr std::string_view kNone("\0\0\0\4none", 8);
  return !rest.starts_with(kNone);
}

}  // namespace hallmark::scan::tenable
