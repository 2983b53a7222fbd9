#include "base/json.h"

template class nlohmann::basic_json<>;

namespace hallmark {
namespace {

/// Far deeper than any format; copying and writing a value take stack for each level.
constexpr int kDeepest = 256;

bool is_too_deep(std::string_view text) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        while (++at < text.size() && text[at] != '"') {
          if (text[at] == '\\') ++at;
        }
        break;
      case '[':
      case '{':
        if (++depth > kDeepest) return true;
        break;
      case ']':
      case '}':
        --depth;
        break;
      default:
        break;
    }
  }
  return false;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view origin) {
  if (is_too_deep(text)) {
    throw Error(ErrorKind::corrupt, "{}: JSON nested more than {} deep", origin, kDeepest);
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    throw Error(ErrorKind::corrupt, "{}: not valid JSON at byte {}: {}", origin, e.byte, e.what());
  } catch (const nlohmann::json::out_of_range& e) {
    throw Error(ErrorKind::corrupt, "{}: {}", origin, e.what());
  }
}

std::string compact(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pretty(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json error_to_json(const Error& error) {
  return {{"kind", traits(error.kind()).name},
          {"message", error.message()},
          {"notes", error.notes()},
          {"hint", error.hint()}};
}

Error error_from_json(const Json& json) {
  Error error(error_kind_from_name(json.value("kind", "internal")),
              json.value("message", std::string("unknown error")));
  for (const std::string& note : json.value("notes", std::vector<std::string>{})) error.note(note);
  error.hint(json.value("hint", std::string()));
  return error;
}

}  // namespace hallmark
