/// In place of ui/dist, where that was not built.

#include "server/page.h"

namespace hallmark::server {

const EmbeddedFiles& page_files() {
  static const EmbeddedFiles none;
  return none;
}

}  // namespace hallmark::server
