#pragma once
/// Answers that come in pages.

#include <functional>
#include <string>

#include "aws/client.h"
#include "aws/model.h"

namespace hallmark::aws {

/// Calls until there are no more pages. An operation without pages is one page. `page` may return
/// false to stop early. Throws what the calls throw, and `corrupt` if a service gives the same
/// token twice in a row.
void for_each_page(Caller& caller, const Model& model, const Call& call, Value input,
                   std::stop_token stop, const std::function<bool(const Value& page)>& page);

/// All items of all pages: of the paginator's main result key, or of `key` (JMESPath).
/// Throws `usage` if the operation has no pages and no key is given.
Value collect(Caller& caller, const Model& model, const Call& call, Value input,
              std::stop_token stop, const std::string& key = {});

}  // namespace hallmark::aws
