#include "aws/raw_http.h"

#include <charconv>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

/// The next line without its end; what follows stays in `text`.
std::string_view take_line(std::string_view& text) {
  auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

int status_of(std::string_view line) {
  auto space = line.find(' ');
  int status = 0;
  std::string_view digits = space == std::string_view::npos ? "" : line.substr(space + 1, 3);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  if (!line.starts_with("HTTP/") || error != std::errc() || end != digits.data() + 3 ||
      status < 100) {
    throw Error(ErrorKind::corrupt, "the response has no status line")
        .hint("it starts like \"HTTP/1.1 200 OK\", then headers, a blank line and the body");
  }
  return status;
}

void read_headers(std::string_view& text, NamedValues& headers) {
  while (true) {
    if (text.empty()) return;
    std::string_view line = take_line(text);
    if (line.empty()) return;
    if ((line.front() == ' ' || line.front() == '\t') && !headers.empty()) {
      headers.back().second += ' ';
      headers.back().second += trim(line);
      continue;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      throw Error(ErrorKind::corrupt, "\"{}\" is no header", line.substr(0, 80));
    }
    headers.emplace_back(std::string(trim(line.substr(0, colon))),
                         std::string(trim(line.substr(colon + 1))));
  }
}

std::string join_chunks(std::string_view text, bool& is_cut_off) {
  std::string body;
  while (true) {
    std::string_view line = take_line(text);
    line = trim(line.substr(0, line.find(';')));
    std::size_t size = 0;
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (error != std::errc() || end != line.data() + line.size()) {
      if (!line.empty()) throw Error(ErrorKind::corrupt, "\"{}\" is no size of a chunk", line);
      is_cut_off = true;
      return body;
    }
    if (size == 0) return body;
    body += text.substr(0, size);
    if (size > text.size()) {
      is_cut_off = true;
      return body;
    }
    text.remove_prefix(size);
    take_line(text);
  }
}

}  // namespace

RawResponse parse_raw_response(std::string_view text) {
  RawResponse raw;
  Response& response = raw.response;
  response.status = status_of(take_line(text));
  read_headers(text, response.headers);
  auto encoding = header(response.headers, "Transfer-Encoding");
  if (encoding && to_lower(*encoding).find("chunked") != std::string::npos) {
    response.body = join_chunks(text, raw.is_cut_off);
    return raw;
  }
  response.body = std::string(text);
  if (auto length = header(response.headers, "Content-Length")) {
    std::size_t size = 0;
    auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), size);
    if (error != std::errc() || end != length->data() + length->size()) {
      throw Error(ErrorKind::corrupt, "\"{}\" is no Content-Length", *length);
    }
    raw.is_cut_off = size > response.body.size();
    if (size < response.body.size()) response.body.resize(size);
  }
  return raw;
}

}  // namespace hallmark::aws
