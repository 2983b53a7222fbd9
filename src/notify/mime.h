#pragma once
/// A message as a mail (RFC 5322, MIME).

#include <string>
#include <vector>

#include "notify/message.h"

namespace hallmark::notify {

/// Text and HTML side by side, and the report attached if there is one and `attach_report`. Lines
/// end with CRLF. The same message has the same Message-ID whenever it is sent. Throws `usage` for
/// addresses that are none.
std::string mime_of(const Message& message, const Mail& mail, TimePoint now);

/// A header's text: as it is if it is short printable ASCII, else in encoded words (RFC 2047). No
/// line break survives.
std::string header_text(std::string_view text);

}  // namespace hallmark::notify
