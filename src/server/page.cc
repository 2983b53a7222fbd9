#include "server/page.h"

#include <algorithm>
#include <map>

#include "base/ids.h"

namespace hallmark::server {

namespace {

std::string type_of(const std::string& name) {
  static const std::map<std::string, std::string> types = {
      {"html", "text/html; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"svg", "image/svg+xml"},
      {"json", "application/json"},
      {"txt", "text/plain; charset=utf-8"},
      {"webmanifest", "application/manifest+json"}};
  auto found = types.find(name.substr(name.rfind('.') + 1));
  return found == types.end() ? "application/octet-stream" : found->second;
}

}  // namespace

std::optional<Response> page_file(const std::string& path) {
  const bool view = path.find('.', path.rfind('/') + 1) == std::string::npos;
  const std::string name = view ? "index.html" : path.substr(path.find_first_not_of('/'));
  const EmbeddedFiles& files = page_files();
  auto found = std::find_if(files.begin(), files.end(),
                            [&](const auto& file) { return file.first == name; });
  if (found == files.end()) return std::nullopt;
  // Vite puts a digest of what is in them into the names of these.
  const bool forever = name.starts_with("assets/");
  return Response{200,
                  {{"Content-Type", type_of(name)},
                   {"Cache-Control", forever ? "public, max-age=31536000, immutable" : "no-cache"}},
                  std::string(found->second)};
}

}  // namespace hallmark::server
