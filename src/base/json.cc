#include "base/json.h"

template class nlohmann::basic_json<>;

namespace hallmark {

Json parse_json(std::string_view text, std::string_view origin) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    throw Error(ErrorKind::corrupt, "{}: not valid JSON at byte {}: {}", origin, e.byte, e.what());
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
