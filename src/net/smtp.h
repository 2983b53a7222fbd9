#pragma once
/// Handing a mail to a server by SMTP.

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"

namespace hallmark::net {

enum class SmtpTls {
  starttls,  ///< asked for, and nothing is sent without it
  tls,       ///< from the first byte (port 465)
  none,
};

struct SmtpServer {
  std::string place;  ///< "smtp.example.com:587"
  SmtpTls tls = SmtpTls::starttls;
  std::string username;  ///< empty: no login
  std::string password;
  std::string ca_file;  ///< certificates to trust instead of the system's
  Duration connect_limit = std::chrono::seconds(15);
  Duration time_limit = std::chrono::seconds(60);
};

struct Envelope {
  std::string from;  ///< addresses alone: "hallmark@example.com"
  std::vector<std::string> to;
};

/// `message` is header and body with CRLF at the end of each line. Throws `usage` (an address that
/// could say more to the server than an address; a password without TLS), `denied` (login,
/// certificate, no TLS), `failed` (refused for good: 5xx), `unavailable` (4xx, no connection),
/// `timeout`, `cancelled`. All recipients take it, or it throws; those before the one that was
/// refused have no mail then either.
void send_mail(const SmtpServer& server, const Envelope& envelope, const std::string& message,
               std::stop_token stop = {});

/// Whether it is an address and nothing more: printable ASCII without spaces, angle brackets or
/// line breaks, with one '@'.
bool is_mail_address(std::string_view text);

}  // namespace hallmark::net
