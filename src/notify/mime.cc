#include "notify/mime.h"

#include <algorithm>

#include "base/text.h"

namespace hallmark::notify {

namespace {

constexpr const char* kCrlf = "\r\n";

/// Lines of 76 characters (RFC 2045, 6.8): nothing in a body can end it, or be changed on the way.
std::string base64_lines(std::string_view bytes) {
  constexpr std::size_t kLine = 76;
  const std::string all = base64_encode(bytes);
  std::string out;
  for (std::size_t i = 0; i < all.size(); i += kLine) out += all.substr(i, kLine) + kCrlf;
  return out;
}

std::string part(const std::string& headers, std::string_view body) {
  return headers + "Content-Transfer-Encoding: base64\r\n\r\n" + base64_lines(body);
}

/// "Mon, 23 Nov 2026 23:10:00 +0000".
std::string mail_date(TimePoint now) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format(
      "{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
      time.seconds().count());
}

std::string multipart(const std::string& kind, const std::string& boundary,
                      const std::vector<std::string>& parts) {
  std::string out = "Content-Type: multipart/" + kind + "; boundary=\"" + boundary + "\"\r\n\r\n";
  for (const std::string& each : parts) out += "--" + boundary + kCrlf + each;
  return out + "--" + boundary + "--\r\n";
}

}  // namespace

std::string header_text(std::string_view text) {
  const std::string line = one_line(text);
  constexpr std::size_t kShort = 60;  // a line is 78 at most, with the header's name
  const bool plain =
      line.size() <= kShort && line.find("=?") == line.npos &&
      std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (plain) return line;
  std::string out;
  std::string word;
  auto flush = [&] {
    if (word.empty()) return;
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + base64_encode(word) + "?=";
    word.clear();
  };
  constexpr std::size_t kWord = 42;  // encoded it stays below 75 (RFC 2047, 2)
  for (std::size_t i = 0; i < line.size();) {
    std::size_t length = 1;  // of a character, which no word may cut
    while (i + length < line.size() &&
           (static_cast<unsigned char>(line[i + length]) & 0xc0) == 0x80)
      ++length;
    if (word.size() + length > kWord) flush();
    word += line.substr(i, length);
    i += length;
  }
  flush();
  return out;
}

std::string mime_of(const Message& message, const Mail& mail, TimePoint now) {
  std::vector<std::string> addresses = mail.to;
  addresses.push_back(mail.from);
  for (const std::string& address : addresses) {
    if (!net::is_mail_address(address)) {
      throw Error(ErrorKind::usage, "\"{}\" is no mail address", one_line(address));
    }
  }
  const std::string host = mail.from.substr(mail.from.find('@') + 1);
  std::string head = "Date: " + mail_date(now) + kCrlf;
  head += "From: Hallmark <" + mail.from + ">\r\n";
  head += "To: " + join(mail.to, ",\r\n ") + kCrlf;
  head += "Subject: " + header_text("[Hallmark] " + message.title) + kCrlf;
  head += "Message-ID: <" + message.message_id + "@" + host + ">\r\n";
  // Nobody's out-of-office reply is wanted (RFC 3834).
  head += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  // What is between boundaries is base64, so nothing in it can be one.
  const std::string content =
      multipart("alternative", message.message_id + "-a",
                {part("Content-Type: text/plain; charset=utf-8\r\n", message.text),
                 part("Content-Type: text/html; charset=utf-8\r\n", message.html)});
  if (message.report_html.empty() || !mail.attach_report) return head + content;
  return head + multipart("mixed", message.message_id + "-m",
                          {content, part("Content-Type: text/html; charset=utf-8; "
                                         "name=\"report.html\"\r\nContent-Disposition: attachment; "
                                         "filename=\"report.html\"\r\n",
                                         message.report_html)});
}

}  // namespace hallmark::notify
