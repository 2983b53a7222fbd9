#include "cli/exit_codes.h"

#include <map>

namespace hallmark::cli {

std::string meaning_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "wrong usage: a bad flag, file or value";
    case ErrorKind::not_found:
      return "what was named does not exist";
    case ErrorKind::conflict:
      return "it exists already, or is not in a state for this";
    case ErrorKind::denied:
      return "not allowed";
    case ErrorKind::throttled:
      return "the other side asks to come back later";
    case ErrorKind::unavailable:
      return "cannot be reached or is not ready; try again";
    case ErrorKind::timeout:
      return "a time limit passed";
    case ErrorKind::corrupt:
      return "damaged or malformed data";
    case ErrorKind::failed:
      return "a script, test or package operation failed";
    case ErrorKind::rejected:
      return "the gate is closed, or an approver said no";
    case ErrorKind::cancelled:
      return "interrupted or cancelled";
    case ErrorKind::internal:
      return "a bug of Hallmark";
  }
  return "";
}

std::vector<std::pair<int, std::string>> exit_codes() {
  std::map<int, std::string> codes = {{0, "done"}};
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    auto kind = static_cast<ErrorKind>(i);
    std::string& meaning = codes[traits(kind).exit_code];
    meaning += (meaning.empty() ? "" : "; ") + meaning_of(kind);
  }
  return {codes.begin(), codes.end()};
}

}  // namespace hallmark::cli
