#include "net/smtp.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "net/curl.h"

namespace hallmark::net {

namespace {

struct Upload {
  std::string_view left;
  std::stop_token stop;
};

std::size_t on_mail_read(char* buffer, std::size_t size, std::size_t count, void* context) {
  auto& upload = *static_cast<Upload*>(context);
  const std::size_t length = std::min(size * count, upload.left.size());
  std::memcpy(buffer, upload.left.data(), length);
  upload.left.remove_prefix(length);
  return length;
}

int on_mail_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Upload*>(context)->stop.stop_requested() ? 1 : 0;
}

void check_mail(const SmtpServer& server, const Envelope& envelope) {
  auto check_address = [](const std::string& address) {
    if (!is_mail_address(address)) {
      throw Error(ErrorKind::usage, "\"{}\" is no mail address", address)
          .hint("write it like name@example.com");
    }
  };
  check_address(envelope.from);
  if (envelope.to.empty()) throw Error(ErrorKind::usage, "a mail has no recipient");
  for (const std::string& address : envelope.to) check_address(address);
  if (server.place.empty() ||
      server.place.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789.-_:[]") != std::string::npos) {
    throw Error(ErrorKind::usage, "\"{}\" is no mail server", server.place)
        .hint("write it like smtp.example.com:587");
  }
  if (server.tls == SmtpTls::none && !server.username.empty()) {
    throw Error(ErrorKind::usage, "{} would get the password without TLS", server.place)
        .hint("use starttls or tls, or log in nowhere");
  }
}

[[noreturn]] void throw_mail_failure(CURLcode code, long answer, const char* details,
                                     const std::string& place) {
  ErrorKind kind = kind_of(code);
  if (code == CURLE_LOGIN_DENIED || code == CURLE_USE_SSL_FAILED) kind = ErrorKind::denied;
  // Of what the server itself said, its code tells whether to come back later.
  if (kind != ErrorKind::denied || code == CURLE_REMOTE_ACCESS_DENIED) {
    if (answer / 100 == 4) kind = ErrorKind::unavailable;
    if (answer / 100 == 5) kind = ErrorKind::failed;
  }
  Error error(kind, "{} did not take the mail: {}", place,
              *details ? details : curl_easy_strerror(code));
  if (code == CURLE_USE_SSL_FAILED) {
    error.hint("the server offers no STARTTLS; port 465 often wants tls: tls");
  }
  throw error;
}

}  // namespace

bool is_mail_address(std::string_view text) {
  constexpr std::size_t kLongest = 254;  // RFC 5321, 4.5.3.1.3
  if (text.empty() || text.size() > kLongest) return false;
  const std::size_t at = text.find('@');
  if (at == 0 || at == text.npos || at + 1 == text.size() || text.rfind('@') != at) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
  });
}

void send_mail(const SmtpServer& server, const Envelope& envelope, const std::string& message,
               std::stop_token stop) {
  check_mail(server, envelope);
  start_curl();
  std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
  if (!easy) throw Error(ErrorKind::unavailable, "no memory for a mail");
  auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  char details[CURL_ERROR_SIZE] = "";
  Upload upload{message, stop};
  const std::string url =
      (server.tls == SmtpTls::tls ? "smtps://" : "smtp://") + server.place + "/hallmark";
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_USE_SSL,
      static_cast<long>(server.tls == SmtpTls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!server.ca_file.empty()) set(CURLOPT_CAINFO, server.ca_file.c_str());
  if (!server.username.empty()) {
    set(CURLOPT_USERNAME, server.username.c_str());
    set(CURLOPT_PASSWORD, server.password.c_str());
  }
  const std::string from = "<" + envelope.from + ">";
  std::unique_ptr<curl_slist, FreeList> to;
  for (const std::string& address : envelope.to) {
    to.reset(curl_slist_append(to.release(), ("<" + address + ">").c_str()));
  }
  set(CURLOPT_MAIL_FROM, from.c_str());
  set(CURLOPT_MAIL_RCPT, to.get());
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_READFUNCTION, on_mail_read);
  set(CURLOPT_READDATA, &upload);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server.connect_limit.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(server.time_limit.count()));
  set(CURLOPT_NOSIGNAL, 1L);  // signals belong to the program, not to its threads
  set(CURLOPT_ERRORBUFFER, details);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_mail_progress);
  set(CURLOPT_XFERINFODATA, &upload);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code == CURLE_OK) return;
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw Error(ErrorKind::cancelled, "stopped while sending a mail to {}", server.place);
  }
  long answer = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer);
  throw_mail_failure(code, answer, details, server.place);
}

}  // namespace hallmark::net
