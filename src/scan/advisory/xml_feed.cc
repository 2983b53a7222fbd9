#include "scan/advisory/xml_feed.h"

#include <expat.h>

#include <exception>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::scan {
namespace {

// A description has some thousand bytes; the text of a broken file may be all of it.
constexpr std::size_t kMaxText = 64u << 10;
constexpr int kBlock = 64 << 10;

struct Parsing {
  const XmlEvents& events;
  XML_Parser parser;
  std::string text;
  std::exception_ptr thrown;
};

std::string_view local_name(const char* name) {
  const std::string_view text(name);
  const std::size_t colon = text.rfind(':');
  return colon == text.npos ? text : text.substr(colon + 1);
}

/// No exception may cross expat's frames.
template <typename Call>
void guarded(void* data, Call call) {
  auto& parsing = *static_cast<Parsing*>(data);
  if (parsing.thrown) return;
  try {
    call(parsing);
  } catch (...) {
    parsing.thrown = std::current_exception();
    XML_StopParser(parsing.parser, XML_FALSE);
  }
}

void on_start(void* data, const char* name, const char** pairs) {
  guarded(data, [&](Parsing& parsing) {
    XmlAttributes attributes;
    for (; *pairs != nullptr; pairs += 2)
      attributes.insert_or_assign(std::string(local_name(pairs[0])), pairs[1]);
    parsing.text.clear();
    parsing.events.start(local_name(name), attributes);
  });
}

void on_end(void* data, const char* name) {
  guarded(data, [&](Parsing& parsing) {
    parsing.events.end(local_name(name), trim(parsing.text));
    parsing.text.clear();
  });
}

void on_text(void* data, const char* text, int length) {
  guarded(data, [&](Parsing& parsing) {
    if (parsing.text.size() < kMaxText) parsing.text.append(text, static_cast<std::size_t>(length));
  });
}

void on_entity(void* data, const char*, int, const char*, int, const char*, const char*,
               const char*, const char*) {
  guarded(data, [](Parsing&) {
    throw Error(ErrorKind::corrupt, "the feed defines entities, which none has reason to");
  });
}

}  // namespace

void read_xml(FeedFile& file, const XmlEvents& events) {
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate(nullptr), XML_ParserFree);
  Parsing parsing{events, parser.get(), {}, nullptr};
  XML_SetUserData(parser.get(), &parsing);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetEntityDeclHandler(parser.get(), on_entity);
  std::size_t got = 0;
  do {
    void* buffer = XML_GetBuffer(parser.get(), kBlock);
    if (buffer == nullptr) throw Error(ErrorKind::corrupt, "the feed is too long for its reader");
    got = file.read(static_cast<char*>(buffer), kBlock);
    const auto status = XML_ParseBuffer(parser.get(), static_cast<int>(got), got == 0);
    if (parsing.thrown) std::rethrow_exception(parsing.thrown);
    if (status != XML_STATUS_OK) {
      throw Error(ErrorKind::corrupt, "line {} is no XML: {}",
                  XML_GetCurrentLineNumber(parser.get()),
                  XML_ErrorString(XML_GetErrorCode(parser.get())))
          .hint("was it cut off while it was fetched?");
    }
  } while (got != 0);
}

}  // namespace hallmark::scan
