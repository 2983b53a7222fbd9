#include "scan/inspector/api.h"

#include <unordered_set>

#include "base/error.h"
#include "base/ids.h"

namespace hallmark::scan::inspector {
namespace {

// Ten million findings; no machine has them.
constexpr int kMostPages = 100'000;
constexpr std::size_t kRawFile = 8u << 20;

}  // namespace

Value Api::call(const std::string& operation, const Value& input, std::stop_token stop) const {
  return call_service("inspector2", operation, input, stop);
}

Value Api::call_service(const std::string& service, const std::string& operation,
                        const Value& input, std::stop_token stop) const {
  if (stop.stop_requested()) {
    throw Error(ErrorKind::cancelled, "stopped before {} {}", service, operation);
  }
  Value answer = access_.caller->call(
      {.service = service,
       .operation = operation,
       .region = place_.region,
       .credentials = access_.credentials_of ? access_.credentials_of(place_.account_id) : nullptr},
      input, stop);
  return answer.is_null() ? Value::object() : answer;
}

void Api::each_page(const std::string& operation, Value input,
                    const std::function<void(const Value& page)>& use, std::stop_token stop) const {
  std::unordered_set<std::string> seen;
  for (int number = 0; number < kMostPages; ++number) {
    Value page = call(operation, input, stop);
    use(page);
    std::string token = text_of(page, "nextToken");
    if (token.empty()) return;
    // A token may be a megabyte long.
    if (!seen.insert(sha256_hex(token)).second) break;
    input["nextToken"] = std::move(token);
  }
  throw Error(ErrorKind::corrupt, "Inspector's pages of {} have no end", operation);
}

void RawPages::add(const Value& answer) {
  lines_ += compact(answer);
  lines_ += '\n';
  if (lines_.size() >= kRawFile) flush();
}

void RawPages::keep(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error&) {
    flush();
    throw;
  }
  flush();
}

void RawPages::flush() {
  if (lines_.empty()) return;
  keep_(name_ + "-" + std::to_string(++number_) + ".jsonl", "application/x-ndjson", lines_);
  lines_.clear();
}

Value equals(const std::vector<std::string>& values) {
  Value filters = Value::array();
  for (const std::string& value : values) {
    filters.push_back({{"comparison", "EQUALS"}, {"value", value}});
  }
  return filters;
}

}  // namespace hallmark::scan::inspector
