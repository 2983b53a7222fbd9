#pragma once
/// The page: what ui/ is built to, which is in the program.

#include <optional>
#include <string>

#include "base/embedded.h"
#include "server/message.h"

namespace hallmark::server {

/// Empty in a program that was built without the page.
const EmbeddedFiles& page_files();

/// The file behind a path. What has no dot in its last part is a view of the page, which is one
/// file. Nothing if there is no such file.
std::optional<Response> page_file(const std::string& path);

}  // namespace hallmark::server
