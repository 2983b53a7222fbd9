#include "cli/report_error.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"

namespace hallmark::cli {

namespace {

Error as_error(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) return *ours;
  return {ErrorKind::internal, error.what()};
}

void print_text(const Terminal& terminal, const Error& error) {
  // Notes may quote a script's output: their further lines are indented like the first.
  auto indented = [](const std::string& text) {
    std::string out;
    for (char c : redacted(text)) out += c == '\n' ? std::string("\n  ") : std::string(1, c);
    return out;
  };
  terminal.stream << paint(terminal, Tone::bad, "hallmark: error:") << ' '
                  << redacted(error.message()) << '\n';
  for (const std::string& note : error.notes()) terminal.stream << "  " << indented(note) << '\n';
  if (!error.hint().empty()) {
    terminal.stream << "  " << paint(terminal, Tone::strong, "hint:") << ' '
                    << indented(error.hint()) << '\n';
  }
}

}  // namespace

int report_error(const Terminal& terminal, bool json, const std::exception& caught) {
  Error error = as_error(caught);
  if (error.kind() == ErrorKind::internal && error.hint().empty()) {
    error.hint("this is a bug of Hallmark; please report it with the command that you ran");
  }
  log_debug("{}: {}", traits(error.kind()).name, error.full_text());
  if (json) {
    terminal.stream << redacted(compact(Json{{"type", "error"}, {"error", error_to_json(error)}}))
                    << '\n';
  } else {
    print_text(terminal, error);
  }
  terminal.stream.flush();
  return traits(error.kind()).exit_code;
}

}  // namespace hallmark::cli
