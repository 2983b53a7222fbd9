/// In place of the page, where there is no npm to build it.

#include "server/page.h"

namespace hallmark::server {

const EmbeddedFiles& page_files() {
  static const EmbeddedFiles none;
  return none;
}

}  // namespace hallmark::server
