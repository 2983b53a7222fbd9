#pragma once
/// XML of feeds as a stream. expat's home in this room.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "scan/advisory/feed_file.h"

namespace hallmark::scan {

/// Names are without their prefix.
using XmlAttributes = std::map<std::string, std::string, std::less<>>;

struct XmlEvents {
  std::function<void(std::string_view name, const XmlAttributes&)> start;
  /// With the text between the element's last start or end and this end, trimmed.
  std::function<void(std::string_view name, std::string_view text)> end;
};

/// Throws `corrupt` if it is no XML, or defines entities: what they hide is not read.
void read_xml(FeedFile& file, const XmlEvents& events);

inline std::string_view attribute(const XmlAttributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace hallmark::scan
